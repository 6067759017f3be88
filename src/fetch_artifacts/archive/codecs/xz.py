"""The two containers of LZMA: xz, and the older .lzma, which is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.codecs.codec import Decoding, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# xz -9 needs 65 MiB; a header that claims more than this is refused.
_MEMORY: Final = 1 << 28


def xz_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data at xz's default level, 6."""
    import lzma

    return encode(lzma.LZMACompressor(preset=6), chunks)


def xz_decoding() -> Decoding:
    """Read xz: streams may be several, padded to a multiple of 4 bytes."""
    import lzma

    return Decoding(
        decoder=lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY),
        errors=(lzma.LZMAError,),
        padding=4,
    )


def lzma_decoding() -> Decoding:
    """Read .lzma, which is a single stream."""
    import lzma

    return Decoding(
        decoder=lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _MEMORY),
        errors=(lzma.LZMAError,),
        repeats=False,
    )
