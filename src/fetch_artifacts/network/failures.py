"""Errors of requests, and whether a retry may help.

The messages of requests and urllib3 quote the URL with its secrets. Of their text only
the innermost reason is used.
"""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import Final

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.urls import redacted

_TEMPORARY: Final = frozenset({408, 425, 429})
_UNAUTHORIZED: Final = frozenset({401, 403, 404})
_STATUSES: Final = frozenset(HTTPStatus)
_CERTIFICATES: Final = (
    "a file with the right CA certificates can be named in REQUESTS_CA_BUNDLE or "
    "SSL_CERT_FILE"
)


class RetryableError(DownloadError):
    """A failure after which a retry may succeed.

    Attributes:
        wait: The seconds that the server asks to wait, 0 if it does not say.
    """

    def __init__(
        self, message: str, *, url: str, status: int | None = None, wait: float = 0.0
    ) -> None:
        super().__init__(message, url=url, status=status)
        self.wait = wait


def failure(url: str, why: str, *, status: int | None = None) -> DownloadError:
    """Make the error for a request that must not be retried."""
    shown = redacted(url)
    return DownloadError(f"{shown}: {why}", url=shown, status=status)


def retryable(url: str, why: str) -> RetryableError:
    """Make the error for a request with no answer or an incomplete one."""
    shown = redacted(url)
    return RetryableError(f"{shown}: {why}", url=shown)


def refused(
    url: str, status: int, retry_after: str, unset: tuple[str, ...]
) -> DownloadError:
    """Make the error for an answer with an error status.

    Args:
        url: The URL that was requested.
        status: The HTTP status.
        retry_after: The ``Retry-After`` header, or "".
        unset: The unset environment variables of the host's credentials.
    """
    shown = redacted(url)
    phrase = HTTPStatus(status).phrase if status in _STATUSES else ""
    message = f"{shown}: HTTP {status} {phrase}".rstrip()
    if status in _TEMPORARY or status >= 500:
        wait = _seconds(retry_after)
        return RetryableError(message, url=shown, status=status, wait=wait)
    if status in _UNAUTHORIZED and unset:
        message += f"; not set, and needed for its credentials: {', '.join(unset)}"
    elif status == 401:
        message += (
            "; its credentials go into [tool.fetch-artifacts.auth] of pyproject.toml, "
            "or into ~/.netrc"
        )
    return DownloadError(message, url=shown, status=status)


def as_download_error(url: str, error: Exception) -> DownloadError:
    """Turn an error of requests or urllib3 into one of ours."""
    import requests
    import urllib3

    http_error = urllib3.exceptions.HTTPError
    if not isinstance(error, requests.RequestException | http_error):
        return failure(url, f"{error}; {_CERTIFICATES}")  # a file that can't be read
    why = _why(error)
    if isinstance(error, requests.exceptions.SSLError):
        return failure(url, f"{why}; {_CERTIFICATES}")
    temporary = isinstance(
        error, requests.ConnectionError | requests.Timeout | http_error
    )
    return retryable(url, why) if temporary else failure(url, why)


def _why(error: BaseException) -> str:
    """Give the message of the innermost error of a chain."""
    inner: BaseException | None = error
    while inner is not None:
        error = inner
        parts = (getattr(error, "reason", None), *error.args, error.__cause__)
        inner = next((it for it in parts if isinstance(it, BaseException)), None)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    words = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return words or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _seconds(text: str) -> float:
    """Give the seconds of a ``Retry-After`` header (RFC 9110, 10.2.3)."""
    if re.fullmatch("[0-9]{1,9}", text.strip()):
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
