from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from fetch_artifacts import __version__
from fetch_artifacts.errors import DownloadError
from fetch_artifacts.files import remote
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import (
    DATA,
    QUICK,
    fetch,
    nothing_listens,
)
from support.servers import File, Request, answer, head, serving

BRIEF = replace(QUICK, answer_timeout=0.05)

# --- whole bodies


def test_a_body_arrives_as_it_was_sent(fetcher: HttpFetcher) -> None:
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA


def test_an_empty_body_is_one(fetcher: HttpFetcher) -> None:
    with serving(answer(200)) as server:
        assert fetch(fetcher, server.url()) == b""


def test_a_chunked_body_arrives_whole(
    fetcher: HttpFetcher, httpserver: HTTPServer
) -> None:
    def chunks() -> Iterator[bytes]:
        for place in range(0, len(DATA), 7001):
            yield DATA[place : place + 7001]

    httpserver.expect_request("/x").respond_with_handler(
        lambda _: Response(chunks(), direct_passthrough=True)
    )
    assert fetch(fetcher, httpserver.url_for("/x")) == DATA


def test_an_encoded_body_is_not_decoded(fetcher: HttpFetcher) -> None:
    packed = gzip.compress(DATA)
    with serving(answer(200, packed, Content_Encoding="gzip")) as server:
        assert fetch(fetcher, server.url()) == packed
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_the_user_agent_names_us_and_requests(fetcher: HttpFetcher) -> None:
    with serving(answer(200)) as server:
        fetch(fetcher, server.url())
    expected = (
        f"fetch-artifacts/{__version__} (+python-requests/{requests.__version__})"
    )
    assert expected == server.requests[0].headers["user-agent"]


def test_progress_counts_the_bytes_and_knows_the_total(fetcher: HttpFetcher) -> None:
    seen: list[tuple[int, int | None, str]] = []

    def report(done: int, total: int | None, note: str = "") -> None:
        seen.append((done, total, note))

    with (
        serving(File(DATA, cuts=[50_000])) as server,
        fetcher.open(server.url(), progress=report) as body,
    ):
        sizes = [len(chunk) for chunk in body]
    assert {total for _, total, _ in seen} == {len(DATA)}
    [pause] = [note for *_, note in seen if note]
    assert re.fullmatch(r"in 1 s: http://.*: incomplete read", pause)
    assert [done for done, _, note in seen if not note] == [
        sum(sizes[: n + 1]) for n in range(len(sizes))
    ]


def test_a_connection_is_used_again(fetcher: HttpFetcher) -> None:
    def answer_twice(_: Request, connection: socket.socket) -> None:
        alive = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
        connection.sendall(alive + b"a")
        connection.recv(65536)
        connection.sendall(alive + b"b")

    with serving(answer_twice) as server:
        assert [fetch(fetcher, server.url()) for _ in range(2)] == [b"a", b"b"]


def test_threads_share_a_fetcher(fetcher: HttpFetcher) -> None:
    results: list[bytes] = []
    with serving(File(DATA)) as server:
        threads = [
            threading.Thread(
                target=lambda: results.append(fetch(fetcher, server.url()))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [DATA] * 8


def test_a_small_body_is_read_in_one_go(fetcher: HttpFetcher) -> None:
    with serving(answer(200, b"small")) as server:
        assert fetcher.read(server.url(), {"X-Token": "t"}) == b"small"
    assert server.requests[0].headers["x-token"] == "t"


# --- other URLs, and none


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_file_url_is_read_with_its_escapes_decoded(
    fetcher: HttpFetcher, tmp_path: Path, host: str
) -> None:
    path = tmp_path / "a b%c.tar"
    path.write_bytes(DATA)
    url = path.as_uri().replace("file://", f"file://{host}")
    assert "%20" in url
    seen: list[tuple[int, int | None]] = []
    with fetcher.open(url, progress=lambda *it: seen.append(it)) as body:
        assert b"".join(body) == DATA
    assert seen[-1] == (len(DATA), len(DATA))


def test_a_file_url_of_another_host_is_refused(fetcher: HttpFetcher) -> None:
    with pytest.raises(DownloadError, match=r"found the host example\.org"):
        fetch(fetcher, "file://example.org/x")


def test_a_missing_file_is_an_error(fetcher: HttpFetcher, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="No such file"):
        fetch(fetcher, (tmp_path / "none").as_uri())


@pytest.mark.parametrize("kind", ["folder", "FIFO", "socket", "character device"])
def test_what_is_no_regular_file_is_refused_at_once(
    fetcher: HttpFetcher, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = tmp_path / "x"
    with contextlib.ExitStack() as stack:
        if kind == "folder":
            path.mkdir()
        elif kind == "FIFO":
            os.mkfifo(path)
        elif kind == "socket":
            listener = socket.socket(socket.AF_UNIX)
            stack.callback(listener.close)
            listener.bind("x")
        else:
            path = Path(os.devnull)
        with pytest.raises(DownloadError, match=f"regular file, found a {kind}"):
            fetch(fetcher, path.as_uri())


@pytest.mark.parametrize("url", ["http:///x", "https://:80/x", "ftp:///x"])
def test_a_url_without_a_host_is_told_as_that(fetcher: HttpFetcher, url: str) -> None:
    with pytest.raises(DownloadError, match="expected a URL with a host"):
        fetch(fetcher, url)


@pytest.mark.parametrize(
    "url", ["file:///%00", "http://[", "http://a..b/", "http://\udcff/"]
)
def test_what_is_no_url_is_an_error(fetcher: HttpFetcher, url: str) -> None:
    with pytest.raises(DownloadError, match="expected"):
        fetch(fetcher, url)


@pytest.mark.parametrize("url", ["sftp://127.0.0.1/x", "git://h/x", "s4://b/x", "x"])
def test_other_schemes_are_refused(fetcher: HttpFetcher, url: str) -> None:
    with pytest.raises(
        DownloadError, match="expected a URL of http, https, ftp or file"
    ):
        fetch(fetcher, url)


@pytest.mark.parametrize("name", ["FETCH_ARTIFACTS_OFFLINE", "JULIA_PKG_OFFLINE"])
def test_offline_nothing_is_asked_and_the_variable_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, "true")
    (tmp_path / "x").write_bytes(DATA)
    with (
        serving(answer(200)) as server,
        HttpFetcher(Settings.from_environ()) as fetcher,
    ):
        with pytest.raises(DownloadError, match=f"because {name} is set"):
            fetch(fetcher, server.url())
        assert fetch(fetcher, (tmp_path / "x").as_uri()) == DATA
    assert not server.requests


def test_proxies_of_the_environment_are_used(
    fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answer(200, b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        assert fetch(fetcher, "http://artifacts.invalid/x") == b"by proxy"
    assert [r.path for r in proxy.requests] == ["http://artifacts.invalid/x"]


@pytest.mark.parametrize(
    "name",
    ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR", "JULIA_SSL_CA_ROOTS_PATH"],
)
def test_a_missing_ca_bundle_is_an_error_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))
    with (
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
        pytest.raises(DownloadError, match=rf"{name}: expected .*none\.pem"),
    ):
        fetch(fetcher, f"https://{nothing_listens()}/x")


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_a_ca_bundle_without_certificates_is_told_by_its_variable(
    content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "x.pem"
    path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        with (
            HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
            pytest.raises(DownloadError, match=r"SSL_CERT_FILE names .*x\.pem: exp"),
        ):
            fetch(fetcher, url)


def test_a_failure_of_tls_names_what_to_set(fetcher: HttpFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak_plainly() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(head(400))
                connection.recv(65536)

        thread = threading.Thread(target=speak_plainly)
        thread.start()
        with pytest.raises(DownloadError, match="REQUESTS_CA_BUNDLE"):
            fetch(fetcher, f"https://127.0.0.1:{listener.getsockname()[1]}/x")
        thread.join()


# --- what only fsspec can read


class Driver:
    """In place of a driver: it gives a chunk, and then waits until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.closed = threading.Event()

    def chunks(self, _: str) -> Generator[tuple[bytes, int]]:
        try:
            yield b"ab", 4
            self.let_go.wait(30)
            yield b"cd", 4
        finally:
            self.closed.set()

    def nothing(self, _: str) -> Generator[tuple[bytes, int]]:
        self.let_go.wait(30)
        yield from ()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    driver = Driver()
    monkeypatch.setattr(remote, "remote_chunks", driver.chunks)
    yield driver
    driver.let_go.set()


def test_a_driver_that_waits_for_ever_is_given_up(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = HttpFetcher(Settings.from_environ(), limits=BRIEF)
    with pytest.raises(DownloadError, match=r"^s3://b/a: nothing came for 0\.05 s"):
        fetch(fetcher, "s3://b/a")
    assert not fetcher.was_silent("s3://b/a")  # two bytes came
    monkeypatch.setattr(remote, "remote_chunks", driver.nothing)
    with pytest.raises(DownloadError, match="nothing came for"):
        fetch(fetcher, "s3://b/a")
    assert fetcher.was_silent("s3://b/other")
    driver.let_go.set()
    assert driver.closed.wait(10)
    assert fetch(fetcher, "s3://b/a") == b""
    assert not fetcher.was_silent("s3://b/other")


def test_a_wait_for_a_driver_can_be_cancelled(driver: Driver) -> None:
    fetcher = HttpFetcher(Settings.from_environ())
    with fetcher.open("s3://b/a") as body:
        assert next(body) == b"ab"
        fetcher.stopped.set()
        with pytest.raises(CancelledError):
            next(body)


def test_a_driver_is_closed_where_the_rest_is_not_wanted(driver: Driver) -> None:
    fetcher = HttpFetcher(Settings.from_environ())
    with fetcher.open("s3://b/a") as body:
        assert next(body) == b"ab"
    assert driver.closed.is_set()
