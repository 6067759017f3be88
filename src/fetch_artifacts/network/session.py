"""One GET at a time, with its redirects and its credentials.

requests does the talking, and with it proxies and certificates. It does not follow
redirects here: it would carry every header but ``Authorization`` to whatever host it
is sent to. Nor does it look into ``~/.netrc`` itself: it would send what it finds there
over plain http.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from fetch_artifacts._version import __version__
from fetch_artifacts.network.answer import Answer
from fetch_artifacts.network.failures import explained, failure, refused
from fetch_artifacts.urls import origin, redacted, without_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from fetch_artifacts.network.credentials import Credentials
    from fetch_artifacts.network.limits import Limits
    from fetch_artifacts.settings.environment import Settings

_REDIRECTS: Final = 50  # libcurl's limit in Downloads.jl, Curl/Easy.jl:71
_ABOUT_THE_BODY: Final = frozenset({"Range", "If-Range"})
_CONNECTIONS: Final = 32  # kept open, of each of as many hosts


class HttpSession:
    """A pool of connections, which threads may share.

    Args:
        settings: The environment to go by.
        credentials: The headers for each host.
        limits: How much to bear with a server.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        limits: Limits,
    ) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        self._credentials = credentials
        self._limits = limits
        self._verify = str(settings.ca_bundle) if settings.ca_bundle else True
        self._session = requests.Session()
        self._session.auth = _as_it_is
        self._session.headers["User-Agent"] = (
            f"fetch-artifacts/{__version__} (+python-requests/{requests.__version__})"
        )
        # The bytes must arrive as they are hashed, and ranges must be ranges of them.
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = HTTPAdapter(_CONNECTIONS, _CONNECTIONS)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a URL; whoever gets the answer closes it.

        Args:
            url: An http or https URL.
            headers: Sent to this URL's host and to none that it redirects to, but for
                ``Range`` and ``If-Range``.

        Raises:
            RetryableError: It may work in a moment.
            DownloadError: It won't.
            SettingsError: A configured credential can't be sent.
        """
        target, home = url, origin(url)
        for _ in range(_REDIRECTS + 1):
            ours = origin(target) == home
            response = self._send(
                target,
                {k: v for k, v in headers.items() if ours or k in _ABOUT_THE_BODY},
            )
            location = self._session.get_redirect_target(response)
            if location is None:
                return self._answer(response, target)
            response.close()
            target = urljoin(target, location)
            if not target.startswith(("http://", "https://")):
                raise failure(url, f"redirected to {redacted(target)}, not to http")
        raise failure(url, f"redirected more than {_REDIRECTS} times")

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        import requests

        bare = without_user(url)
        headers = {**self._credentials.headers(url), **headers}
        try:
            request = self._session.prepare_request(
                requests.Request("GET", bare, headers=headers)
            )
            # Session.send would first read the whole body of a redirect.
            response = self._session.get_adapter(bare).send(
                request,
                stream=True,
                timeout=(self._limits.connect_timeout, self._limits.stall_timeout),
                verify=self._verify,
                proxies=requests.utils.get_environ_proxies(bare),
            )
        except (requests.RequestException, OSError) as error:
            raise explained(url, error) from None
        requests.cookies.extract_cookies_to_jar(  # type: ignore[no-untyped-call]
            self._session.cookies, request, response.raw
        )
        return response

    def _answer(self, response: requests.Response, url: str) -> Answer:
        status = response.status_code
        no_range = status == 416 and "Range" in response.request.headers
        if 200 <= status < 300 or no_range:
            return Answer(response, self._limits.stall_timeout, self._limits.slowest)
        response.close()
        retry_after = response.headers.get("Retry-After", "")
        unset = self._credentials.unset_variables(url)
        raise refused(url, status, retry_after, unset)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The ``auth`` that keeps requests from looking for one."""
    return request
