"""The download of one body, in one or more requests."""

from __future__ import annotations

import contextlib
import logging
import math
import random
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network.failures import RetryableError, failure, retryable
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from fetch_artifacts.network.answer import Answer
    from fetch_artifacts.network.ftp import FtpAnswer, FtpSession
    from fetch_artifacts.network.partial_file import PartialFile
    from fetch_artifacts.network.session import HttpSession, ServerLimits


class ByteReport(Protocol):
    """Takes the progress of a download.

    For a resumed download, the first call counts the bytes that were there before.
    """

    def __call__(self, done: int, total: int | None, note: str = "") -> object:
        """Take the bytes received, the total if it is known, and why there is a pause.

        The note is "", except in the calls that count down the seconds to a retry.
        """
        ...


_log = logging.getLogger(__name__)

_NO_RANGES: Final = frozenset({400, 403, 405})  # what some servers answer to a range
_STEP: Final = 1 << 16  # bytes after which a try counts as progress


class StartOverError(DownloadError):
    """All bytes given so far are invalid; the URL can be requested again at once."""


class Transfer:
    """The download of one body.

    Args:
        session: Sends the requests.
        url: The URL.
        headers: The headers for the URL's own host.
        limits: How long to wait for the server.
        partial: The file that an earlier download left.
        was_silent: Whether the server left all tries of an earlier download without an
            answer; until it gives one, it is tried once.

    Attributes:
        unanswered: Whether the download was given up, and the server never answered.
    """

    def __init__(
        self,
        session: HttpSession | FtpSession,
        url: str,
        headers: Mapping[str, str],
        limits: ServerLimits,
        partial: PartialFile,
        *,
        was_silent: bool = False,
    ) -> None:
        self._session = session
        self._stopped = session.stopped
        self._url = url
        self._headers = headers
        self._limits = limits
        self._partial = partial
        self._was_silent = was_silent
        self._is_answered = False
        self.unanswered = False
        self._given = 0
        self._is_resumed = False
        self._found = 0  # bytes of an earlier download
        self._first: Answer | FtpAnswer | None = None

    def chunks(self, progress: ByteReport | None) -> Generator[bytes]:
        """Give the body, in order and each byte once.

        Raises:
            StartOverError: The bytes given so far are invalid: the file changed.
            DownloadError: The download failed or stayed incomplete.
        """
        tries, at_last_failure = 0, 0
        try:
            while True:
                try:
                    for chunk in self._try_once():
                        self._count(chunk)
                        if progress and self._given >= self._found:
                            progress(self._given, self._total)
                        yield chunk
                except RetryableError as error:
                    got_on = self._given - at_last_failure >= _STEP
                    tries = 1 if got_on else tries + 1
                    at_last_failure = self._given
                    self._pause(tries, error, progress)
                else:
                    # Complete: there is nothing left to continue.
                    self._partial.discard()
                    return
        finally:
            self._partial.close()

    def reject_bytes(self, error: Exception) -> None:
        """Discard the partial file, because its bytes turned out wrong.

        Raises:
            StartOverError: Some of the bytes came from an earlier download.
        """
        self._partial.discard()
        if self._is_resumed:
            shown = redacted(self._url)
            msg = f"{shown}: wrong when completed from an earlier download: {error}"
            raise StartOverError(msg, url=shown) from error

    @property
    def _total(self) -> int | None:
        return self._first.total if self._first else None

    def _try_once(self) -> Generator[bytes]:
        begin = self._given or self._partial.size
        with contextlib.closing(self._ask(begin)) as answer:
            self._is_answered = True
            self._check(answer, begin)
            if answer.start == 0:
                if not self._given:
                    self._partial.discard()
            elif not self._given:
                self._is_resumed = True
                self._found = begin
                yield from self._partial.chunks()
                if self._given != begin:
                    self._begin_again("the partial file was changed meanwhile")
            if not answer.has_body:
                return  # nothing is missing
            surplus = self._given - (answer.start or 0)
            for chunk in answer.chunks():
                rest = chunk[surplus:] if surplus else chunk
                surplus = max(0, surplus - len(chunk))
                if rest:
                    self._partial.append(rest)
                    yield rest

    def _ask(self, begin: int) -> Answer | FtpAnswer:
        headers = dict(self._headers)
        if begin:
            headers["Range"] = f"bytes={begin}-"
            if self._first and self._first.validator:
                headers["If-Range"] = self._first.validator
        try:
            return self._session.get(self._url, headers)
        except DownloadError as error:
            if not begin or error.status not in _NO_RANGES:
                raise
            return self._session.get(self._url, self._headers)

    def _check(self, answer: Answer | FtpAnswer, begin: int) -> None:
        """Check that an answer continues the bytes given so far."""
        if not answer.has_body:
            if answer.total != begin:
                self._begin_again(f"the file has no byte {begin}")
            return
        if answer.start not in {0, begin}:
            self._begin_again(f"asked for what follows byte {begin}, got another part")
        first = self._first = self._first or answer
        # Either may be missing: a 206 need not repeat the headers of the 200.
        totals = {answer.total, first.total} - {None}
        validators = {answer.validator, first.validator} - {""}
        if len(totals) > 1 or len(validators) > 1:
            self._begin_again("the file was changed meanwhile")

    def _begin_again(self, why: str) -> NoReturn:
        self._partial.discard()
        self._first = None
        error = retryable(self._url, f"can't be continued: {why}")
        if self._given:
            raise StartOverError(error.message, url=error.url)
        raise error

    def _count(self, chunk: bytes) -> None:
        self._given += len(chunk)
        if max(self._given, self._total or 0) > self._limits.size:
            raise failure(self._url, f"more than {self._limits.size} bytes")

    def _pause(
        self, tries: int, error: RetryableError, progress: ByteReport | None
    ) -> None:
        why = ""
        self._is_answered = self._is_answered or error.status is not None
        if self._was_silent and not self._is_answered:
            why = "tried once, since an earlier download got no answer either"
        elif tries >= self._limits.tries:
            why = f"given up after {tries} tries"
        elif error.wait > self._limits.longest_pause:
            why = f"the server asks to come back in {error.wait:.0f} s"
        if why:
            self.unanswered = not self._is_answered
            msg = f"{error}; {why}"
            raise DownloadError(msg, url=error.url, status=error.status) from None
        # Random, so that many waiting clients don't come back all at once.
        pause = self._limits.pause * 2 ** (tries - 1) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        left = max(pause, error.wait)
        _log.info(
            "%s; try %d of %d in %.0f s", error, tries + 1, self._limits.tries, left
        )
        while left > 0:
            if progress:
                progress(self._given, self._total, f"in {math.ceil(left)} s: {error}")
            if self._stopped.wait(min(left, 1)):
                raise CancelledError
            left -= 1
