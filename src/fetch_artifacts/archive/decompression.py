"""Compressed bytes to plain ones and back, as streams.

Decompressing refuses what 7-Zip, which Julia uses, refuses: a stream that is cut short
or damaged, and bytes after its end. Several streams one after the other are one.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, get_args

from fetch_artifacts.archive.gzip import gzip_chunks
from fetch_artifacts.archive.kind import HEAD_BYTES, sniff
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.streams import blocks, gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from fetch_artifacts.archive.kind import ArchiveKind

    Buffer: TypeAlias = bytes | memoryview

Compression: TypeAlias = Literal["gz", "xz", "bz2", "zst"]

# So much goes in, or up to twice as much, and comes out at a time: a bomb must not fill
# the memory. With smaller pieces threads spend their time on waking each other.
_INPUT_BYTES: Final = 1 << 20
_OUTPUT_BYTES: Final = 1 << 20
_SHORT_STREAM: Final = 1 << 12
# xz -9 needs 65 MiB; a header that claims more than this is refused.
_LZMA_MEMORY: Final = 1 << 28


class _Encoder(Protocol):
    """What the compressors of lzma, bz2 and zstd have in common."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Decoder(Protocol):
    """What the decompressors of lzma, bz2 and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: Buffer, /, max_length: int) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Codec:
    """One way to decompress.

    Attributes:
        name: For messages.
        decoder: Makes a decoder of one stream.
        errors: What a decoder raises for damaged data.
        padding: Streams may be followed by NUL bytes, a multiple of this many.
        repeats: A stream may be followed by another one.
    """

    name: str
    decoder: Callable[[], _Decoder]
    errors: tuple[type[Exception], ...]
    padding: int = 0
    repeats: bool = True


def peek(chunks: Iterable[bytes]) -> tuple[ArchiveKind, Iterator[bytes]]:
    """Tell the kind of an archive, and give all of its chunks.

    Raises:
        UnpackError: It is no archive.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return sniff(head[:HEAD_BYTES]), itertools.chain((head,), source)


def decompress(kind: ArchiveKind, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress an archive of a known kind; an uncompressed one stays as it is.

    Raises:
        UnpackError: It is damaged or cut short, or a zip, which holds no tar archive.
    """
    if kind == "tar":
        return iter(chunks)
    if kind == "zip":
        msg = "expected a compressed tar archive, found a zip archive"
        raise UnpackError(msg)
    return _decode(_codec(kind), chunks)


def compressed(
    chunks: Iterable[bytes], kind: Compression | None, *, threads: int | None = None
) -> Iterator[bytes]:
    """Give compressed data; the same data gives the same bytes.

    Args:
        chunks: The data, in pieces of any size.
        kind: ``"gz"``: see `gzip_writer`; what every Julia can install. ``"xz"``: level
            6. ``"bz2"``: level 9. ``"zst"``: level 19, as Julia 1.13 does it, which
            older ones can't install. None: the data as it is.
        threads: How many threads compress ``"gz"``; None: one for each core. The bytes
            do not depend on it.

    Raises:
        ValueError: There is no such kind.
    """
    if kind is None:
        return iter(chunks)
    if kind == "gz":
        return gzip_chunks(chunks, threads=threads)
    if kind not in get_args(Compression):
        known = ", ".join(map(repr, get_args(Compression)))
        msg = f"compression: expected {known} or None, found {kind!r}"
        raise ValueError(msg)
    return _encode(_encoder(kind), blocks(chunks, _INPUT_BYTES))


def _decode(codec: _Codec, chunks: Iterable[bytes]) -> Iterator[bytes]:
    streams = _Streams(codec)
    for chunk in gathered(chunks, _INPUT_BYTES):
        yield from streams.feed(memoryview(chunk))
    streams.finish()


class _Streams:
    """Compressed streams, one after the other."""

    def __init__(self, codec: _Codec) -> None:
        self._codec = codec
        self._decoder = codec.decoder()
        self._step = 2 * _INPUT_BYTES
        self._padding = 0
        self._is_first = True

    def feed(self, data: memoryview) -> Iterator[bytes]:
        """Take the next bytes; gives what they decompress to."""
        while data:
            if self._decoder.eof and not (data := self._begin(data)):
                return
            part = data[: self._step]
            yield from self._decompress(part)
            if self._decoder.eof:
                part = part[: len(part) - len(self._decoder.unused_data)]
            else:
                self._step = min(2 * self._step, 2 * _INPUT_BYTES)
            data = data[len(part) :]

    def finish(self) -> None:
        """Check that the last bytes were the end of a stream."""
        if not self._decoder.eof:
            raise self._error("is cut short")
        if self._padding:
            raise self._error("is cut short, or has other bytes after its end")

    def _begin(self, data: memoryview) -> memoryview:
        """Begin the next stream, after any padding, which is not part of it."""
        while self._codec.padding and data and not data[0]:
            head = bytes(data[:_SHORT_STREAM])
            count = len(head) - len(head.lstrip(b"\0"))
            self._padding = (self._padding + count) % self._codec.padding
            data = data[count:]
        if data:
            if self._padding or not self._codec.repeats:
                raise self._error("has other bytes after its end")
            self._decoder = self._codec.decoder()
            # What a decoder does not use it copies, so streams may be many and short.
            self._step = _SHORT_STREAM
            self._is_first = False
        return data

    def _decompress(self, part: memoryview) -> Iterator[bytes]:
        data: Buffer = part
        while True:
            try:
                piece = self._decoder.decompress(data, _OUTPUT_BYTES)
            except self._codec.errors as error:
                where = "" if self._is_first else ", or has other bytes after its end"
                raise self._error(f"is damaged ({error}){where}") from error
            if piece:
                yield piece
            if self._decoder.eof or self._decoder.needs_input:
                return
            data = b""

    def _error(self, fault: str) -> UnpackError:
        name = self._codec.name
        return UnpackError(f"the {name} data {fault}; download it again")


class _Inflater:
    """A gzip decoder with the methods of the others."""

    def __init__(self) -> None:
        from fetch_artifacts.archive.zlib_ng import zlib

        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: Buffer, /, max_length: int) -> bytes:
        return self._zlib.decompress(data or self._zlib.unconsumed_tail, max_length)


def _codec(kind: Literal["gz", "xz", "lzma", "bz2", "zst"]) -> _Codec:
    if kind == "gz":
        from fetch_artifacts.archive.zlib_ng import zlib

        # The stub of zlib-ng calls its exception class an instance.
        errors: Any = (zlib.error,)
        return _Codec(name="gzip", decoder=_Inflater, errors=errors)
    if kind == "bz2":
        import bz2

        return _Codec(name="bzip2", decoder=bz2.BZ2Decompressor, errors=(OSError,))
    if kind == "zst":
        zstd = _zstd()
        return _Codec(
            name="zstd", decoder=zstd.ZstdDecompressor, errors=(zstd.ZstdError,)
        )
    import lzma

    container = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return _Codec(
        name=kind,
        decoder=lambda: lzma.LZMADecompressor(container, _LZMA_MEMORY),
        errors=(lzma.LZMAError,),
        padding=4 if kind == "xz" else 0,
        repeats=kind == "xz",
    )


def _encoder(kind: Literal["xz", "bz2", "zst"]) -> _Encoder:
    if kind == "xz":
        import lzma

        return lzma.LZMACompressor(preset=6)
    if kind == "bz2":
        import bz2

        return bz2.BZ2Compressor(9)
    encoder: _Encoder = _zstd().ZstdCompressor(level=19)
    return encoder


def _encode(encoder: _Encoder, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if piece := encoder.compress(chunk):
            yield piece
    yield encoder.flush()


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):  # pragma: no cover - depends on Python's version
        from compression import zstd
    else:
        from backports import zstd
    return zstd
