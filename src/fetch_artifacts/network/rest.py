"""Requests that are not downloads: to REST APIs, and for permanent redirects.

Tokens are sent in headers only, over plain http to this machine only, and never to a
host that a request is redirected to. No error and no log contains one.
"""

from __future__ import annotations

import re
import threading
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final

from fetch_artifacts._version import __version__
from fetch_artifacts.errors import DownloadError, PublishError
from fetch_artifacts.network.failures import RetryableError, Route, as_download_error
from fetch_artifacts.network.session import ignore_netrc
from fetch_artifacts.urls import is_secure, origin, redacted, redirected, without_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Self

    import requests

    from fetch_artifacts.settings.environment import Settings

_CONNECT_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 300.0  # a server may look at all of a file before it answers
_REASON_CHARACTERS: Final = 500
_REDIRECTS: Final = 10
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]*)</title", re.IGNORECASE)
_LATER: Final = "try again later"
_REMEDIES: Final = {
    401: "check that the token in {variable} is right, and has not expired",
    403: "check that the token in {variable} may write there",
    404: "check its name, and that the token in {variable} may see it",
    409: "it is there already, or something else changes it: look at it there",
    413: "it takes no file of this size",
    429: _LATER,
}


def remedy(status: int, variable: str) -> str:
    """Say what to do about an answer with an error status, "" if nothing is known.

    Args:
        status: The HTTP status.
        variable: The environment variable with the token.
    """
    if status >= 500:
        return _LATER
    return _REMEDIES.get(status, "").format(variable=variable)


def permanent_redirect(url: str, settings: Settings) -> str | None:
    """Give the address that a URL redirects to permanently, None without such.

    Temporary redirects, such as those to signed links, don't count. None too where
    the server does not answer.
    """
    target = url
    with _new_session() as session:
        session.auth = ignore_netrc
        for _ in range(_REDIRECTS):
            try:
                with _watched():
                    response = session.head(
                        without_user(target),
                        timeout=_CONNECT_SECONDS,
                        verify=settings.tls_verify(origin(target)[1]),
                        allow_redirects=False,
                    )
                if not response.is_permanent_redirect:
                    break
                target = redirected(target, response.headers["Location"])
            except (OSError, ValueError, DownloadError):
                break
    return None if target == url else target


class RestSession:
    """Requests with a token.

    Args:
        settings: The settings to use.
        variable: The environment variable with the token.
        headers: Sent with each request.
        login: Gives a token where the variable has none, "" for none either.

    Raises:
        PublishError: There is no token, or the network is forbidden.
    """

    def __init__(
        self,
        settings: Settings,
        variable: str,
        headers: Mapping[str, str],
        login: Callable[[], str] | None = None,
    ) -> None:
        if settings.offline:
            msg = f"nothing can be published, because {settings.offline} is set"
            raise PublishError(msg)
        self.token = settings.environ.get(variable, "").strip()
        if not self.token and login is not None:
            self.token = login().strip()
        if not (self.token and self.token.isascii() and self.token.isprintable()):
            msg = f"{variable}: expected an access token in it, found none"
            raise PublishError(msg)
        self._variable = variable
        self._session = _new_session()
        # As auth and not as a header, which an entry in ~/.netrc would replace.
        self._session.auth = self._authorize
        self._session.headers["User-Agent"] = f"fetch-artifacts/{__version__}"
        self._session.headers.update(headers)
        self._settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def call(
        self, method: str, url: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Send JSON, or nothing, and give the JSON that comes back.

        Raises:
            PublishError: The server refuses, or can't be reached.
        """
        return self._answer(self._send(method, url, json=body), method, url)

    def find(self, url: str) -> dict[str, Any] | None:
        """Get JSON, None where there is nothing.

        Raises:
            PublishError: The server refuses, or can't be reached.
        """
        response = self._send("GET", url)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return self._answer(response, "GET", url)

    def delete(self, url: str) -> None:
        """Delete what is there.

        Raises:
            PublishError: The server refuses, or can't be reached.
        """
        self._require_success(self._send("DELETE", url), "DELETE", url)

    def send_file(self, method: str, url: str, path: Path) -> dict[str, Any]:
        """Send the bytes of a file, and give the JSON that comes back.

        Raises:
            PublishError: The server refuses, or can't be reached.
            OSError: The file can't be read.
        """
        with path.open("rb") as file:
            return self._answer(self._send(method, url, file=file), method, url)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _send(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        file: IO[bytes] | None = None,
    ) -> requests.Response:
        where = f"{method} {redacted(url)}"
        if not is_secure(url):
            msg = f"{where}: expected https, so that nobody can read the token"
            raise PublishError(msg)
        headers = {"Content-Type": "application/octet-stream"} if file else {}
        try:
            with _watched():
                return self._session.request(
                    method,
                    url,
                    json=json,
                    data=file,
                    headers=headers,
                    timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                    verify=self._settings.tls_verify(origin(url)[1]),
                    allow_redirects=False,
                )
        except OSError as error:  # those of requests too
            if error.errno is not None:  # it is about the file
                raise
            why = as_download_error(url, error, Route.of(url, self._settings))
            msg = f"{method} {why}"
            if isinstance(why, RetryableError):
                msg += f"; {_LATER}"
            raise PublishError(msg) from None

    def _answer(
        self, response: requests.Response, method: str, url: str
    ) -> dict[str, Any]:
        self._require_success(response, method, url)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            msg = f"{method} {redacted(url)}: expected a JSON object, found other text"
            raise PublishError(msg)
        return answer

    def _require_success(
        self, response: requests.Response, method: str, url: str
    ) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        why = f"HTTP {status} {response.reason}{self._said(response)}"
        todo = remedy(status, self._variable)
        if response.is_redirect:
            todo = f"it moved to {redacted(response.headers['Location'])}"
        msg = f"{method} {redacted(url)}: {why}" + (f"; {todo}" if todo else "")
        raise PublishError(msg)

    def _said(self, response: requests.Response) -> str:
        """What the server gives as its reason; of a page, its title."""
        try:
            answer = response.json()
            parts = [answer.get(key) for key in ("message", "error", "errors")]
        except (ValueError, AttributeError):
            title, is_page = _TITLE.search(response.text), "<" in response.text[:9]
            parts = [title[1] if title else "" if is_page else response.text]
        said = ", ".join(" ".join(str(part).split()) for part in parts if part)
        said = said.replace(self.token, "...")[:_REASON_CHARACTERS]
        return f": {said}" if said else ""


def _new_session() -> requests.Session:
    """Make a session for requests within `_watched`."""
    import requests

    from fetch_artifacts.network.connection import WatchedAdapter

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter())
    return session


def _watched() -> AbstractContextManager[None]:
    """Bound the waits of a request; Ctrl-C ends them in the main thread anyway."""
    from fetch_artifacts.network.connection import Watch, watched_by

    watch = Watch(threading.Event(), silence=_ANSWER_SECONDS, seconds=_ANSWER_SECONDS)
    return watched_by(watch)
