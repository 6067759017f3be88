"""GET requests with redirects and credentials.

requests makes the connections and handles proxies and certificates. Redirects are
followed here, because requests would send every header but ``Authorization`` on to any
host. ``~/.netrc`` is read in `fetch_artifacts.network.credentials`, because requests
would send what it finds there over plain http.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts._version import __version__
from fetch_artifacts.network.answer import Answer
from fetch_artifacts.network.failures import (
    PROXY_WANTS_LOGIN,
    Route,
    as_download_error,
    failure,
    refused,
    refused_by_proxy,
)
from fetch_artifacts.urls import origin, redacted, redirected, without_user

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    import requests

    from fetch_artifacts.network.connection import Watch
    from fetch_artifacts.network.credentials import Credentials
    from fetch_artifacts.settings.environment import Settings

_log = logging.getLogger(__name__)

_REDIRECTS: Final = 50  # libcurl's limit in Downloads.jl, Curl/Easy.jl:71
_ABOUT_THE_BODY: Final = frozenset({"Range", "If-Range"})
_WITH_THE_FILE: Final = frozenset({200, 206})
_CONNECTIONS: Final = 32  # kept open to each host, for at most as many hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """How long to wait for a server before the next source is tried.

    The defaults are those of Downloads.jl where a line of it is given.

    Attributes:
        connect_timeout: Seconds for a connection to be made (Curl/Easy.jl:84).
        answer_timeout: Seconds until the head of the answer is there, or that of the
            last one in a row of redirects; with fsspec, until each next chunk is.
        stall_timeout: Seconds without a byte, or that a body may come more slowly than
            `slowest` (Curl/Easy.jl:80).
        slowest: The lowest acceptable rate, in bytes per second.
        tries: How many tries in a row may fail without progress.
        pause: Seconds before the second try; doubled before each later one.
        longest_pause: The longest ``Retry-After``, in seconds, that is waited for.
        size: The largest acceptable body, in bytes, so that an endless one is cut off.
    """

    connect_timeout: float = 30.0
    answer_timeout: float = 60.0
    stall_timeout: float = 20.0
    slowest: float = 1.0
    tries: int = 4
    pause: float = 0.5
    longest_pause: float = 60.0
    size: int = 1 << 40


class HttpSession:
    """A pool of connections that threads may share.

    Args:
        settings: The environment settings.
        credentials: The headers for each host.
        limits: How long to wait for a server.
        stopped: Once it is set, each wait ends in a CancelledError.

    Attributes:
        stopped: The same.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        limits: ServerLimits,
        stopped: threading.Event,
    ) -> None:
        import requests

        from fetch_artifacts.network.connection import WatchedAdapter

        self._settings = settings
        self.stopped = stopped
        self._credentials = credentials
        self._limits = limits
        self._unverified: set[str] = set()  # hosts that were warned of
        self._session = requests.Session()
        self._session.auth = ignore_netrc
        self._session.headers["User-Agent"] = (
            f"fetch-artifacts/{__version__} (+python-requests/{requests.__version__})"
        )
        # The sha256 and byte ranges are those of the file, not of a compressed body.
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = WatchedAdapter(_CONNECTIONS, _CONNECTIONS)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Request a URL; the caller closes the answer.

        Args:
            url: An http or https URL.
            headers: Sent to this URL's host only; ``Range`` and ``If-Range`` are sent
                to hosts that it redirects to as well.

        Raises:
            RetryableError: The request failed and may succeed later.
            DownloadError: The request failed for good.
            SettingsError: A configured credential can't be sent.
            CancelledError: The download is given up.
        """
        target, home = url, origin(url)
        until = time.monotonic() + self._limits.answer_timeout
        for _ in range(_REDIRECTS + 1):
            ours = origin(target) == home
            watch = self._watch(until - time.monotonic())
            _log.debug("requesting %s", redacted(target))
            response = self._send(
                target,
                {k: v for k, v in headers.items() if ours or k in _ABOUT_THE_BODY},
                watch,
            )
            _log.debug("%s: status %d", redacted(target), response.status_code)
            if not response.is_redirect:
                return self._answer(response, target, watch)
            response.close()
            target = redirected(target, response.headers["Location"])
            if not target.startswith(("http://", "https://")):
                raise failure(url, f"redirected to {redacted(target)}, not to http")
        raise failure(url, f"redirected more than {_REDIRECTS} times")

    def _watch(self, seconds: float) -> Watch:
        from fetch_artifacts.network.connection import Watch

        return Watch(self.stopped, silence=self._limits.stall_timeout, seconds=seconds)

    def _send(
        self, url: str, headers: Mapping[str, str], watch: Watch
    ) -> requests.Response:
        import requests

        from fetch_artifacts.network.connection import watched_by

        bare = without_user(url)
        verify = self._verify(bare)
        request = self._prepared(url, headers)
        try:
            with watched_by(watch):
                # Session.send would first read the whole body of a redirect.
                response = self._session.get_adapter(bare).send(
                    request,
                    stream=True,
                    timeout=(self._limits.connect_timeout, self._limits.stall_timeout),
                    verify=verify,
                    proxies=requests.utils.get_environ_proxies(bare),
                )
        except (requests.RequestException, OSError, ValueError) as error:
            raise as_download_error(url, error, self._route(bare)) from None
        requests.cookies.extract_cookies_to_jar(  # type: ignore[no-untyped-call]
            self._session.cookies, request, response.raw
        )
        return response

    def _prepared(
        self, url: str, headers: Mapping[str, str]
    ) -> requests.PreparedRequest:
        import requests

        headers = {**self._credentials.headers(url), **headers}
        try:
            return self._session.prepare_request(
                requests.Request("GET", without_user(url), headers=headers)
            )
        except (requests.RequestException, ValueError) as error:
            raise as_download_error(url, error) from None

    def _verify(self, url: str) -> bool | str:
        """How to verify the certificate of a host; says once where that is left out."""
        scheme, host, _ = origin(url)
        verify = self._settings.tls_verify(host)
        if verify is False and scheme == "https" and host not in self._unverified:
            self._unverified.add(host)
            _log.warning(
                "%s: its certificate is not verified, since a variable such as "
                "JULIA_SSL_NO_VERIFY_HOSTS names the host",
                host,
            )
        return verify

    def _answer(self, response: requests.Response, url: str, watch: Watch) -> Answer:
        status = response.status_code
        no_range = status == 416 and "Range" in response.request.headers
        if status in _WITH_THE_FILE or no_range:
            limits = self._limits
            return Answer(response, watch, limits.stall_timeout, limits.slowest)
        response.close()
        if status == PROXY_WANTS_LOGIN and (route := self._route(url)).proxy:
            raise refused_by_proxy(url, route, status, response.reason)
        retry_after = response.headers.get("Retry-After", "")
        unset = self._credentials.unset_variables(url)
        raise refused(url, status, retry_after, unset)

    def _route(self, url: str) -> Route:
        return Route.of(without_user(url), self._settings)


def ignore_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request unchanged: as a session's ``auth``, it keeps netrc unread."""
    return request
