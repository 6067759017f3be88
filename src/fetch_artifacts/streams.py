"""Streams of chunks: read ahead in a thread, cut anew, hashed on the way."""

from __future__ import annotations

import contextlib
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Final

from fetch_artifacts.digests import Sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

LARGE: Final = 1 << 19
"""Bytes in a chunk; with smaller ones, the cost of each chunk would matter."""


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


class HashedChunks:
    """Chunks that are hashed and counted as they pass.

    A second iteration continues where the first one stopped.

    Attributes:
        size: How many bytes have passed so far.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        import hashlib

        self._chunks = iter(chunks)
        self._hasher = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hasher.update(chunk)
            self.size += len(chunk)
            yield chunk

    def sha256(self) -> Sha256:
        """The hash of what has passed so far."""
        return Sha256(self._hasher.digest())

    def drain(self, *, at_most: int | None = None) -> bool:
        """Let the rest pass; False where it is longer than `at_most` bytes."""
        limit = None if at_most is None else self.size + at_most
        return not any(limit is not None and self.size > limit for _ in self)


class Arriving(contextlib.AbstractContextManager["Arriving"]):
    """Chunks read ahead from `HashedChunks`; the rest can be checked before it is used.

    Threads may share it: one iterates while another calls `prove`.

    Args:
        ahead: The chunks, from `prefetched`.
        hashed: Where they come from.
        promised: The sha256 that all of them should have; None promises nothing.
        spool: Opens a file that `prove` keeps the rest in.
    """

    def __init__(
        self,
        ahead: Iterable[bytes],
        hashed: HashedChunks,
        promised: Sha256 | None,
        spool: Callable[[], IO[bytes]],
    ) -> None:
        import threading

        self._ahead = iter(ahead)
        self._hashed = hashed
        self._promised = promised
        self._spool = spool
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            if self._file is None:
                return next(self._ahead)
            if chunk := self._file.read(LARGE):
                return chunk
            raise StopIteration

    def prove(self) -> bool:
        """Read the rest into a file, and give whether all of it has the promised hash.

        Raises:
            OSError: There is no room for it.
        """
        if self._promised is None:
            return False
        with self._lock:
            if self._file is None:
                self._file = self._spool()
                self._file.writelines(self._ahead)
                self._file.seek(0)
            return self._hashed.sha256() == self._promised


def sha256_of(file: IO[bytes]) -> Sha256:
    """Hash a file from where it stands to its end."""
    hashed = HashedChunks(iter(lambda: file.read(LARGE), b""))
    hashed.drain()
    return hashed.sha256()


def prefetched(
    chunks: Iterable[bytes], *, depth: int = 4
) -> Generator[bytes, None, None]:
    """Give the chunks of a source, which a thread reads up to `depth` chunks ahead.

    A short first chunk may be all there is, so the thread starts after the second one.

    An error of the source is raised here, after the chunks before it. When the
    iteration is given up early, the thread stops at the chunk it is working on, and
    has ended, with the source closed, when ``close`` returns.
    """
    source = iter(chunks)
    try:
        first = list(islice(source, 1))
        if first and len(first[0]) < LARGE:
            yield from first
            first = list(islice(source, 1))
        if first:
            yield from _read_ahead(chain(first, source), depth)
    finally:
        close = getattr(source, "close", None)
        if close:
            close()


def _read_ahead(chunks: Iterable[bytes], depth: int) -> Iterator[bytes]:
    import queue
    import threading
    from concurrent.futures import Future

    from fetch_artifacts.parallel.threads import settle, start_thread

    ready: queue.SimpleQueue[bytes | Future[None]] = queue.SimpleQueue()
    room = threading.Semaphore(depth)
    given_up = False

    def read() -> None:
        for chunk in chunks:
            ready.put(chunk)
            room.acquire()
            if given_up:
                break

    thread = start_thread(lambda: ready.put(settle(Future(), read)), name="prefetched")
    try:
        while True:
            chunk = ready.get()
            if isinstance(chunk, Future):
                chunk.result()
                return
            room.release()
            yield chunk
    finally:
        given_up = True
        room.release()
        thread.join()
