"""Threads that inherit the context of whoever starts them, as tasks of asyncio do.

So `with_artifacts_directory`, and all else that a program keeps in a `ContextVar`,
applies in them as well.

Ctrl-C interrupts the main thread only, so work that waits in functions that can't be
stopped runs in other threads, and the main thread waits for those (`run_all`).
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Seconds that the main thread waits at a time. Ctrl-C right before a wait does not end
# it, nor, on Windows, does one that comes meanwhile.
GLANCE: Final = 0.5

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
    # A pool does not know of a thread in whose start Ctrl-C came, nor does it wait for
    # it; so no job begins before all threads have started.
    started = Event()
    with InheritingPool(workers, "fetch-artifacts") as pool:
        try:
            running = {
                key: pool.submit(_after, started, job, stopped=stopped)
                for key, job in jobs.items()
            }
            started.set()
            while wait(running.values(), timeout=GLANCE).not_done:
                pass
        except BaseException:
            stopped.set()
            started.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return running


def _after(started: Event, job: Callable[[], T], *, stopped: Event) -> T:
    started.wait()
    if stopped.is_set():
        raise CancelledError
    return job()


def run_one(job: Callable[[], T], *, stopped: Event) -> T:
    """Run one job, as `run_all` does; return its result or raise its error.

    Ctrl-C reaches the main thread only, so in others the job needs no thread.
    """
    if current_thread() is not main_thread():
        return job()
    # Not by Thread.join: if Ctrl-C interrupts it, Python 3.12 and older take the thread
    # for ended and no longer wait for it, nor for what it still removes.
    return run_all({None: job}, workers=1, stopped=stopped)[None].result()


def settle(outcome: Future[T], job: Callable[[], T]) -> Future[T]:
    """Run a job; put its result, or the error that it raised, into a `Future`."""
    try:
        outcome.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again by who asks for it
        outcome.set_exception(error)
    return outcome
