"""Forks of this process, for work that threads only wait for each other in.

Python's threads take turns; forks don't, need no data sent to them, and see what this
process sees. They are made where that is safe, on Linux in a process with one thread,
and where there is enough work to be worth it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST_PROCESSES: Final = 8
_MALLOC: Final = {  # of glibc's malloc.h
    -8: 1,  # M_ARENA_MAX: one for all threads
    -3: 1 << 22,  # M_MMAP_THRESHOLD: more than the chunks of a download
    -1: 1 << 26,  # M_TRIM_THRESHOLD: what is kept though it is free
}
_THREAD_ENDS: Final = 0.001  # seconds; until then the system may list one that ended

# Each of them warns of a fork, or does not survive one; or puts all threads into one of
# the system, where the one that waits for the parent would stop the others.
_AGAINST_FORKS: Final = frozenset({"eventlet", "gevent", "jax", "juliacall", "mpi4py"})


def available_cores() -> int:
    """How many threads, or forks, of this process can work at the same time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - not on Linux


def may_fork() -> bool:
    """Whether a fork of this process is safe."""
    if sys.platform != "linux" or not _AGAINST_FORKS.isdisjoint(sys.modules):
        return False
    workers = sys.modules.get("multiprocessing.process")
    if workers and workers.parent_process():  # it has the other cores busy
        return False
    if not _is_main_interpreter():  # a fork of another one crashes
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # the system's threads
    except OSError:
        return False


def _is_main_interpreter() -> bool:
    """Whether this is the interpreter, and the thread, that may handle signals."""
    try:
        with contextlib.suppress(OSError):  # nobody may handle this one
            signal.signal(signal.SIGKILL, signal.SIG_DFL)
    except ValueError:
        return False
    return True


def processes_for(pieces: int, *, least: int, pages_a_piece: int) -> int:
    """How many processes to share work between, this one included.

    Args:
        pieces: How many pieces the work has.
        least: So many take some ten times as long as a fork of a small process.
        pages_a_piece: So many pages of memory, which a fork has to map anew, take a
            tenth of the time of a piece.
    """
    if pieces < 2 * least:
        return 1
    if not may_fork():
        time.sleep(_THREAD_ENDS)
        if not may_fork():
            return 1
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[1])
    except OSError:  # a confined program may not read all of /proc
        return 1
    each = least + pages // pages_a_piece
    return max(1, min(_MOST_PROCESSES, available_cores(), pieces // each))


@contextlib.contextmanager
def signals_blocked() -> Iterator[set[int]]:
    """Let no handler of the program run, nor raise, in a ``with`` block.

    Gives the signals that were blocked before.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:  # a signal that came right before may interrupt the next line
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield mask
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def fork(
    work: Callable[[], object], mask: Iterable[int], *, ignored: Iterable[int] = ()
) -> int:
    """Do some work in a fork of this process, and give the number of that.

    To be called within `signals_blocked`, or a handler may raise before the caller has
    the number.

    Args:
        work: What to do. What it returns or raises goes nowhere.
        mask: The signals that are blocked in the fork.
        ignored: Signals that the fork ignores; all that the program handles have their
            usual effect on it.

    Raises:
        OSError: The system refuses it.
        RuntimeError: This is a subinterpreter.
    """
    child = os.fork()
    if not child:
        _work_and_exit(work, frozenset(ignored), mask)
    return child


def reuse_memory() -> None:
    """Let the threads of a fork use what others have freed, where malloc is glibc's.

    It gives each thread memory of its own, and much of that back to the system each
    time it is free: a tenth of the time of an install. How the program that was forked
    uses its memory is not for a library to change.
    """
    with contextlib.suppress(ImportError, OSError, AttributeError):
        from ctypes import CDLL

        for parameter, value in _MALLOC.items():
            CDLL(None).mallopt(parameter, value)


def wait_for(child: int) -> None:
    """Wait for the end of a fork."""
    with contextlib.suppress(ChildProcessError):  # the program ignores or reaps them
        os.waitpid(child, 0)


def _work_and_exit(
    work: Callable[[], object], ignored: frozenset[int], mask: Iterable[int]
) -> NoReturn:
    """Keep the program's handlers, finalizers, buffers and hooks out of the work."""
    try:
        gc.freeze()
        for number in signal.valid_signals():
            if number in ignored:
                signal.signal(number, signal.SIG_IGN)
            elif callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()
    finally:
        os._exit(0)
