from __future__ import annotations

import base64
import gzip
import hashlib
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from fetch_artifacts import __version__
from fetch_artifacts.digests import Sha256
from fetch_artifacts.errors import DownloadError, TarballHashMismatchError, UnpackError
from fetch_artifacts.network import partial_file as partial
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.limits import Limits
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.settings.environment import Settings
from support.servers import File, Request, answer, head, serving

DATA = random.Random(1).randbytes(300_000)
SHA256 = Sha256(hashlib.sha256(DATA).digest())
QUICK = Limits(pause=0.01)
IMPATIENT = replace(QUICK, stall_timeout=1)


@pytest.fixture
def partial_dir(tmp_path: Path) -> Path:
    return tmp_path / "staging" / "partial"


@pytest.fixture
def fetcher(partial_dir: Path) -> Iterator[HttpFetcher]:
    settings = Settings.from_environ()
    with HttpFetcher(settings, partial_dir=partial_dir, limits=QUICK) as fetcher:
        yield fetcher


@pytest.fixture
def impatient() -> Iterator[HttpFetcher]:
    with HttpFetcher(Settings.from_environ(), limits=IMPATIENT) as fetcher:
        yield fetcher


def wait_for_the_end(connection: socket.socket) -> None:
    """Send nothing until the client hangs up."""
    while connection.recv(1 << 16):
        pass


def fetch(
    fetcher: HttpFetcher,
    url: str,
    sha256: Sha256 | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    with fetcher.open(url, sha256=sha256, headers=headers) as body:
        return b"".join(body)


def left_over(partial_dir: Path, data: bytes = DATA[:100_000]) -> Path:
    """The partial file of a download that was killed."""
    path = partial_dir / f"{SHA256}.partial"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


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
    seen: list[tuple[int, int | None]] = []
    with (
        serving(File(DATA, cuts=[50_000])) as server,
        fetcher.open(server.url(), progress=lambda *it: seen.append(it)) as body,
    ):
        sizes = [len(chunk) for chunk in body]
    assert {total for _, total in seen} == {len(DATA)}
    assert [done for done, _ in seen] == [
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


# --- trying again


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_be_temporary_is_tried_again(
    fetcher: HttpFetcher, status: int
) -> None:
    with serving(answer(status, b"busy"), File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416])
def test_what_is_final_is_not_tried_again(fetcher: HttpFetcher, status: int) -> None:
    with (
        serving(answer(status, b"no")) as server,
        pytest.raises(DownloadError, match=f"HTTP {status}") as caught,
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 1
    assert status == caught.value.status
    assert server.url() == caught.value.url


def test_it_is_given_up_after_four_tries(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(503)) as server,
        pytest.raises(DownloadError, match=r"HTTP 503 .*given up after 4 tries"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 4


def test_no_connection_is_tried_again_and_explained(fetcher: HttpFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(DownloadError, match="refused; given up after 4 tries"):
        fetch(fetcher, f"http://127.0.0.1:{port}/x")


def test_a_server_that_hangs_up_without_a_word_is_tried_again(
    fetcher: HttpFetcher,
) -> None:
    with serving(lambda *_: None, File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA


def test_a_server_that_says_nothing_is_tried_again(impatient: HttpFetcher) -> None:
    def say_nothing(_: Request, connection: socket.socket) -> None:
        wait_for_the_end(connection)

    with serving(say_nothing, File(DATA)) as server:
        assert fetch(impatient, server.url()) == DATA


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(fetcher: HttpFetcher, form: str) -> None:
    began = time.monotonic()
    # A date has whole seconds: two from now is more than one away.
    when = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    with serving(answer(503, Retry_After=when), File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA
        assert time.monotonic() - began >= 0.9


def test_a_server_that_wants_too_much_patience_is_left_at_once(
    fetcher: HttpFetcher,
) -> None:
    with (
        serving(answer(429, Retry_After=3600)) as server,
        pytest.raises(DownloadError, match="asks to come back in 3600 s"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 1


# --- bodies that are cut


@pytest.mark.parametrize("seed", range(5))
def test_a_body_cut_at_random_places_arrives_whole(
    fetcher: HttpFetcher, seed: int
) -> None:
    cuts = [random.Random(seed + n).randrange(1, 90_000) for n in range(3)]
    with serving(File(DATA, cuts=[*cuts], headers={"ETag": '"1"'})) as server:
        assert fetch(fetcher, server.url()) == DATA
    expected = [f"bytes={sum(cuts[:n])}-" for n in (1, 2, 3)]
    assert expected == [r.headers["range"] for r in server.requests[1:]]


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"1"', "Last_Modified": "a date"}, '"1"'),
        ({"ETag": 'W/"1"', "Last_Modified": "a date"}, "a date"),
        ({"Last_Modified": "a date"}, "a date"),
        ({"ETag": 'W/"1"'}, None),
        ({}, None),
    ],
)
def test_a_cut_body_is_continued_only_if_it_is_the_same(
    fetcher: HttpFetcher, headers: dict[str, str], validator: str | None
) -> None:
    with serving(File(DATA, cuts=[1000], headers=headers)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert validator == server.requests[1].headers.get("if-range")


def test_many_cuts_are_no_reason_to_give_up_while_it_goes_on(
    fetcher: HttpFetcher,
) -> None:
    data = DATA * 5
    with serving(File(data, cuts=[70_000] * 20)) as server:
        assert fetch(fetcher, server.url()) == data
    assert len(server.requests) > 20


def test_cuts_without_progress_are_a_reason_to_give_up(fetcher: HttpFetcher) -> None:
    with (
        serving(File(DATA, cuts=[1] * 20)) as server,
        pytest.raises(DownloadError, match="given up after 4 tries"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 4


def test_a_server_without_ranges_costs_the_beginning_once_more(
    fetcher: HttpFetcher,
) -> None:
    with serving(File(DATA, cuts=[90_000, 200_000], ranges=False)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert len(server.requests) == 3


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changed_meanwhile_is_to_be_started_over(
    fetcher: HttpFetcher, ranges: bool
) -> None:
    old = File(DATA, cuts=[1000], headers={"ETag": '"1"'})
    new = File(DATA[::-1], headers={"ETag": '"2"'}, ranges=ranges)
    with (
        serving(old, new) as server,
        pytest.raises(StartOverError, match="the file was changed meanwhile"),
    ):
        fetch(fetcher, server.url())


def test_the_rest_of_a_body_need_not_say_again_which_file_it_is_of(
    fetcher: HttpFetcher,
) -> None:
    # RFC 9110, 15.3.7: in answer to If-Range, a 206 should leave out Last-Modified.
    first = File(DATA, cuts=[1000], headers={"Last_Modified": "a date"})
    rest = answer(206, DATA[1000:], Content_Range=f"bytes 1000-299999/{len(DATA)}")
    with serving(first, rest) as server:
        assert fetch(fetcher, server.url()) == DATA


def test_a_file_of_another_length_is_another_file(fetcher: HttpFetcher) -> None:
    with (
        serving(File(DATA, cuts=[1000]), File(DATA + b"more")) as server,
        pytest.raises(StartOverError),
    ):
        fetch(fetcher, server.url())


def test_another_range_than_was_asked_for_is_not_used(fetcher: HttpFetcher) -> None:
    wrong = answer(206, DATA[500:], Content_Range=f"bytes 500-299999/{len(DATA)}")
    with (
        serving(File(DATA, cuts=[1000]), wrong) as server,
        pytest.raises(StartOverError, match="asked for what follows byte 1000"),
    ):
        fetch(fetcher, server.url())


def test_a_chunked_body_that_is_cut_is_continued(fetcher: HttpFetcher) -> None:
    def handle(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(200, Transfer_Encoding="chunked"))
        connection.sendall(b"3e8\r\n" + DATA[:1000] + b"\r\n3e8\r\n" + DATA[1000:1500])

    with serving(handle, File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert server.requests[1].headers["range"] in {"bytes=1000-", "bytes=1500-"}


def test_a_length_that_promises_too_much_ends_at_the_end_of_the_file(
    fetcher: HttpFetcher,
) -> None:
    liar = answer(200, DATA, Content_Length=len(DATA) + 10)
    with serving(liar, File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert server.requests[1].headers["range"] == f"bytes={len(DATA)}-"


def test_a_length_that_promises_too_much_for_ever_is_an_error(
    fetcher: HttpFetcher,
) -> None:
    liar = answer(200, DATA, Content_Length=len(DATA) + 10)
    with (
        serving(liar) as server,
        pytest.raises(DownloadError, match="given up after 4 tries"),
    ):
        fetch(fetcher, server.url())


def test_a_body_that_stalls_is_continued(impatient: HttpFetcher) -> None:
    def stall(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(200, Content_Length=len(DATA)) + DATA[:1000])
        wait_for_the_end(connection)

    with serving(stall, File(DATA)) as server:
        assert fetch(impatient, server.url()) == DATA
    assert server.requests[1].headers["range"] == "bytes=1000-"


def test_a_body_that_only_dribbles_is_a_stall() -> None:
    def dribble(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(200, Content_Length=1000))
        for _number in range(1000):
            connection.sendall(b"x")
            time.sleep(0.05)

    limits = replace(QUICK, stall_timeout=2, slowest=100, tries=1)
    with (
        HttpFetcher(Settings.from_environ(), limits=limits) as fetcher,
        serving(dribble) as server,
        pytest.raises(DownloadError, match="slower than 100 B/s"),
    ):
        fetch(fetcher, server.url())


def test_a_reader_that_takes_its_time_is_no_stall(impatient: HttpFetcher) -> None:
    with serving(File(DATA)) as server, impatient.open(server.url()) as body:
        chunks = [next(body)]
        time.sleep(1.5)
        chunks += body
    assert b"".join(chunks) == DATA
    assert len(server.requests) == 1


def test_an_endless_body_comes_to_an_end() -> None:
    def endless(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(200))
        while True:
            connection.sendall(bytes(1 << 16))

    with (
        HttpFetcher(Settings.from_environ(), limits=replace(QUICK, size=10**6)) as some,
        serving(endless) as server,
        pytest.raises(DownloadError, match="more than 1000000 bytes"),
    ):
        fetch(some, server.url())


# --- partial files


def test_what_an_earlier_download_left_is_completed(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir)
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256) == DATA
    assert [r.headers.get("range") for r in server.requests] == ["bytes=100000-"]
    assert not partial_dir.exists()


def test_a_slow_download_that_is_given_up_leaves_what_has_come(
    partial_dir: Path,
) -> None:
    limits = replace(QUICK, tries=1)
    settings = Settings.from_environ()
    slow = File(DATA, cuts=[200_000], pause=0.1)
    with (
        HttpFetcher(settings, partial_dir=partial_dir, limits=limits) as fetcher,
        serving(slow) as server,
    ):
        with pytest.raises(DownloadError):
            fetch(fetcher, server.url(), SHA256)
        (path,) = partial_dir.iterdir()
        assert path.read_bytes() == DATA[:200_000]
        slow.pause = 0
        assert fetch(fetcher, server.url(), SHA256) == DATA
    assert server.requests[1].headers["range"] == "bytes=200000-"
    assert not partial_dir.exists()


def test_a_slow_download_that_is_interrupted_leaves_what_has_come(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    received = b""

    def read_some(url: str) -> None:
        nonlocal received
        with fetcher.open(url, sha256=SHA256) as body:
            for chunk in body:
                received += chunk
                if len(received) > 200_000:
                    raise KeyboardInterrupt

    with serving(File(DATA, pause=0.15)) as server, pytest.raises(KeyboardInterrupt):
        read_some(server.url())
    (path,) = partial_dir.iterdir()
    assert received == path.read_bytes()


def test_a_fast_download_is_not_written_twice(
    fetcher: HttpFetcher, partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_HEAD_SECONDS", 600)
    with serving(File(DATA)) as server:
        with fetcher.open(server.url(), sha256=SHA256) as body:
            next(body)
        assert not partial_dir.exists()


def test_a_link_is_fast_that_brings_much_in_a_quarter_of_a_second(
    fetcher: HttpFetcher, partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_HEAD_BYTES", 100_000)
    monkeypatch.setattr(partial, "_HEAD_SECONDS", 600)
    received = 0
    with (
        serving(File(DATA)) as server,
        fetcher.open(server.url(), sha256=SHA256) as body,
    ):
        for chunk in body:
            received += len(chunk)
            if received > 200_000:  # all that comes now comes late
                monkeypatch.setattr(partial, "_HEAD_SECONDS", 0)
            assert not partial_dir.exists()


def test_a_partial_file_that_is_complete_needs_no_more_bytes(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, DATA)
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256) == DATA
    assert len(server.requests) == 1
    assert not partial_dir.exists()


def test_a_partial_file_that_is_too_long_is_dropped(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, DATA + b"more")
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256) == DATA
    assert not partial_dir.exists()


def test_a_partial_file_is_dropped_where_the_server_has_no_ranges(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, b"wrong")
    with serving(File(DATA, ranges=False)) as server:
        assert fetch(fetcher, server.url(), SHA256) == DATA
    assert not partial_dir.exists()


@pytest.mark.parametrize("kind", [TarballHashMismatchError, UnpackError])
def test_a_partial_file_that_made_wrong_bytes_is_dropped_and_it_is_started_over(
    fetcher: HttpFetcher, partial_dir: Path, kind: type[Exception]
) -> None:
    def judge(url: str) -> None:
        with fetcher.open(url, sha256=SHA256) as body:
            next(body)
            if kind is UnpackError:
                raise UnpackError("bad")
            raise TarballHashMismatchError("bad", expected=SHA256, actual=SHA256)

    left_over(partial_dir, b"x" * 100)
    with serving(File(DATA, pause=0.2)) as server:
        with pytest.raises(StartOverError, match="an earlier download: bad"):
            judge(server.url())
        assert not partial_dir.exists()
        with pytest.raises(kind, match="bad"):
            judge(server.url())


def test_a_partial_file_is_of_one_sha256_only(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    path = left_over(partial_dir)
    other = Sha256(hashlib.sha256(b"other").digest())
    with serving(answer(200, b"other")) as server:
        assert fetch(fetcher, server.url(), other) == b"other"
        assert fetch(fetcher, server.url()) == b"other"
    assert path.exists()


def test_a_partial_file_that_someone_else_writes_is_left_alone(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    path = left_over(partial_dir)
    with (
        serving(File(DATA, pause=0.05)) as server,
        fetcher.open(server.url(), sha256=SHA256) as body,
    ):
        received = next(body)
        with path.open("ab") as file:
            file.write(b"from another process")
        for chunk in body:
            received += chunk
            assert path.read_bytes() == DATA[:100_000] + b"from another process"
    assert received == DATA


def test_old_partial_files_are_removed(fetcher: HttpFetcher, partial_dir: Path) -> None:
    old, new = partial_dir / f"{'0' * 64}.partial", partial_dir / f"{'1' * 64}.partial"
    left_over(partial_dir).rename(old)
    left_over(partial_dir).rename(new)
    week = 7 * 24 * 3600
    os.utime(old, (time.time() - week - 60, time.time() - week - 60))
    os.utime(new, (time.time() - week + 60, time.time() - week + 60))
    with serving(answer(200)) as server:
        fetch(fetcher, server.url())
    assert [new] == list(partial_dir.iterdir())


def test_a_partial_file_that_can_not_be_written_does_no_harm(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    partial_dir.parent.mkdir()
    partial_dir.write_text("a file")
    with serving(File(DATA, pause=0.1)) as server:
        assert fetch(fetcher, server.url(), SHA256) == DATA


# --- redirects


def test_redirects_are_followed(fetcher: HttpFetcher) -> None:
    with serving(
        answer(302, b"moved", Location="/a"), answer(307, Location="b"), File(DATA)
    ) as server:
        assert fetch(fetcher, server.url("/x/y")) == DATA
    assert [r.path for r in server.requests] == ["/x/y", "/a", "/b"]


def test_fifty_redirects_are_followed_and_no_more(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(302, Location="/")) as server,
        pytest.raises(DownloadError, match="redirected more than 50 times"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 51


def test_the_rest_of_a_body_is_asked_for_across_redirects(
    fetcher: HttpFetcher,
) -> None:
    with (
        serving(File(DATA, cuts=[1000], headers={"ETag": '"1"'})) as other,
        serving(answer(302, Location=other.url(host="localhost"))) as server,
    ):
        assert fetch(fetcher, server.url()) == DATA
    assert other.requests[1].headers["range"] == "bytes=1000-"
    assert other.requests[1].headers["if-range"] == '"1"'


def test_an_endless_redirect_body_is_not_read(fetcher: HttpFetcher) -> None:
    def endless(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(302, Location="/next"))
        while True:
            connection.sendall(bytes(1 << 16))

    with serving(endless, File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_nothing_but_http(
    fetcher: HttpFetcher, target: str
) -> None:
    with (
        serving(answer(302, Location=target)) as server,
        pytest.raises(DownloadError, match="not to http"),
    ):
        fetch(fetcher, server.url())


def test_headers_go_to_the_same_host_and_to_no_other(fetcher: HttpFetcher) -> None:
    headers = {"Julia-System": "x", "Authorization": "y"}
    with (
        serving(answer(200)) as other,
        serving(
            answer(302, Location="/again"), answer(302, Location=other.url())
        ) as server,
    ):
        fetch(fetcher, server.url(), headers=headers)
    for request in server.requests:
        assert request.headers["julia-system"] == "x"
        assert request.headers["authorization"] == "y"
    assert not {"julia-system", "authorization"} & set(other.requests[0].headers)


# --- credentials


def write_auth(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)


def test_configured_headers_are_sent_to_their_host_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    write_auth(
        tmp_path, '[tool.fetch-artifacts.auth]\nlocalhost = { X-Token = "$TOKEN" }\n'
    )
    monkeypatch.chdir(tmp_path)
    with (
        serving(answer(200)) as other,
        serving(answer(302, Location=other.url(host="127.0.0.1"))) as server,
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
    ):
        fetch(fetcher, server.url(host="localhost"))
    assert server.requests[0].headers["x-token"] == "secret"
    assert "x-token" not in other.requests[0].headers


def test_user_and_password_of_a_url_are_not_carried_to_another_host(
    fetcher: HttpFetcher,
) -> None:
    with (
        serving(answer(200)) as other,
        serving(answer(302, Location=other.url(host="localhost"))) as server,
    ):
        fetch(fetcher, server.url().replace("http://", "http://me:pass%40word@"))
    basic = base64.b64encode(b"me:pass@word").decode()
    assert server.requests[0].headers["authorization"] == f"Basic {basic}"
    assert "authorization" not in other.requests[0].headers


def test_netrc_is_heeded(fetcher: HttpFetcher) -> None:
    netrc = Path.home() / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin me\npassword secret\n")
    netrc.chmod(0o600)
    with serving(answer(200)) as server:
        fetch(fetcher, server.url())
    basic = base64.b64encode(b"me:secret").decode()
    assert server.requests[0].headers["authorization"] == f"Basic {basic}"


def test_an_unset_variable_is_named_where_the_server_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_auth(
        tmp_path,
        '[tool.fetch-artifacts.auth]\n"127.0.0.1" = { X-Token = "$NO_SUCH_TOKEN" }\n',
    )
    monkeypatch.chdir(tmp_path)
    with (
        serving(answer(404)) as server,
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
        pytest.raises(DownloadError, match="NO_SUCH_TOKEN"),
    ):
        fetch(fetcher, server.url())


def test_a_server_that_wants_a_login_gets_a_hint(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(401)) as server,
        pytest.raises(DownloadError, match=r"\[tool.fetch-artifacts.auth\]"),
    ):
        fetch(fetcher, server.url())


def nothing_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"127.0.0.1:{unused.getsockname()[1]}"


SECRET = "hunter2"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda host: f"http://me:{SECRET}@{host}/x", id="password"),
        pytest.param(lambda host: f"http://{host}/x?token={SECRET}", id="query"),
        pytest.param(lambda host: f"http://{host}/x?{SECRET}", id="bare query"),
        pytest.param(lambda host: f"http://{host}/x#{SECRET}", id="fragment"),
        pytest.param(lambda host: f"ftp://me:{SECRET}@{host}/x", id="scheme"),
        pytest.param(lambda host: f"http://me:{SECRET}@{host}99999/x", id="bad port"),
        pytest.param(lambda host: f"http://me:{SECRET}@[{host}/x", id="bad host"),
    ],
)
def test_no_error_and_no_log_shows_a_secret(
    fetcher: HttpFetcher,
    make: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "fetch_artifacts")
    with pytest.raises(DownloadError) as caught:
        fetch(fetcher, make(nothing_listens()))
    assert SECRET not in str(caught.value) + caught.value.url
    assert caught.value.__cause__ is None
    records = [r for r in caplog.records if r.name.startswith("fetch_artifacts")]
    assert not [r for r in records if SECRET in r.getMessage()]


def test_no_error_shows_the_secret_of_a_redirect(fetcher: HttpFetcher) -> None:
    target = f"http://{nothing_listens()}/x?token={SECRET}"
    with (
        serving(answer(302, Location=target)) as server,
        pytest.raises(DownloadError) as caught,
    ):
        fetch(fetcher, server.url())
    assert SECRET not in str(caught.value)


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


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "git://h/x", "s3://b/x", "x"])
def test_other_schemes_are_refused(fetcher: HttpFetcher, url: str) -> None:
    with pytest.raises(DownloadError, match="expected a URL of http, https or file"):
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
    "name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "JULIA_SSL_CA_ROOTS_PATH"]
)
def test_a_missing_ca_bundle_is_an_error_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))
    with (
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
        pytest.raises(DownloadError, match=r"none\.pem"),
    ):
        fetch(fetcher, f"https://{nothing_listens()}/x")


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
