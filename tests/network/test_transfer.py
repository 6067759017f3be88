from __future__ import annotations

import random
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.session import ServerLimits
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.settings.environment import Settings
from support.fetching import (
    DATA,
    QUICK,
    SHA256,
    fetch,
    left_over,
    wait_for_the_end,
)
from support.servers import File, Request, answer, head, serving

# --- trying again


@pytest.mark.parametrize("status", [202, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_be_temporary_is_tried_again(
    fetcher: HttpFetcher, status: int
) -> None:
    with serving(answer(status, b"busy"), File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [203, 204, 205, 400, 401, 403, 404, 410, 416])
def test_what_is_final_is_not_tried_again(fetcher: HttpFetcher, status: int) -> None:
    with (
        serving(answer(status, b"no")) as server,
        pytest.raises(DownloadError, match=f"HTTP {status}") as caught,
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 1
    assert status == caught.value.status
    assert server.url() == caught.value.url


@pytest.mark.parametrize("status", [202, 204, 205])
def test_an_answer_that_carries_no_file_is_told_as_that(
    fetcher: HttpFetcher, status: int
) -> None:
    with (
        serving(answer(status)) as server,
        pytest.raises(DownloadError, match=f"HTTP {status} .*: the server sent no"),
    ):
        fetch(fetcher, server.url())


def test_who_forbids_it_for_now_is_asked_again(fetcher: HttpFetcher) -> None:
    with serving(answer(403, Retry_After=0), File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA


def test_who_forbids_ranges_is_asked_for_the_whole(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir)
    with serving(answer(403), File(DATA, cuts=[1000]), answer(403), File(DATA)) as any_:
        assert fetch(fetcher, any_.url(), SHA256, partial_dir=partial_dir) == DATA
    ranges = [request.headers.get("range") for request in any_.requests]
    assert ranges == ["bytes=100000-", None, "bytes=1000-", None]


def test_a_partial_file_outlasts_a_server_that_forbids_it_all(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    path = left_over(partial_dir)
    with (
        serving(answer(403)) as server,
        pytest.raises(DownloadError, match="HTTP 403 Forbidden"),
    ):
        fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir)
    assert len(server.requests) == 2
    assert path.read_bytes() == DATA[:100_000]


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


@pytest.mark.parametrize("seconds", ["3600", "9999999999", "9" * 5000])
def test_a_server_that_wants_too_much_patience_is_left_at_once(
    fetcher: HttpFetcher, seconds: str
) -> None:
    with (
        serving(answer(429, Retry_After=seconds)) as server,
        pytest.raises(DownloadError, match=r"asks to come back in \d+ s"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 1


def test_pauses_double_and_clients_that_wait_do_not_come_back_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    class Waited(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            return False

    shares: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        shares.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    with (
        HttpFetcher(
            Settings.from_environ(), limits=ServerLimits(), stopped=Waited()
        ) as fetcher,
        serving(answer(503)) as server,
        pytest.raises(DownloadError, match="given up after 4 tries"),
    ):
        fetch(fetcher, server.url())
    assert waited == [0.5, 1, 1, 1]  # after the third try 2 s, in two steps
    assert shares == [(0.5, 1)] * 3


# --- servers that say nothing


def say_nothing(_: Request, connection: socket.socket) -> None:
    connection.close()


def test_a_server_that_was_silent_is_tried_once(fetcher: HttpFetcher) -> None:
    with serving(say_nothing) as server:
        with pytest.raises(DownloadError, match="given up after 4 tries"):
            fetch(fetcher, server.url("/a"))
        with pytest.raises(
            DownloadError, match=r"/b: .*; tried once, since an earlier"
        ):
            fetch(fetcher, server.url("/b"))
    assert [request.path for request in server.requests] == [*["/a"] * 4, "/b"]


@pytest.mark.parametrize("status", [404, 503])
def test_a_server_that_was_silent_has_all_tries_again_once_it_answers(
    fetcher: HttpFetcher, status: int
) -> None:
    with serving(*[say_nothing] * 4, answer(status), say_nothing, File(DATA)) as server:
        with pytest.raises(DownloadError, match="given up after 4 tries"):
            fetch(fetcher, server.url())
        if status == 404:
            with pytest.raises(DownloadError, match="HTTP 404"):
                fetch(fetcher, server.url())
        assert fetch(fetcher, server.url()) == DATA
        assert not fetcher.was_silent(server.url())


def test_a_server_that_answers_badly_was_not_silent(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(503)) as server,
        pytest.raises(DownloadError, match="given up"),
    ):
        fetch(fetcher, server.url())
    assert not fetcher.was_silent(server.url())


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
    def stall(request: Request, connection: socket.socket) -> None:
        if "range" in request.headers:
            File(DATA)(request, connection)
        else:
            connection.sendall(head(200, Content_Length=len(DATA)) + DATA[:1000])
            wait_for_the_end(connection)

    with serving(stall) as server:
        assert fetch(impatient, server.url()) == DATA
    ranges = [request.headers.get("range") for request in server.requests]
    assert "bytes=1000-" in ranges


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


def test_a_reader_that_takes_its_time_is_no_stall(
    fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: real() + passed[0])
    with serving(File(DATA)) as server, fetcher.open(server.url()) as body:
        chunks = [next(body)]
        passed[0] = 1e9
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
