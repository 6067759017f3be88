"""Bzip2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.archive.codecs.codec import Decoding, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def bzip2_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data at the highest level, 9, which is bzip2's default."""
    import bz2

    return encode(bz2.BZ2Compressor(9), chunks)


def bzip2_decoding(_max_window: int) -> Decoding:
    """Read bzip2."""
    import bz2

    return Decoding(decoder=bz2.BZ2Decompressor, errors=(OSError,))
