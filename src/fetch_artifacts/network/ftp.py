"""GET by FTP, which Julia's libcurl has as well; a body is continued with ``REST``.

A login is sent only where the URL has one: FTP has no secrecy.
"""

from __future__ import annotations

import contextlib
import ftplib
import re
import socket
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from fetch_artifacts.network.answer import paced
from fetch_artifacts.network.connection import GLANCE, Watch
from fetch_artifacts.network.failures import failure, retryable
from fetch_artifacts.urls import split_url

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.network.session import ServerLimits

_CHUNK: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=([0-9]+)-")
_TYPE: Final = re.compile(r";type=[aid]\Z", re.IGNORECASE)  # RFC 1738, 3.2.2
_TROUBLE: Final = (ftplib.Error, OSError, EOFError, ValueError)


class FtpSession:
    """Makes one connection for each request, as `HttpSession` answers it.

    Args:
        limits: How long to wait for a server.
        stopped: Once it is set, each wait ends in a CancelledError.
    """

    def __init__(self, limits: ServerLimits, stopped: threading.Event) -> None:
        self._limits = limits
        self.stopped = stopped

    def get(self, url: str, headers: Mapping[str, str]) -> FtpAnswer:
        """Request a URL; the caller closes the answer.

        Args:
            url: An ftp URL.
            headers: ``Range`` is heeded, nothing else.

        Raises:
            RetryableError: The request failed and may succeed later.
            DownloadError: The request failed for good.
            CancelledError: The download is given up.
        """
        seconds = self._limits.answer_timeout
        watch = Watch(self.stopped, silence=self._limits.stall_timeout, seconds=seconds)
        answer = FtpAnswer(url, watch, self._limits)
        found = _RANGE.fullmatch(headers.get("Range", ""))
        start = int(found[1]) if found else 0
        try:
            watch.wait_for(partial(answer.open, start), answer.close, seconds)
        except BaseException as error:
            answer.abort()
            if isinstance(error, _TROUBLE):
                raise _as_download_error(url, error) from None
            raise
        return answer


class FtpAnswer:
    """The rest of a file, with the attributes of an `Answer`."""

    validator = ""

    def __init__(self, url: str, watch: Watch, limits: ServerLimits) -> None:
        self._url = url
        self._watch = watch
        self._limits = limits
        self._client = ftplib.FTP(timeout=limits.stall_timeout)  # noqa: S321 - the URL says so
        self._data: socket.socket | None = None
        self.has_body = True
        self.start = 0
        self.total: int | None = None

    def open(self, start: int) -> None:
        """Log in, and ask for what follows a byte, or for all where that is refused."""
        try:
            self._open(start)
        except BaseException:
            self.close()
            raise

    def _open(self, start: int) -> None:
        parts = split_url(self._url)
        self._client.connect(parts.hostname or "", parts.port or ftplib.FTP_PORT)
        self._client.login(unquote(parts.username or ""), unquote(parts.password or ""))
        self._client.voidcmd("TYPE I")
        path = unquote(_TYPE.sub("", parts.path.removeprefix("/")))
        try:
            self.total = self._client.size(path)
        except ftplib.error_perm:
            self.total = None  # a server older than RFC 3659; RETR reports real faults
        if start and self.total is not None and start >= self.total:
            self.has_body = False
            return
        try:
            self._data = self._client.transfercmd(f"RETR {path}", start or None)
            self.start = start
        except ftplib.error_perm:
            if not start:
                raise
            self._data = self._client.transfercmd(f"RETR {path}")

    def chunks(self) -> Iterator[bytes]:
        """Give the body as it arrives.

        Raises:
            RetryableError: It is cut short, or comes too slowly.
            CancelledError: The download is given up.
        """
        limits = self._limits
        pace = limits.stall_timeout, limits.slowest
        given = self.start
        try:
            for chunk in paced(self._url, self._read, self._watch, *pace):
                given += len(chunk)
                yield chunk
            # The final answer says whether it was complete (226) or cut short (426).
            said = self._client.voidresp
            self._watch.wait_for(said, self.close, limits.stall_timeout)
        except _TROUBLE as error:
            raise _as_download_error(self._url, error) from None
        if self.total is not None and given < self.total:
            raise retryable(self._url, "incomplete read")

    def abort(self) -> None:
        """Wake the thread that may wait for the server."""
        if self._client.sock is not None:
            with contextlib.suppress(OSError):
                self._client.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, even if the file was not read."""
        if self._data is not None:
            self._data.close()
        self._client.close()

    def _read(self) -> bytes:
        data = self._data
        if data is None:
            return b""
        until = self._watch.silent_until()
        data.settimeout(GLANCE)
        while True:
            self._watch.check(until=until)
            with contextlib.suppress(TimeoutError):
                return data.recv(_CHUNK)


def _as_download_error(url: str, error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return retryable(url, "no answer in time")
    if isinstance(error, ftplib.error_perm):
        return failure(url, f"FTP {error}")
    if isinstance(error, ftplib.error_temp):
        return retryable(url, f"FTP {error}")
    if isinstance(error, OSError | EOFError):
        words = getattr(error, "strerror", None) or type(error).__name__
        return retryable(url, words)
    return failure(url, "expected an FTP response, found something else")
