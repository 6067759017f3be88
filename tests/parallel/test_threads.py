from __future__ import annotations

import os
import signal
import threading
import time
from contextvars import ContextVar

import pytest

from fetch_artifacts.parallel.threads import InheritingPool, run_one, start_thread

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


def test_one_job_leaves_the_main_thread_free_for_ctrl_c() -> None:
    token = COLOUR.set("red")
    stopped = threading.Event()
    try:
        found = run_one(
            lambda: (threading.current_thread(), COLOUR.get()), stopped=stopped
        )
    finally:
        COLOUR.reset(token)
    assert found[0] is not threading.main_thread()
    assert not found[0].is_alive()
    assert found[1] == "red"
    assert not stopped.is_set()


def test_one_job_needs_no_further_thread_outside_of_the_main_thread() -> None:
    with InheritingPool(1) as pool:
        job = pool.submit(run_one, threading.get_ident, stopped=threading.Event())
        assert job.result() == pool.submit(threading.get_ident).result()


def test_the_error_of_one_job_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run_one(lambda: 1 / 0, stopped=threading.Event())


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no Ctrl-C to one process")
@pytest.mark.parametrize("pause", [0, 0.1])  # seconds: as it starts, and in the wait
def test_an_interrupt_stops_the_one_job_and_waits_for_its_end(pause: float) -> None:
    stopped, ended = threading.Event(), threading.Event()

    def job() -> None:
        time.sleep(pause)
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(60)
        time.sleep(0.2)  # it removes what it made
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_one(job, stopped=stopped)
    assert ended.is_set()
