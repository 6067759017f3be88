"""Threads that inherit the context of whoever starts them, as tasks of asyncio do.

So `with_artifacts_directory`, and all else that a program keeps in a `ContextVar`,
applies in them as well.

Ctrl-C interrupts the main thread only, so work that waits in functions that can't be
stopped runs in other threads, and the main thread waits for those (`run_all`).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

_GLANCE: Final = 0.5  # seconds; on Windows, Ctrl-C can't interrupt a wait

K = TypeVar("K")
P = ParamSpec("P")
T = TypeVar("T")


class InheritingPool(ThreadPoolExecutor):
    """A pool whose jobs run in a copy of the context in which they were submitted."""

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Schedule a call."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *args, **kwargs))


def start_thread(run: Callable[[], object], *, name: str) -> Thread:
    """Start a daemon thread that runs in a copy of the present context."""
    thread = Thread(target=copy_context().run, args=(run,), name=name, daemon=True)
    thread.start()
    return thread


def run_all(
    jobs: Mapping[K, Callable[[], T]], *, workers: int, stopped: Event
) -> dict[K, Future[T]]:
    """Run jobs in threads, and wait for all of them to end.

    Args:
        jobs: What to run.
        workers: How many run at once.
        stopped: Set by an interrupt. The jobs must then end soon, in any way.
    """
    with InheritingPool(workers, "fetch-artifacts") as pool:
        try:
            running = {key: pool.submit(job) for key, job in jobs.items()}
            while wait(running.values(), timeout=_GLANCE).not_done:
                pass
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return running


def run_one(job: Callable[[], T], *, stopped: Event) -> T:
    """Run one job, as `run_all` does; return its result or raise its error.

    Ctrl-C reaches the main thread only, so in others the job needs no thread.
    """
    if current_thread() is not main_thread():
        return job()
    outcomes: list[Future[T]] = []
    run = partial(copy_context().run, lambda: outcomes.append(settled(job)))
    thread = Thread(target=run, name="fetch-artifacts")
    try:
        thread.start()
        while thread.is_alive():
            thread.join(_GLANCE)
    except BaseException:
        stopped.set()
        if thread.ident is not None:
            thread.join()
        raise
    return outcomes[0].result()


def settled(job: Callable[[], T]) -> Future[T]:
    """Run a job; return its result, or the error that it raised, as a `Future`."""
    outcome: Future[T] = Future()
    try:
        outcome.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again by who asks for it
        outcome.set_exception(error)
    return outcome
