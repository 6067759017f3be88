from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import DATA, QUICK, fetch, wait_for_the_end
from support.servers import File, Handler, Request, answer, endless, head, serving

# --- interim answers


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Hints"])
def test_interim_answers_are_passed_over(fetcher: HttpFetcher, status: bytes) -> None:
    def handle(request: Request, connection: socket.socket) -> None:
        connection.sendall(2 * (b"HTTP/1.1 " + status + b"\r\nLink: </x>\r\n\r\n"))
        File(DATA)(request, connection)

    with serving(handle) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert len(server.requests) == 1


# --- what never comes to an end


CHUNKED = head(200, Transfer_Encoding="chunked")


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="slow header"),
        pytest.param(endless(b"HTTP/1.1 2", b"0"), id="slow status"),
        pytest.param(endless(CHUNKED + b"0\r\n", b"X: y\r\n"), id="trailers"),
        pytest.param(endless(CHUNKED + b"5;", b"x"), id="chunk extension"),
        pytest.param(
            endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers"
        ),
        pytest.param(
            endless(b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n"), id="interim header"
        ),
    ],
)
def test_an_answer_without_end_is_given_up(handler: Handler) -> None:
    limits = replace(QUICK, answer_timeout=0.4, stall_timeout=0.4, tries=2)
    with (
        HttpFetcher(Settings.from_environ(), limits=limits) as fetcher,
        serving(handler) as server,
        pytest.raises(DownloadError, match="given up after 2 tries"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 2


def test_a_row_of_slow_redirects_is_given_up() -> None:
    def slow(request: Request, connection: socket.socket) -> None:
        time.sleep(0.3)
        answer(302, Location="/again")(request, connection)

    limits = replace(QUICK, answer_timeout=1, tries=1)
    with (
        HttpFetcher(Settings.from_environ(), limits=limits) as fetcher,
        serving(slow) as server,
        pytest.raises(DownloadError, match="no answer in time"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) < 10


def test_more_than_a_hundred_headers_are_told_as_that(fetcher: HttpFetcher) -> None:
    many = head(200, **{f"X_{number}": number for number in range(200)})
    with (
        serving(lambda _, connection: connection.sendall(many)) as server,
        pytest.raises(DownloadError, match="more than 100 headers"),
    ):
        fetch(fetcher, server.url())


# --- waits that are given up


LONG = 600.0  # seconds, more than any machine takes for a test
FOR_EVER = replace(QUICK, answer_timeout=LONG, stall_timeout=LONG, longest_pause=LONG)


def say_nothing(_: Request, connection: socket.socket) -> None:
    wait_for_the_end(connection)


def stall(_: Request, connection: socket.socket) -> None:
    connection.sendall(head(200, Content_Length=len(DATA)) + DATA[:1000])
    wait_for_the_end(connection)


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(say_nothing, id="silent server"),
        pytest.param(stall, id="silent body"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="slow header"),
        pytest.param(endless(CHUNKED + b"0\r\n", b"X: y\r\n"), id="trailers"),
        pytest.param(answer(503, Retry_After=600), id="Retry-After"),
    ],
)
def test_each_wait_ends_when_the_download_is_given_up(handler: Handler) -> None:
    stopped = threading.Event()
    asked = threading.Event()

    def handle(request: Request, connection: socket.socket) -> None:
        asked.set()
        handler(request, connection)

    def stop_when_asked() -> None:
        asked.wait()
        stopped.set()

    stopper = threading.Thread(target=stop_when_asked)
    stopper.start()
    began = time.monotonic()
    with (
        HttpFetcher(
            Settings.from_environ(), limits=FOR_EVER, stopped=stopped
        ) as fetcher,
        serving(handle) as server,
        pytest.raises(CancelledError),
    ):
        fetch(fetcher, server.url())
    stopper.join()
    assert time.monotonic() - began < LONG / 2


def test_a_connection_that_is_not_made_can_be_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped, looked_up = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        stopped.set()
        looked_up.wait()  # a name server that does not answer
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with (
        HttpFetcher(Settings.from_environ(), stopped=stopped) as fetcher,
        pytest.raises(CancelledError),
    ):
        fetch(fetcher, "http://example.invalid/x")
    looked_up.set()


def test_a_name_that_is_not_looked_up_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: looked_up.wait() or [])
    limits = replace(QUICK, connect_timeout=0.1, tries=1)
    with (
        HttpFetcher(Settings.from_environ(), limits=limits) as fetcher,
        pytest.raises(DownloadError, match="no answer in time"),
    ):
        fetch(fetcher, "http://example.invalid/x")
    looked_up.set()


# --- proxies


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_proxy(url: str) -> None:
        for name in ("http_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, url)

    return set_proxy


@pytest.mark.parametrize(
    ("scheme", "variable"), [("http", "http_proxy"), ("https", "HTTPS_PROXY")]
)
def test_a_proxy_that_wants_a_login_is_named_at_once(
    fetcher: HttpFetcher, through: Callable[[str], None], scheme: str, variable: str
) -> None:
    with serving(answer(407)) as proxy:
        through(f"http://me:hunter2@127.0.0.1:{proxy.port}")
        with pytest.raises(DownloadError) as caught:
            fetch(fetcher, f"{scheme}://data.example.invalid/x")
    said = str(caught.value)
    assert f"the proxy 127.0.0.1:{proxy.port} of {variable} answers 407 Proxy" in said
    assert f"go into {variable}=http://user:password@host" in said
    assert "hunter2" not in said
    assert len(proxy.requests) == 1


def test_a_proxy_in_trouble_is_asked_again(
    fetcher: HttpFetcher, through: Callable[[str], None]
) -> None:
    with serving(answer(503)) as proxy:
        through(f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(DownloadError, match=r"answers 503.*given up after 4 tries"):
            fetch(fetcher, "https://data.example.invalid/x")


@pytest.mark.parametrize(
    ("scheme", "variable"), [("http", "http_proxy"), ("https", "HTTPS_PROXY")]
)
def test_a_proxy_that_refuses_the_connection_is_named(
    fetcher: HttpFetcher, through: Callable[[str], None], scheme: str, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    through(f"http://127.0.0.1:{port}")
    found = f"the proxy 127.0.0.1:{port} of {variable}: .*refused"
    with pytest.raises(DownloadError, match=found):
        fetch(fetcher, f"{scheme}://data.example.invalid/x")


@pytest.mark.parametrize(
    ("scheme", "address"),
    [
        *itertools.product(
            ["http", "gopher"], [":3128", ":banana", "127.0.0.1:99999", "x:p"]
        ),
        ("gopher", ""),
    ],
)
def test_what_is_no_proxy_is_named_by_its_variable(
    fetcher: HttpFetcher, through: Callable[[str], None], scheme: str, address: str
) -> None:
    through(f"{scheme}://{address}")
    found = f"the proxy {address or 'gopher://'} of HTTPS_PROXY: expected its URL"
    with pytest.raises(DownloadError, match=found):
        fetch(fetcher, "https://data.example.invalid/x")


def test_a_socks_proxy_without_its_package_is_told_what_to_install(
    fetcher: HttpFetcher,
    through: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from requests import adapters
    from requests.exceptions import InvalidSchema

    def missing(*_: object, **__: object) -> None:  # as requests has it without PySocks
        msg = "Missing dependencies for SOCKS support."
        raise InvalidSchema(msg)

    monkeypatch.setattr(adapters, "SOCKSProxyManager", missing)
    through("socks5://127.0.0.1:1080")
    with pytest.raises(DownloadError, match=r"pip install requests\[socks\]"):
        fetch(fetcher, "https://data.example.invalid/x")
