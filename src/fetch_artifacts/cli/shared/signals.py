"""Signals that end a command as Ctrl-C does: in one line, with nothing half done."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from _thread import interrupt_main
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

INTERRUPTED: Final = 130

_LATER: Final = 0.02  # seconds, in which the callback ends
_NAMES: Final = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end; whatever handles Ctrl-C handles it too.

    Attributes:
        number: The number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_code_of(interrupt: BaseException | None) -> int:
    """Give the exit code that shells use: 128 plus the number of the signal."""
    return 128 + interrupt.number if isinstance(interrupt, Terminated) else INTERRUPTED


def what_ended(interrupt: BaseException | None) -> str:
    """Give the word that says how the command was ended."""
    return "terminated" if isinstance(interrupt, Terminated) else "interrupted"


def ignore_signals_at_exit() -> None:
    """Let nothing end this process while Python ends: all is done and told by then.

    To be called last, as what is registered last is what Python does first.
    """
    for name in ("SIGINT", *_NAMES):
        if hasattr(signal, name):
            atexit.register(signal.signal, getattr(signal, name), signal.SIG_IGN)


@contextlib.contextmanager
def terminations_raised() -> Iterator[None]:
    """Raise `Terminated` for SIGTERM and SIGHUP, in the main thread, in a block.

    Not for one that is ignored, as SIGHUP is under nohup, or is handled already. What
    Python can't raise where the signal came, as Ctrl-C in a callback of an import, is
    raised a moment later.
    """
    before, hook = {}, sys.unraisablehook
    if threading.current_thread() is threading.main_thread():
        numbers = (getattr(signal, name, None) for name in _NAMES)
        for number in filter(None, numbers):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _raiser(os.getpid()))
        sys.unraisablehook = partial(_raise_later, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_later(hook: Callable[[Any], Any], fault: sys.UnraisableHookArgs) -> None:
    if not isinstance(fault.exc_value, KeyboardInterrupt):
        hook(fault)
        return
    number = getattr(fault.exc_value, "number", signal.SIGINT)
    timer = threading.Timer(_LATER, interrupt_main, [number])
    timer.daemon = True
    timer.start()


def _raiser(process: int) -> Callable[[int, FrameType | None], None]:
    def end(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != process:  # one that was forked ends as if it had no handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Terminated(number)

    return end
