"""Streams of bytes, cut in other places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGE: Final = 1 << 19
"""Bytes in a chunk that make whatever is done once for each chunk cost little."""


def gathered(chunks: Iterable[bytes], size: int = LARGE) -> Iterator[bytes]:
    """Put chunks together until each has at least `size` bytes, but for the last."""
    waiting: list[bytes] = []
    length = 0
    for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length >= size:
            yield b"".join(waiting)
            waiting.clear()
            length = 0
    if length:
        yield b"".join(waiting)


def blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give chunks of exactly `size` bytes; only the last one may be shorter."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            yield bytes(rest[start : start + size])
        del rest[:whole]
    if rest:
        yield bytes(rest)
