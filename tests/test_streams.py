"""Reading ahead in a thread: in order, with errors, and without leaving threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fetch_artifacts.streams import LARGE, prefetched


def numbers(count: int) -> list[bytes]:
    return [bytes([number]) for number in range(count)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetched"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 100])
def test_chunks_come_in_their_order(count: int) -> None:
    assert list(prefetched(numbers(count))) == numbers(count)
    assert readers() == []


@pytest.mark.parametrize(
    ("first", "before"), [(bytes(LARGE), 0), (b"short", 1)], ids=["large", "short"]
)
def test_the_source_is_read_ahead_but_not_far(first: bytes, before: int) -> None:
    taken: list[bytes] = []

    def source() -> Iterator[bytes]:
        for chunk in [first, *numbers(100)]:
            taken.append(chunk)
            yield chunk

    chunks = prefetched(source(), depth=3)

    assert next(chunks) == first
    for _ in range(before):
        next(chunks)
    count = before + 5  # what was given, three, and one in hand
    wait_until(lambda: len(taken) == count)
    time.sleep(0.01)
    assert len(taken) == count
    chunks.close()


def test_a_source_of_one_short_chunk_needs_no_thread() -> None:
    seen: list[int] = []

    def source() -> Iterator[bytes]:
        seen.append(threading.get_ident())
        yield b"all there is"
        seen.append(threading.get_ident())

    assert list(prefetched(source())) == [b"all there is"]
    assert seen == [threading.get_ident()] * 2


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_an_error_comes_after_the_chunks_before_it(count: int) -> None:
    def source() -> Iterator[bytes]:
        yield from numbers(count)
        raise ConnectionError("reset")

    chunks = prefetched(source())
    assert [next(chunks) for _ in range(count)] == numbers(count)
    with pytest.raises(ConnectionError, match="reset"):
        next(chunks)
    assert readers() == []


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_giving_up_early_closes_the_source_and_ends_the_thread(taken: int) -> None:
    closed = threading.Event()

    def source() -> Iterator[bytes]:
        try:
            yield from numbers(200)
        finally:
            closed.set()

    chunks = prefetched(source())
    for _ in range(taken):
        next(chunks)
    chunks.close()

    assert closed.is_set()
    assert readers() == []


def test_two_stages_work_one_inside_the_other() -> None:
    inner = prefetched(numbers(50))
    outer = prefetched(2 * number for number in inner)
    assert [next(outer) for _ in range(3)] == [2 * number for number in numbers(3)]
    outer.close()
    inner.close()
    assert readers() == []
