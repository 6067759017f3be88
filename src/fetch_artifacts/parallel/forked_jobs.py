"""Jobs in threads of several forks of this process, which waits for them.

A thread that is free reads the number of the next job from a pipe. What a fork has to
say it sends through one socket that all of them share: what came of a job, what is
logged, and what the jobs tell on their way. Jobs of which nothing came, because a fork
was killed or lacked memory or threads, or the outcome can't be pickled, run in threads
of this process at the end.

Ctrl-C reaches each process of a terminal, so the forks ignore it, and what else ends a
program in good order. They stop, and leave nothing behind, as soon as this process
tells them by another pipe, or dies.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pickle
import select
import signal
import socket
import traceback
from array import array
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from fetch_artifacts.parallel.processes import (
    fork,
    reuse_memory,
    signals_blocked,
    wait_for,
)
from fetch_artifacts.parallel.threads import GLANCE, run_all, settle, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from threading import Event

K = TypeVar("K")
T = TypeVar("T")

_LONGEST: Final = 1 << 18  # bytes of a message; Linux takes 208 KiB unless told
_NUMBER: Final = 2  # bytes
_MOST: Final = 1 << 15  # numbers, which fill a pipe
_SCARCE: Final = (MemoryError, RuntimeError)  # no memory, "can't start new thread"
_IGNORED: Final = frozenset(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)


def run_in_forks(
    jobs: Mapping[K, Callable[[], T]],
    *,
    processes: int,
    workers: int,
    stopped: Event,
    begin: Callable[[Callable[[object], None]], object],
    hear: Callable[[Any], object],
) -> dict[K, Future[T]]:
    """Run jobs as `run_all` does, in threads of forks. This process must have one.

    Args:
        jobs: What to run. Results, and errors, are pickled.
        processes: How many forks to make.
        workers: How many jobs run at once, in all forks together.
        stopped: Set by an interrupt, in this process and in the forks. The jobs must
            then end soon, in any way.
        begin: Called in each fork with a function that sends this process a message.
        hear: Called in this process with each message, one after the other.
    """
    running: dict[K, Future[T]] = {}
    keys, records = list(jobs), _Records()
    try:
        with _Forks(list(jobs.values()), stopped, begin) as forks:
            forks.start(processes, min(workers, len(jobs)))
            for message in forks.messages():
                if message is None:  # it can't be made again
                    continue
                if isinstance(message, _Outcome):
                    running[keys[message.number]] = message.settled()
                elif isinstance(message, _Record):
                    records.handle(message)
                else:
                    hear(message)
    except BaseException:
        stopped.set()
        raise
    left = {key: job for key, job in jobs.items() if key not in running}
    running |= run_all(left, workers=workers, stopped=stopped)
    return {key: running[key] for key in keys}


class _Forks(contextlib.ExitStack, Generic[T]):
    """Forks that take jobs until there are none left.

    At the end of the block they are told to stop, and waited for.
    """

    def __init__(
        self,
        jobs: list[Callable[[], T]],
        stopped: Event,
        begin: Callable[[Callable[[object], None]], object],
    ) -> None:
        super().__init__()
        self._jobs = jobs
        self._stopped = stopped
        self._begin = begin
        self._ear: socket.socket | None = None

    def start(self, processes: int, workers: int) -> None:
        """Fork; less often, or not at all, where the system refuses it."""
        with signals_blocked() as mask, contextlib.suppress(OSError, RuntimeError):
            waits = self.enter_context(contextlib.ExitStack())  # left last
            self._open()
            for number in range(processes):
                threads = len(range(number, workers, processes))
                child = fork(partial(self._work, threads), mask, ignored=_IGNORED)
                waits.callback(wait_for, child)
                self.callback(self._lifeline.write, b"0")  # ends one fork

    def messages(self) -> Iterator[object]:
        """Give what the forks send, until the last one has ended."""
        if self._ear is None:
            return
        self._mouth.close()
        while data := _received(self._ear):
            yield _made_again(data)

    def _open(self) -> None:
        self._numbers, end = self._pipe()
        os.set_blocking(end.fileno(), False)  # of jobs that don't fit in, nothing comes
        end.write(array("H", range(min(len(self._jobs), _MOST))))
        end.close()
        self._life, self._lifeline = self._pipe()
        ear, self._mouth = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ear = self.enter_context(ear)
        self.enter_context(self._mouth)

    def _pipe(self) -> tuple[io.FileIO, io.FileIO]:
        reading, writing = os.pipe()
        return (
            self.enter_context(io.FileIO(reading)),
            self.enter_context(io.FileIO(writing, "w")),
        )

    def _work(self, threads: int) -> None:
        """Take jobs in a fork."""
        self._lifeline.close()
        if self._ear is not None:
            self._ear.close()
        reuse_memory()
        _send_records(self._send)
        self._begin(self._send)
        start_thread(self._watch, name="fetch-artifacts lifeline")
        taking = dict.fromkeys(range(threads), self._take_jobs)
        run_all(taking, workers=threads, stopped=self._stopped)

    def _watch(self) -> None:
        self._life.read(1)
        self._stopped.set()

    def _take_jobs(self) -> None:
        while not self._stopped.is_set():
            number = array("H", self._numbers.read(_NUMBER) or b"")
            if not number:
                return
            done = settle(Future[T](), self._jobs[number[0]])
            if type(done.exception()) not in _SCARCE:
                self._send(_Outcome.of(number[0], done))

    def _send(self, message: object) -> None:
        """Send what can be pickled and is not too long, while the parent is there."""
        with contextlib.suppress(
            OSError, pickle.PicklingError, TypeError, AttributeError
        ):
            data = pickle.dumps(message)
            if len(data) <= _LONGEST:
                self._mouth.send(data)


def _received(ear: socket.socket) -> bytes:
    """Give the next message, an empty one once nobody is left to send any."""
    ready = select.poll()
    ready.register(ear, select.POLLIN)
    while not ready.poll(GLANCE * 1000):
        pass
    return ear.recv(_LONGEST)


def _made_again(data: bytes) -> object:
    """Give a message, None where that fails for a reason of the program's objects."""
    with signals_blocked(), contextlib.suppress(Exception):
        return pickle.loads(data)  # noqa: S301 - from a fork of this process
    return None


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """What came of a job: a result, or an error with its traceback."""

    number: int
    result: T | None
    error: BaseException | None
    trace: str

    @classmethod
    def of(cls, number: int, done: Future[T]) -> _Outcome[T]:
        error = done.exception()
        if error is None:
            return cls(number, done.result(), None, "")
        return cls(number, None, error, "".join(traceback.format_exception(error)))

    def settled(self) -> Future[T]:
        done: Future[Any] = Future()
        if self.error is None:
            done.set_result(self.result)
        else:
            self.error.__cause__ = _ForkError(self.trace)
            done.set_exception(self.error)
        return done


class _ForkError(Exception):
    """The cause of an error that a fork raised: shows its traceback there."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


@dataclass(frozen=True, slots=True)
class _Record:
    """What is logged, without what can't be pickled."""

    facts: dict[str, object]

    @classmethod
    def of(cls, record: logging.LogRecord) -> _Record:
        facts = vars(record)
        return cls({key: facts[key] for key in facts if _is_pickled(facts[key])})

    def made_again(self) -> logging.LogRecord:
        record = logging.LogRecord("", 0, "", 0, "", (), None)
        vars(record).update(self.facts)
        return record


def _is_pickled(value: object) -> bool:
    with contextlib.suppress(Exception):  # of a class of the program
        return bool(pickle.dumps(value))
    return False


class _Records:
    """Has records handled here; a warning of two forks is one, as of two threads."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int | None] = {}

    def handle(self, message: _Record) -> None:
        record = message.made_again()
        if record.levelno < logging.WARNING or self._is_news(record):
            logging.getLogger(record.name).handle(record)

    def _is_news(self, record: logging.LogRecord) -> bool:
        said = record.name, record.getMessage()
        return self._first.setdefault(said, record.process) == record.process


class _RecordSender(QueueHandler):
    def __init__(self, send: Callable[[object], None]) -> None:
        super().__init__(SimpleQueue())
        self._send = send
        self._replaced: list[object] = []

    def replace(self, logger: logging.Logger) -> None:
        """Let a logger hand its records on, and finalize no handler in the fork."""
        self._replaced += logger.handlers, logger.filters
        logger.handlers, logger.filters, logger.propagate = [], [], True

    def enqueue(self, record: logging.LogRecord) -> None:
        self._send(_Record.of(record))


def _send_records(send: Callable[[object], None]) -> None:
    """Let the parent, which has the handlers, handle what is logged."""
    sender = _RecordSender(send)
    known = logging.root.manager.loggerDict.values()
    for logger in [logging.root, *known]:
        if isinstance(logger, logging.Logger):
            sender.replace(logger)
    logging.root.addHandler(sender)
