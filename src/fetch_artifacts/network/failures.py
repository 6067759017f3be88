"""Errors of requests, and whether a retry may help.

The messages of requests and urllib3 quote the URL with its secrets. Of their text only
the innermost reason is used.
"""

from __future__ import annotations

import http.client
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.settings.environment import proxy_variable
from fetch_artifacts.urls import origin, redacted

if TYPE_CHECKING:
    from fetch_artifacts.settings.environment import Settings

_TEMPORARY: Final = frozenset({202, 408, 425, 429})  # 202: it is being made
_FORBIDDEN_FOR_NOW: Final = 403  # with Retry-After
PROXY_WANTS_LOGIN: Final = 407
_FOREVER: Final = 1e12  # seconds; more has no meaning, and no end in print
_UNAUTHORIZED: Final = frozenset({401, 403, 404})
_STATUSES: Final = frozenset(HTTPStatus)
_TUNNEL: Final = re.compile(r"Tunnel connection failed: ([0-9]{3}) ?(.*)")
_CERTIFICATES: Final = (
    "a file with the right CA certificates can be named in REQUESTS_CA_BUNDLE or "
    "SSL_CERT_FILE"
)


class Route(NamedTuple):
    """How a host is reached; errors name the variables that say so.

    Attributes:
        proxy: The URL of the proxy in between, None without one.
        proxy_variable: The variable that names it, None where none does.
        certificates: The variable that names the CA certificates, and their path;
            None for the usual ones.
    """

    proxy: str | None = None
    proxy_variable: str | None = None
    certificates: tuple[str, str] | None = None

    @classmethod
    def of(cls, url: str, settings: Settings) -> Route:
        """The route to a URL."""
        import requests

        proxies = requests.utils.get_environ_proxies(url)
        proxy = requests.utils.select_proxy(url, proxies)
        scheme = origin(url)[0]
        named_by = proxy_variable(scheme, proxy) if proxy else None
        return cls(proxy, named_by, settings.ca_bundle)

    def shown_proxy(self) -> str:
        """The proxy as errors have it."""
        address = self.proxy or ""
        kind = "SOCKS proxy" if address.lower().startswith("socks") else "proxy"
        named_by = f" of {self.proxy_variable}" if self.proxy_variable else ""
        shown = redacted(address).rpartition("://")[2].rstrip("/") or redacted(address)
        return f"the {kind} {shown}{named_by}"

    def ca_remedy(self) -> str:
        """What to do where a certificate is not trusted."""
        if self.certificates is None:
            return _CERTIFICATES
        variable, path = self.certificates
        return f"{variable} names {path}: expected the right CA certificates there"


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
    if 200 <= status < 300:
        message += ": the server sent no file"
    wait = _seconds(retry_after)
    is_temporary = status in _TEMPORARY or status >= 500
    if is_temporary or (status == _FORBIDDEN_FOR_NOW and wait is not None):
        return RetryableError(message, url=shown, status=status, wait=wait or 0.0)
    if status in _UNAUTHORIZED and unset:
        message += f"; not set, and needed for its credentials: {', '.join(unset)}"
    elif status == 401:
        message += (
            "; its credentials go into [tool.fetch-artifacts.auth] of pyproject.toml, "
            "or into ~/.netrc"
        )
    return DownloadError(message, url=shown, status=status)


def refused_by_proxy(url: str, route: Route, status: int, phrase: str) -> DownloadError:
    """Make the error for the answer of a proxy that is not that of the host."""
    why = f"{route.shown_proxy()} answers {status} {phrase}".rstrip()
    if status == PROXY_WANTS_LOGIN:
        variable = route.proxy_variable or "https_proxy"
        why += f"; its user and password go into {variable}=http://user:password@host"
    return retryable(url, why) if status >= 500 else failure(url, why)


def as_download_error(
    url: str, error: Exception, route: Route | None = None
) -> DownloadError:
    """Turn an error of requests or urllib3 into one of ours.

    Args:
        url: What was asked for.
        error: What went wrong.
        route: How its host was to be reached; None where that no longer matters.
    """
    import requests
    import urllib3

    http_error = urllib3.exceptions.HTTPError
    route = route or Route()
    if route.proxy and isinstance(error, _of_proxies()):
        return _proxy_failure(url, route, error)
    if not isinstance(error, requests.RequestException | http_error):
        if isinstance(error, ValueError):
            return failure(url, "expected a URL such as https://host/file.tar.gz")
        return _unread_certificates(url, error, route)
    why = _why(error)
    if isinstance(error, requests.exceptions.SSLError):
        return failure(url, f"{why}; {route.ca_remedy()}")
    temporary = isinstance(
        error, requests.ConnectionError | requests.Timeout | http_error
    )
    return retryable(url, why) if temporary else failure(url, why)


def _unread_certificates(url: str, error: Exception, route: Route) -> DownloadError:
    """Make the error for a file or folder of certificates that is not there."""
    if route.certificates is None:
        return failure(url, f"{error}; {_CERTIFICATES}")
    variable, path = route.certificates
    why = f"{variable}: expected a file or folder of CA certificates, found no {path}"
    return failure(url, why)


def _of_proxies() -> tuple[type[Exception], ...]:
    """The errors that a proxy is to blame for, where there is one."""
    import requests

    return (
        requests.exceptions.ProxyError,
        requests.exceptions.InvalidSchema,
        *_no_proxy_urls(),
    )


def _no_proxy_urls() -> tuple[type[Exception], ...]:
    """The errors of a proxy's URL; that of the file has been parsed by then."""
    import requests
    import urllib3

    return (
        requests.exceptions.InvalidURL,  # and so InvalidProxyURL
        urllib3.exceptions.LocationParseError,
        urllib3.exceptions.ProxySchemeUnknown,
    )


def _proxy_failure(url: str, route: Route, error: Exception) -> DownloadError:
    """Make the error for a proxy that did not make the connection."""
    import requests

    shown = route.shown_proxy()
    if isinstance(error, _no_proxy_urls()):
        return failure(url, f"{shown}: expected its URL, as http://host:port")
    if isinstance(error, requests.exceptions.InvalidSchema):
        return failure(url, f"{shown} needs PySocks: pip install requests[socks]")
    refusal = _TUNNEL.match(str(_innermost(error)))
    if refusal is None:
        return retryable(url, f"{shown}: {_why(error)}")
    return refused_by_proxy(url, route, int(refusal[1]), refusal[2])


def _innermost(error: BaseException) -> BaseException:
    """Give the innermost error of a chain."""
    inner: BaseException | None = error
    while inner is not None:
        error = inner
        parts = (getattr(error, "reason", None), *error.args, error.__cause__)
        inner = next((it for it in parts if isinstance(it, BaseException)), None)
    return error


def _why(error: BaseException) -> str:
    """Give the message of the innermost error of a chain."""
    error = _innermost(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    words = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    if type(error) is http.client.HTTPException:
        words = str(error)  # "got more than 100 headers"
    return words or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _seconds(text: str) -> float | None:
    """Give the seconds of a ``Retry-After`` header, None where it has none.

    RFC 9110, 10.2.3.
    """
    if re.fullmatch("[0-9]+", text.strip()):
        return min(float(text), _FOREVER)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None
