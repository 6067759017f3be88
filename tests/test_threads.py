from __future__ import annotations

from contextvars import ContextVar

from fetch_artifacts.threads import InheritingPool, start_thread

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


def test_a_job_has_the_context_in_which_it_was_submitted() -> None:
    with InheritingPool(1) as pool:
        token = COLOUR.set("red")
        job = pool.submit(COLOUR.get)
        COLOUR.reset(token)
        assert job.result() == "red"
        assert pool.submit(COLOUR.get).result() == "none"


def test_a_job_leaves_the_context_as_it_was() -> None:
    with InheritingPool(1) as pool:
        pool.submit(COLOUR.set, "red").result()
    assert COLOUR.get() == "none"


def test_arguments_are_passed_on() -> None:
    with InheritingPool(1) as pool:
        assert pool.submit(sorted, [1, 2], reverse=True).result() == [2, 1]


def test_a_thread_has_the_context_in_which_it_was_started() -> None:
    found = []
    token = COLOUR.set("red")
    thread = start_thread(lambda: found.append(COLOUR.get()), name="colour")
    COLOUR.reset(token)
    thread.join()
    assert found == ["red"]
    assert thread.name == "colour"
    assert thread.daemon
