"""Compressed bytes to plain ones, as streams.

Decompressing refuses what 7-Zip, which Julia uses, refuses: a stream that is cut short
or damaged, and bytes after its end. Several streams one after the other are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.codecs.codec import HEAD_BYTES
from fetch_artifacts.archive.formats import FORMATS
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.streams import gathered
from fetch_artifacts.tar.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fetch_artifacts.archive.codecs.codec import Buffer, Decoding
    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.tar.limits import UnpackLimits

# Bytes that go in at a time, or up to twice as many, and that come out. The threads
# hold a dozen pieces, so with larger ones a bomb could fill the memory; with smaller
# ones the threads would spend their time on waking each other.
_INPUT_BYTES: Final = 1 << 18
_OUTPUT_BYTES: Final = 1 << 19
_SHORT_STREAM: Final = 1 << 12


def decompress(
    kind: ArchiveKind,
    chunks: Iterable[bytes],
    limits: UnpackLimits = DEFAULT_LIMITS,
) -> Iterator[bytes]:
    """Decompress an archive of a known kind; an uncompressed one stays as it is.

    Args:
        kind: The kind.
        chunks: The archive.
        limits: How many bytes of memory it may need for its window.

    Raises:
        UnpackError: It is damaged or cut short, needs more memory, or is a zip, which
            holds no tar archive.
    """
    row = FORMATS[kind]
    if row.decoding is not None:
        return _decode(_Streams(row.name, row.decoding, limits), chunks)
    if kind == "tar":
        return iter(chunks)
    msg = f"expected a compressed tar archive, found a {row.name} archive"
    raise UnpackError(msg)


def _decode(streams: _Streams, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in gathered(chunks, _INPUT_BYTES):
        yield from streams.feed(memoryview(chunk))
    yield from streams.finish()


class _Streams:
    """Compressed streams, one after the other."""

    def __init__(
        self, name: str, choose: Callable[[int], Decoding], limits: UnpackLimits
    ) -> None:
        self._name = name
        self._choose = choose
        self._limits = limits
        self._decoding = choose(limits.max_window)
        self._decoder = self._decoding.decoder()
        self._is_new = True  # the decoder has not begun
        self._rest = b""  # of the last chunk: too few bytes to begin with
        self._step = 2 * _INPUT_BYTES
        self._padding = 0
        self._is_first = True

    def feed(self, data: memoryview, *, is_last: bool = False) -> Iterator[bytes]:
        """Take the next bytes; return what they decompress to."""
        if self._rest:
            data, self._rest = memoryview(self._rest + data), b""
        while data:
            if self._decoder.eof and not (data := self._begin(data)):
                return
            if self._is_new:
                if len(data) < HEAD_BYTES and not is_last:
                    self._rest = bytes(data)
                    return
                self._check_memory(bytes(data[:HEAD_BYTES]))
            part = data[: self._step]
            yield from self._decompress(part)
            if self._decoder.eof:
                part = part[: len(part) - len(self._decoder.unused_data)]
            else:
                self._step = min(2 * self._step, 2 * _INPUT_BYTES)
            data = data[len(part) :]

    def finish(self) -> Iterator[bytes]:
        """Take what is left, and check that it was the end of a stream."""
        yield from self.feed(memoryview(b""), is_last=True)
        if not self._decoder.eof:
            raise self._error("is cut short")
        if self._padding:
            raise self._error("is cut short, or has other bytes after its end")

    def _begin(self, data: memoryview) -> memoryview:
        """Begin the next stream, after any padding, which is not part of it."""
        while self._decoding.padding and data and not data[0]:
            head = bytes(data[:_SHORT_STREAM])
            count = len(head) - len(head.lstrip(b"\0"))
            self._padding = (self._padding + count) % self._decoding.padding
            data = data[count:]
        if data:
            if self._padding or not self._decoding.repeats:
                raise self._error("has other bytes after its end")
            self._decoder = self._decoding.decoder()
            self._is_new = True
            # A decoder copies the input that it leaves over, once for each stream.
            self._step = _SHORT_STREAM
            self._is_first = False
        return data

    def _decompress(self, part: memoryview) -> Iterator[bytes]:
        data: Buffer = part
        while True:
            try:
                piece = self._decoder.decompress(data, _OUTPUT_BYTES)
            except self._decoding.errors as error:
                if "emory" in str(error):  # a later block of a stream wants more
                    raise self._too_large("more memory", "more bytes") from error
                where = "" if self._is_first else ", or has other bytes after its end"
                raise self._error(f"is damaged ({error}){where}") from error
            if piece:
                yield piece
            if self._decoder.eof or self._decoder.needs_input:
                return
            data = b""

    def _check_memory(self, head: bytes) -> None:
        """Make sure that a stream that begins so gets no more memory than it may."""
        self._is_new = False
        needed = self._decoding.needs(head) if self._decoding.needs else 0
        if needed > self._limits.max_window:
            self._limits = self._limits.proven()
            self._decoding = self._choose(self._limits.max_window)
            self._decoder = self._decoding.decoder()
        if needed > self._limits.max_window:
            raise self._too_large(f"{needed / (1 << 20):.0f} MiB of memory", needed)

    def _too_large(self, needed: str, value: int | str) -> UnpackError:
        most = self._limits.max_window / (1 << 20)
        msg = (
            f"the {self._name} data needs {needed} to be decompressed, expected at "
            f"most {most:.0f} MiB where no sha256 vouches for it; compress it anew "
            "with the usual settings or, if you trust it, set "
            f"FETCH_ARTIFACTS_MAX_WINDOW to {value}"
        )
        return UnpackError(msg)

    def _error(self, fault: str) -> UnpackError:
        return UnpackError(f"the {self._name} data {fault}; download it again")
