"""Reading ahead in a thread: in order, with errors, and without leaving threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fetch_artifacts.streams import prefetched


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetched"]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 100])
def test_items_come_in_their_order(count: int) -> None:
    assert list(prefetched(range(count))) == list(range(count))
    assert readers() == []


def test_the_source_is_read_ahead_but_not_far() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    items = prefetched(source(), depth=3)

    assert next(items) == 0
    wait_until(lambda: len(taken) == 5)  # the one given, three, and one in hand
    time.sleep(0.01)
    assert len(taken) == 5
    items.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionError("reset")

    items = prefetched(source())
    assert next(items) == 1
    assert next(items) == 2
    with pytest.raises(ConnectionError, match="reset"):
        next(items)
    assert readers() == []


def test_giving_up_early_closes_the_source_and_ends_the_thread() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    items = prefetched(source())
    next(items)
    items.close()

    assert closed.is_set()
    assert readers() == []


def test_two_stages_work_one_inside_the_other() -> None:
    inner = prefetched(range(50))
    outer = prefetched(number * 2 for number in inner)
    assert next(outer) == 0
    outer.close()
    inner.close()
    assert readers() == []
