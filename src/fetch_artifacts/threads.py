"""Threads that inherit the context of whoever starts them, as tasks of asyncio do.

`with_artifacts_directory`, and whatever else a program keeps in a `ContextVar`, holds
in them as well.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

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
