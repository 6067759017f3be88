"""A julia process that is asked question after question."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast

from fetch_artifacts._version import pip_install
from fetch_artifacts.errors import NoJuliaError, OracleError
from fetch_artifacts.julia_process import kill_with_children

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAST_WORDS: Final = 4000  # characters of standard error that an error shows
# JULIA_* variables are for the user's own Julia, except these.
_KEPT: Final = frozenset({"JULIA_SSL_CA_ROOTS_PATH", "JULIA_NO_VERIFY_HOSTS"})
_LOOPBACK: Final = "localhost,127.0.0.1,::1"

_WAYS: Final = (
    "put a Julia of 1.5 or newer on PATH (https://julialang.org/install); name the "
    "path of one with JULIA, --julia or, in pytest, --artifacts-julia; or install "
    f"juliacall, which fetches its own: {pip_install('julia')}"
)


def no_julia(reason: str) -> NoJuliaError:
    """Give the error that says why there is none, and the three ways to get one."""
    why, newline, details = reason.partition("\n")
    return NoJuliaError(f"{why}; {_WAYS}{newline}{details}")


class JuliaProcess:
    """A ``julia`` process, in a temporary home and depot.

    It starts at the first question, and anew after a crash, after an answer that came
    too late, and in a forked process. Threads take turns.

    Args:
        program: The path of the julia.
        script: The path of oracle.jl.
        environ: The environment to start it in; its proxies count, its JULIA_* don't.
        timeout: The seconds that one answer may take.
    """

    def __init__(
        self, program: str, script: Path, *, environ: Mapping[str, str], timeout: float
    ) -> None:
        self._command = [program, "--startup-file=no", "--color=no", str(script)]
        self._environ = environ
        self._timeout = timeout
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def exchange(self, request: str) -> str:
        """Give the line that answers a line.

        Raises:
            NoJuliaError: The program can't be started.
            OracleError: Julia ended, or took too long. The next question starts
                another one.
        """
        with self._lock:
            running = self._present()
            try:
                answer = running.exchange(request, self._timeout)
            except BaseException:  # also Ctrl-C, after which an answer is still to come
                self._end()
                raise
            return answer

    def close(self) -> None:
        """End the process and remove its folder."""
        with self._lock:
            self._end()

    def _present(self) -> _Running:
        if self._running is not None and self._running.pid != os.getpid():
            self._running = None  # its pipes are the parent's
        if self._running is None:
            self._running = _Running(self._command, self._environ)
        return self._running

    def _end(self) -> None:
        if self._running is not None and self._running.pid == os.getpid():
            self._running.close()
        self._running = None


class _Running:
    """One start of the program.

    Attributes:
        pid: The process that started it.
    """

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self.pid = os.getpid()
        self._program = command[0]
        self._home = tempfile.TemporaryDirectory(
            prefix="julia-", ignore_cleanup_errors=True
        )
        self._log: BinaryIO = (Path(self._home.name) / "stderr.txt").open("w+b")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own Julia
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(environ, self._home.name),
                start_new_session=True,  # Ctrl-C is for this process, which ends it
            )
        except OSError as error:
            self._log.close()
            self._home.cleanup()
            why = error.strerror or str(error)
            msg = f"{self._program}: expected a Julia that can be started: {why}"
            raise no_julia(msg) from error

    def exchange(self, request: str, timeout: float) -> str:
        stdin = cast("IO[bytes]", self._process.stdin)
        stdout = cast("IO[bytes]", self._process.stdout)
        watch = threading.Timer(timeout, kill_with_children, [self._process])
        watch.daemon = True
        watch.start()
        try:
            stdin.write(request.encode() + b"\n")
            stdin.flush()
            answer = stdout.readline()
        except OSError:
            answer = b""
        finally:
            in_time = watch.is_alive()
            watch.cancel()
        if answer.endswith(b"\n"):
            return answer[:-1].decode()
        cause = f"was silent for {timeout:g} s"
        if in_time:
            cause = f"ended with status {self._process.wait()}"
        said = self._last_words()
        msg = f"{self._program} {cause}; its last words on standard error:\n{said}"
        raise OracleError(msg)

    def close(self) -> None:
        kill_with_children(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet
                cast("IO[bytes]", pipe).close()
        self._process.wait()
        self._log.close()
        self._home.cleanup()

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-_LAST_WORDS:]
        return said.strip() or "none"


def _environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environ.items()
        if name in _KEPT or not name.startswith(("JULIA", "FETCH_ARTIFACTS"))
    }
    direct = kept.get("no_proxy") or kept.get("NO_PROXY")
    return kept | {
        "HOME": home,
        "USERPROFILE": home,
        "no_proxy": f"{direct},{_LOOPBACK}" if direct else _LOOPBACK,
        # The empty part stands for the depots that come with Julia.
        "JULIA_DEPOT_PATH": str(Path(home) / "depot") + os.pathsep,
        "JULIA_PKG_SERVER": "",
    }
