"""The Julia that juliacall runs in this very process.

It is called only in the thread that started it, which is the main thread. Julia's
garbage collector waits until each of its threads is at a safe point, and only that
thread runs its event loop; so a call from another one hangs for ever while that thread
is busy in Python (PythonCall.jl issues 539 and 578). A forked process crashes in it. In
both cases the same Julia is run as a program, which gives the same answers.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import ssl
import sys
import tempfile
import threading
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import NoJuliaError, OracleError
from fetch_artifacts.julia_process import inherited_juliacall, running_juliacall
from fetch_artifacts.settings.environment import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fetch_artifacts.conformance.process import JuliaProcess

_log = logging.getLogger(__name__)
_LAST_WORDS: Final = 4000  # characters of output that an error shows
_FIRST_START: Final = (
    "starting Julia in this process (juliacall), which takes some 600 MB; the first "
    "start after an installation compiles for a minute or more"
)
# Julia copies the descriptors of its output when it starts (init_stdio_handle in its
# jl_uv.c), so what it prints would go where `_output_kept` had led them.
_GIVE_OUTPUT_BACK: Final = """
for (redirect, number) in ((redirect_stdout, 1), (redirect_stderr, 2))
    try
        Sys.isunix() && redirect(open(Base.Libc.dup(RawFD(number))))
    catch  # it is closed
    end
end
"""


class JuliaCall:
    """Julia in this process, as juliacall starts it or has started it.

    It stays until the process ends, as juliacall can't stop it. Other threads run on
    while it works on an answer. In another thread and in a fork a program answers.

    Args:
        script: The path of oracle.jl.
        as_program: Gives the transport to a program of Julia, by its path.
        tell: Called with a sentence before a start, which takes a while.

    Raises:
        NoJuliaError: juliacall is not installed, or finds no Julia, or this is not the
            main thread.
        OracleError: It can't release Python's lock.
    """

    def __init__(
        self,
        script: Path,
        *,
        as_program: Callable[[str], JuliaProcess],
        tell: Callable[[str], None],
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            name = threading.current_thread().name
            msg = f"juliacall's Julia answers in the main thread only, not in {name!r}"
            raise NoJuliaError(msg)
        juliacall = _started(tell)
        self._pid = os.getpid()
        self._as_program = as_program
        self._program = getattr(juliacall, "CONFIG", {}).get("exepath")
        self._elsewhere: JuliaProcess | None = None
        self._one_program = threading.Lock()
        # `include` twice in one process would replace the functions, and say so.
        if getattr(juliacall, "_fetch_artifacts_oracle", None) is None:
            juliacall.Main.include(str(script))
            oracle = juliacall.Main.FetchArtifactsOracle
            juliacall._fetch_artifacts_oracle = oracle.answer  # noqa: SLF001 - ours
        answer = juliacall._fetch_artifacts_oracle  # noqa: SLF001 - ours
        # Called plainly it would hold Python's lock, and a server in another thread of
        # this process that Julia downloads from would never answer.
        self._answer = getattr(answer, "_jl_call_nogil", None)
        if self._answer is None:
            found = getattr(juliacall, "__version__", "an older one")
            msg = f"juliacall: expected 0.9.22 or newer, found {found}; upgrade it"
            raise OracleError(msg)

    def exchange(self, request: str) -> str:
        """Give the line that answers a line.

        Raises:
            OracleError: Julia itself failed.
            KeyboardInterrupt: Julia got Ctrl-C, as it does where it handles signals.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        if self._pid != os.getpid() or not in_main_thread:
            return self._by_program().exchange(request)
        assert self._answer is not None  # noqa: S101 - or there were no instance
        try:
            return str(self._answer(request))
        except Exception as error:
            if str(getattr(error, "exception", "")).startswith("InterruptException"):
                raise KeyboardInterrupt from error
            msg = f"juliacall: expected an answer of oracle.jl, got {error!r}"
            raise OracleError(msg) from error

    def close(self) -> None:
        """End the program, if one was asked; juliacall ends Julia with the process."""
        with self._one_program:
            if self._elsewhere is not None:
                self._elsewhere.close()
                self._elsewhere = None

    def _by_program(self) -> JuliaProcess:
        """The same Julia as a program."""
        if not self._program:
            msg = (
                "juliacall's Julia answers only in the main thread of the process that "
                f"loaded it ({self._pid}); ask with --julia process here"
            )
            raise OracleError(msg)
        with self._one_program:
            if self._elsewhere is None:
                self._elsewhere = self._as_program(self._program)
            return self._elsewhere


def _started(tell: Callable[[str], None]) -> Any:
    """Give juliacall's module, with a Julia that runs."""
    if (running := running_juliacall()) is not None:
        return running
    if inherited_juliacall() is not None:
        msg = "juliacall was imported before a fork, and its Julia does not survive one"
        raise NoJuliaError(msg)
    if "juliacall" in sys.modules:
        msg = "juliacall is imported, but runs no Julia: see PYTHON_JULIACALL_INIT"
        raise NoJuliaError(msg)
    if find_spec("juliacall") is None:
        msg = "juliacall is not installed"
        raise NoJuliaError(msg)
    tell(_FIRST_START)
    _choose_signal_handling()
    with _output_kept() as last_words:
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                module = importlib.import_module("juliacall")
        except Exception as error:
            sys.modules.pop("juliacall", None)  # it is half loaded; try anew
            raise NoJuliaError(_why(error, last_words())) from error
    module.Main.seval(_GIVE_OUTPUT_BACK)
    for each in warned:
        _log.warning("juliacall: %s", each.message)
    return module


def _choose_signal_handling() -> None:
    """Give juliacall the setting that it wants with several threads, unless one is set.

    With more than one it warns without it (juliacall/__init__.py:252-268).
    """
    environ = Settings.from_environ().environ
    options = sys._xoptions
    threads = options.get("juliacall-threads") or environ.get(
        "PYTHON_JULIACALL_THREADS", environ.get("JULIA_NUM_THREADS", "1")
    )
    if threads != "1" and "PYTHON_JULIACALL_HANDLE_SIGNALS" not in environ:
        options.setdefault("juliacall-handle-signals", "yes")


def _why(error: Exception, last_words: str) -> str:
    lines = [f"juliacall found no Julia that starts: {error}"]
    if ssl.OPENSSL_VERSION_INFO < (3, 5):
        lines.append(
            f"This Python has {ssl.OPENSSL_VERSION}; juliapkg gives no Julia 1.12 or "
            "newer to one whose OpenSSL is older than 3.5, only 1.10.3 to 1.11."
        )
    if last_words:
        lines.append(f"It said:\n{last_words}")
    return "\n".join(lines)


@contextlib.contextmanager
def _output_kept() -> Iterator[Callable[[], str]]:
    """Keep what Julia, Pkg and juliapkg print; yield what reads the end of it.

    juliapkg prints to standard output, which belongs to the program.
    """
    with tempfile.TemporaryFile() as log, contextlib.ExitStack() as stack:
        for number in (1, 2):
            stack.enter_context(_redirected(number, log.fileno()))
        text = open(  # noqa: PTH123, SIM115 - of a descriptor; the stack closes it
            os.dup(log.fileno()), "w", buffering=1, encoding="utf-8", errors="replace"
        )
        stack.enter_context(text)
        stack.enter_context(contextlib.redirect_stdout(text))
        stack.enter_context(contextlib.redirect_stderr(text))

        def last_words() -> str:
            text.flush()
            log.seek(0)
            return log.read().decode(errors="replace")[-_LAST_WORDS:].strip()

        yield last_words


@contextlib.contextmanager
def _redirected(number: int, target: int) -> Iterator[None]:
    """Let a file descriptor lead to another file for a while."""
    try:
        before = os.dup(number)
    except OSError:  # closed, as in some services
        yield
        return
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a service may have none
        stream.flush()
    os.dup2(target, number)
    try:
        yield
    finally:
        os.dup2(before, number)
        os.close(before)
