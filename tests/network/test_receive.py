from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from fetch_artifacts.errors import DownloadError, UnpackError
from fetch_artifacts.network.receive import Received, receive
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.terminal.progress import ProgressEvent
from support.published import sha256

URL = "https://example.org/files/a.tar.gz?download=1"


class Bodies:
    """Gives one body after the other; a DownloadError in it is raised there."""

    def __init__(self, *bodies: list[bytes | DownloadError]) -> None:
        self._bodies = iter(bodies)
        self.stopped = threading.Event()

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        progress: Callable[[int, int | None], object] | None = None,
    ) -> Iterator[Iterator[bytes]]:
        assert progress
        yield self._chunks(next(self._bodies), progress)

    def _chunks(
        self,
        body: list[bytes | DownloadError],
        progress: Callable[[int, int | None], object],
    ) -> Iterator[bytes]:
        done = 0
        for chunk in body:
            if isinstance(chunk, DownloadError):
                raise chunk
            done += len(chunk)
            progress(done, None)
            yield chunk


def test_a_body_is_hashed_and_counted_whatever_is_made_of_it() -> None:
    received = receive(Bodies([b"abc", b"def"]), URL, lambda chunks: next(iter(chunks)))
    assert received == Received(url=URL, sha256=received.sha256, size=6, outcome=b"abc")
    assert str(received.sha256) == sha256(b"abcdef")


def test_a_download_that_must_start_over_does() -> None:
    void = StartOverError("void", url=URL)
    received = receive(Bodies([b"old", void], [b"new"]), URL, b"".join)
    assert (received.content, received.size) == (b"new", 3)
    with pytest.raises(StartOverError):
        receive(Bodies([void], [void]), URL, b"".join)


def test_what_is_no_archive_is_hashed_all_the_same() -> None:
    def refuse(chunks: object) -> bytes:
        raise UnpackError("no archive")

    received = receive(Bodies([b"abc"]), URL, refuse)
    assert str(received.sha256) == sha256(b"abc")
    with pytest.raises(UnpackError, match="no archive"):
        _ = received.content


def test_progress_is_told_by_the_name_of_the_file() -> None:
    events: list[ProgressEvent] = []
    receive(Bodies([b"abc"]), URL, b"".join, events.append)
    assert events == [ProgressEvent(name="a.tar.gz", stage="downloading", done=3)]
