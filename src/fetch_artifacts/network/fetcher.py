"""Downloads of http, https and file URLs, with retries.

A body is one stream of chunks, in order and each byte once:

- Temporary failures are retried after a growing pause, or after the pause that the
  server asks for: no connection, a body that is cut short or stalls, and the statuses
  408, 425, 429 and 5xx. Other statuses are final.
- A server that left all tries without an answer is tried once by later downloads of the
  same fetcher, until it answers.
- A body that was cut short is continued with ``Range`` and ``If-Range``.
- So is a body that an earlier process began, if its sha256 is known
  (`fetch_artifacts.network.partial_file`).
- A ``Content-Encoding`` is not decoded, because the sha256 is that of the bytes sent.
  The caller verifies it within the ``with`` block, so that the partial file of a wrong
  body is removed::

    with HttpFetcher(settings) as fetcher:
        with fetcher.open(url, sha256=sha256) as body:
            for chunk in body:
                ...
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import (
    DownloadError,
    HashMismatchError,
    SpecialFileError,
    UnpackError,
)
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.network.credentials import Credentials
from fetch_artifacts.network.failures import failure
from fetch_artifacts.network.partial_file import (
    PartialFile,
    Traffic,
    remove_old_partials,
)
from fetch_artifacts.network.session import HttpSession, ServerLimits
from fetch_artifacts.network.transfer import Transfer
from fetch_artifacts.urls import FSSPEC_SCHEMES, SCHEMES, local_path, origin, split_url

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.network.ftp import FtpSession
    from fetch_artifacts.network.transfer import ByteReport
    from fetch_artifacts.settings.environment import Settings

_CHUNK: Final = 1 << 18


class HttpFetcher(contextlib.AbstractContextManager["HttpFetcher"]):
    """Fetches URLs of http, https, ftp, file and of fsspec; threads may share it.

    Args:
        settings: The environment settings.
        credentials: The headers for each host; None for those that the user configured.
        limits: How long to wait for a server.
        stopped: Once it is set, each wait ends in a CancelledError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        credentials: Credentials | None = None,
        limits: ServerLimits | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._limits = limits or ServerLimits()
        self.stopped = stopped or threading.Event()
        self._session: HttpSession | None = None
        self._lock = threading.Lock()
        self._traffic: dict[str, Traffic] = {}  # by the host
        self._silent: set[tuple[str, str, int | None]] = set()  # origins

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        sha256: Sha256 | None = None,
        partials: Folder | None = None,
        headers: Mapping[str, str] | None = None,
        progress: ByteReport | None = None,
    ) -> Iterator[Iterator[bytes]]:
        """Give the chunks of a body; the first of them makes the connection.

        Args:
            url: Where from.
            sha256: The hash of the whole body, by which a partial file is found.
            partials: The folder for partial files, None to keep none.
            headers: For the URL's own host, not for hosts that it redirects to.
            progress: Called for each chunk.

        Raises:
            StartOverError: The bytes given so far are invalid: the file changed on the
                server, or an earlier download left bytes that don't fit.
            DownloadError: The download failed or stayed incomplete.
            SettingsError: The configured credentials can't be understood.
        """
        parts = split_url(url)
        scheme = parts.scheme
        if scheme == "file":
            with contextlib.closing(_file_chunks(url, progress)) as chunks:
                yield chunks
            return
        if scheme not in {"http", "https", "ftp", *FSSPEC_SCHEMES}:
            raise failure(url, f"expected a URL of {SCHEMES}")
        if not parts.hostname:
            raise failure(url, "expected a URL with a host")
        if self._settings.offline:
            raise failure(
                url, f"not downloaded, because {self._settings.offline} is set"
            )
        if scheme in FSSPEC_SCHEMES:
            with contextlib.closing(self._remote_chunks(url, progress)) as chunks:
                yield chunks
            return
        transfer = Transfer(
            self._ftp_session() if scheme == "ftp" else self._shared_session(),
            url,
            headers or {},
            self._limits,
            self._partial(partials, sha256, parts.hostname),
            was_silent=self.was_silent(url),
        )
        with contextlib.closing(self._chunks(transfer, url, progress)) as chunks:
            try:
                yield chunks
            except (HashMismatchError, UnpackError) as error:
                transfer.reject_bytes(error)
                raise

    def read(self, url: str, headers: Mapping[str, str]) -> bytes:
        """Give a small body as one value.

        Raises:
            DownloadError: The download failed.
        """
        with self.open(url, headers=headers) as chunks:
            return b"".join(chunks)

    def was_silent(self, url: str) -> bool:
        """Whether the server of a URL was last given up, and had not answered."""
        with contextlib.suppress(DownloadError):  # no URL, so not asked
            return origin(url) in self._silent
        return False

    def _chunks(
        self, transfer: Transfer, url: str, progress: ByteReport | None
    ) -> Generator[bytes]:
        """The chunks of a transfer; their end tells whether its server is silent."""
        try:
            yield from transfer.chunks(progress)
        except DownloadError as error:
            if transfer.unanswered:
                self._silent.add(origin(url))
            elif error.status is not None:
                self._silent.discard(origin(url))
            raise
        self._silent.discard(origin(url))

    def _remote_chunks(self, url: str, progress: ByteReport | None) -> Generator[bytes]:
        """What fsspec reads; its drivers may wait for ever, and can't be stopped."""
        from fetch_artifacts.files.remote import remote_chunks
        from fetch_artifacts.network.connection import Watch

        seconds = self._limits.answer_timeout
        watch = Watch(self.stopped, silence=seconds, seconds=seconds)
        given = 0
        chunks = remote_chunks(url)
        try:
            while found := watch.wait_for(
                lambda: next(chunks, None), chunks.close, seconds
            ):
                chunk, total = found
                given += len(chunk)
                if progress:
                    progress(given, total)
                yield chunk
        except GeneratorExit:
            chunks.close()
            raise
        except TimeoutError:
            if not given:
                self._silent.add(origin(url))
            why = f"nothing came for {seconds:g} s; try again later"
            raise failure(url, why) from None
        except OSError as error:
            raise failure(url, str(error)) from None
        self._silent.discard(origin(url))

    def _partial(
        self, folder: Folder | None, sha256: Sha256 | None, host: str
    ) -> PartialFile:
        traffic = self._traffic.setdefault(host, Traffic())
        if folder is None or sha256 is None:
            return PartialFile(None, traffic=traffic)
        remove_old_partials(folder)
        return PartialFile(folder, sha256, traffic)

    def _ftp_session(self) -> FtpSession:
        from fetch_artifacts.network.ftp import FtpSession

        return FtpSession(self._limits, self.stopped)

    def _shared_session(self) -> HttpSession:
        with self._lock:
            if self._session is None:
                credentials = self._credentials
                if credentials is None:
                    credentials = Credentials.load(self._settings, Path.cwd())
                self._session = HttpSession(
                    self._settings, credentials, self._limits, self.stopped
                )
            return self._session


def _file_chunks(url: str, progress: ByteReport | None) -> Generator[bytes]:
    path = local_path(url)
    given = 0
    try:
        with open_regular(path) as file:
            total = os.fstat(file.fileno()).st_size
            while chunk := file.read(_CHUNK):
                given += len(chunk)
                if progress:
                    progress(given, total)
                yield chunk
    except SpecialFileError as error:
        raise failure(url, error.problem) from error
    except OSError as error:
        raise failure(url, error.strerror or str(error)) from error
