"""Zstandard: in the standard library since Python 3.14, in its backport before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.codecs.codec import Decoding, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

MAGIC: Final = b"\x28\xb5\x2f\xfd"
SKIPPABLE: Final = tuple(b"%c\x2a\x4d\x18" % byte for byte in range(0x50, 0x60))
"""What the frames begin with that hold no data (RFC 8878, 3.1.2)."""

_LONGEST_HEADER: Final = 18
_SINGLE_SEGMENT: Final = 1 << 5


def zstd_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data at level 19, as Julia 1.13 does."""
    return encode(_zstd().ZstdCompressor(level=19), chunks)


def zstd_decoding(max_window: int) -> Decoding:
    """Read zstd; frames that are marked to be skipped give nothing.

    Args:
        max_window: The largest window that is allowed, in bytes.
    """
    zstd = _zstd()
    low, high = zstd.DecompressionParameter.window_log_max.bounds()
    log = min(max(max_window.bit_length() - 1, low), high)
    options = {zstd.DecompressionParameter.window_log_max: log}
    return Decoding(
        decoder=lambda: zstd.ZstdDecompressor(options=options),
        errors=(zstd.ZstdError,),
        needs=_window,
    )


def _window(head: bytes) -> int:
    """The window of a frame in bytes (RFC 8878, 3.1.1.1)."""
    if not head.startswith(MAGIC) or len(head) < _LONGEST_HEADER:
        return 0
    descriptor, window = head[4], head[5]
    if descriptor & _SINGLE_SEGMENT:  # all of the content is the window
        start = 5 + (0, 1, 2, 4)[descriptor & 3]
        length = (1, 2, 4, 8)[descriptor >> 6]
        return int.from_bytes(head[start : start + length], "little")
    base = 1 << 10 + (window >> 3)
    return base + base // 8 * (window & 7)


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):  # pragma: no cover - depends on Python's version
        from compression import zstd
    else:
        from backports import zstd
    return zstd
