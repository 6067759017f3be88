"""Downloads whose hashes are not known in advance, but measured.

`fetch_artifacts.install.installer` is for those whose hashes are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.parallel.threads import run_one
from fetch_artifacts.streams import Arriving, HashedChunks
from fetch_artifacts.terminal.progress import report_bytes
from fetch_artifacts.urls import file_name, redacted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.network.transfer import ByteReport
    from fetch_artifacts.terminal.progress import Progress

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Fetcher(Protocol):
    """What `receive` needs of an `~fetch_artifacts.network.fetcher.HttpFetcher`."""

    @property
    def stopped(self) -> threading.Event:
        """Ends each wait for a server once it is set."""
        ...

    def open(
        self, url: str, *, progress: ByteReport | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Give the chunks of a body, calling ``progress`` for each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Generic[T_co]):
    """A finished download.

    Attributes:
        url: The URL.
        sha256: The hash of the body.
        size: The length of the body in bytes.
        outcome: The result of the consumer, or the error that it raised.
    """

    url: str
    sha256: Sha256
    size: int
    outcome: T_co | UnpackError

    @property
    def content(self) -> T_co:
        """The result of the consumer.

        Raises:
            UnpackError: The body is not an archive, or is unsafe.
        """
        if isinstance(self.outcome, UnpackError):
            raise self.outcome
        return self.outcome


def receive(
    fetcher: Fetcher,
    url: str,
    consume: Callable[[Iterable[bytes]], T],
    report: Progress | None = None,
    *,
    promised: Sha256 | None = None,
) -> Received[T]:
    """Download a body, and hash it while a consumer reads it.

    Args:
        fetcher: The fetcher.
        url: The URL.
        consume: Reads the bytes; called again if the download starts over.
        report: Called with the progress of the download.
        promised: The sha256 that the body should have; the consumer is given an
            `~fetch_artifacts.streams.Arriving`, and may ask for the proof.

    Raises:
        DownloadError: The download failed or stayed incomplete.
    """
    job = partial(_receive_in_one_go, fetcher, url, consume, report, promised)
    try:
        return run_one(job, stopped=fetcher.stopped)
    except StartOverError:
        return run_one(job, stopped=fetcher.stopped)


def _receive_in_one_go(
    fetcher: Fetcher,
    url: str,
    consume: Callable[[Iterable[bytes]], T],
    report: Progress | None,
    promised: Sha256 | None,
) -> Received[T]:
    name = file_name(url)

    def tell(done: int, total: int | None, note: str = "") -> None:
        report_bytes(report, name, done, total, note)

    with fetcher.open(url, progress=tell) as body:
        hashed = HashedChunks(body)
        outcome: T | UnpackError
        try:
            with Arriving(hashed, hashed, promised, TemporaryFile) as chunks:
                outcome = consume(chunks)
        except UnpackError as error:
            outcome = error
        hashed.drain()  # bytes after an archive's end, or after an error in it
    if isinstance(outcome, UnpackError):
        outcome = outcome.at(redacted(url), hashed.size)
    return Received(
        url=url,
        sha256=hashed.sha256(),
        size=hashed.size,
        outcome=outcome,
    )
