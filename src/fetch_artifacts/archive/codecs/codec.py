"""What every compression gives to be read and written, as the standard library does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from fetch_artifacts.streams import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Buffer: TypeAlias = bytes | memoryview

HEAD_BYTES: Final = 64
"""Bytes of a stream that say how much memory it needs."""

_INPUT_BYTES: Final = 1 << 20


class Encoder(Protocol):
    """What the compressors of lzma, bz2 and zstd have in common."""

    def compress(self, data: bytes, /) -> bytes:
        """Take the next bytes; return what is ready."""
        ...

    def flush(self) -> bytes:
        """End the stream; return the rest."""
        ...


class Decoder(Protocol):
    """What the decompressors of lzma, bz2 and zstd have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream has been reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether all that the input so far decompresses to has been given."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after the end of the stream."""
        ...

    def decompress(self, data: Buffer, /, max_length: int) -> bytes:
        """Take the next bytes; return at most `max_length` decompressed ones."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How to read one compression.

    Attributes:
        decoder: Makes a decoder of one stream.
        errors: What a decoder raises for damaged data.
        needs: Finds out from the first `HEAD_BYTES` of a stream how much memory it
            takes to decompress it, in bytes, 0 where they don't say; None: always few.
        padding: Streams may be followed by NUL bytes, a multiple of this many.
        repeats: A stream may be followed by another one.
    """

    decoder: Callable[[], Decoder]
    errors: tuple[type[Exception], ...]
    needs: Callable[[bytes], int] | None = None
    padding: int = 0
    repeats: bool = True


def encode(encoder: Encoder, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data; where it is cut into chunks does not matter."""
    for block in blocks(chunks, _INPUT_BYTES):
        if piece := encoder.compress(block):
            yield piece
    yield encoder.flush()
