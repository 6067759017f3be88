"""Zstandard: in the standard library since Python 3.14, in its backport before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fetch_artifacts.archive.codecs.codec import Decoding, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType


def zstd_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress data at level 19, as Julia 1.13 does."""
    return encode(_zstd().ZstdCompressor(level=19), chunks)


def zstd_decoding() -> Decoding:
    """Read zstd; frames that are marked to be skipped give nothing."""
    zstd = _zstd()
    return Decoding(decoder=zstd.ZstdDecompressor, errors=(zstd.ZstdError,))


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):  # pragma: no cover - depends on Python's version
        from compression import zstd
    else:
        from backports import zstd
    return zstd
