"""Two ways to ask real Julia, which carry the same lines to julia_fixtures/oracle.jl.

juliacall runs Julia in this process (and wants 1.10 or newer); the other way is one
long-lived ``julia`` process, of any Julia from 1.5 on. questions.py has the questions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

ORACLE_JL = Path(__file__).resolve().parent.parent / "julia_fixtures" / "oracle.jl"

Choice: TypeAlias = Literal["auto", "juliacall", "process"]


class NoJuliaError(Exception):
    """There is no Julia to ask."""


class OracleError(Exception):
    """The oracle itself failed: Julia crashed, hung, or was asked nonsense."""


class JuliaError(Exception):
    """Julia raised an exception.

    Attributes:
        kind: The name of the exception's type, such as ``ArgumentError``.
        message: Its first line.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Transport(Protocol):
    """A way to a Julia that has loaded oracle.jl."""

    def exchange(self, request: str) -> str:
        """The line that answers a line."""

    def close(self) -> None:
        """End it; nothing may be asked any more."""


class JuliaProcess:
    """A ``julia`` of its own, in a home and a depot that are thrown away.

    Args:
        program: The path of the julia.
        timeout: The seconds that one answer may take.
    """

    def __init__(self, program: str, *, timeout: float = 300) -> None:
        self._timeout = timeout
        self._home = tempfile.TemporaryDirectory(
            prefix="julia-", ignore_cleanup_errors=True
        )
        self._log = (Path(self._home.name) / "stderr.txt").open("w+b")
        self._process = subprocess.Popen(
            [program, "--startup-file=no", "--color=no", str(ORACLE_JL)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(self._home.name),
        )

    def exchange(self, request: str) -> str:
        """The line that answers a line.

        Raises:
            OracleError: Julia ended, or took too long.
        """
        assert self._process.stdin
        assert self._process.stdout
        watch = threading.Timer(self._timeout, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            in_time = watch.is_alive()
            watch.cancel()
        if answer.endswith(b"\n"):
            return answer[:-1].decode()
        raise OracleError(self._obituary(in_time=in_time))

    def close(self) -> None:
        """End the process and remove its folder."""
        self._process.kill()
        self._process.communicate()
        self._log.close()
        self._home.cleanup()

    def _obituary(self, *, in_time: bool) -> str:
        status = self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-4000:]
        cause = f"ended with {status}" if in_time else f"was silent {self._timeout} s"
        return f"julia {cause}; on its standard error:\n{said}"


class JuliaCall:
    """The Julia that juliacall starts in this very process.

    It stays until the process ends, as juliacall can't stop it.
    """

    def __init__(self) -> None:
        from juliacall import Main

        Main.include(str(ORACLE_JL))
        self._answer = Main.Oracle.answer

    def exchange(self, request: str) -> str:
        """The line that answers a line."""
        return str(self._answer(request))

    def close(self) -> None:
        """Nothing to do."""


def open_transport(choice: Choice = "auto", *, timeout: float = 300) -> Transport:
    """A Julia that has loaded oracle.jl.

    Args:
        choice: ``"auto"`` takes juliacall where it is installed, else the program that
            JULIA names, else the ``julia`` on PATH.
        timeout: The seconds that one answer of a process may take.

    Raises:
        NoJuliaError: There is none of that choice.
    """
    if choice == "juliacall" or (choice == "auto" and find_spec("juliacall")):
        return JuliaCall()
    return JuliaProcess(_program(), timeout=timeout)


def _program() -> str:
    name = os.environ.get("JULIA") or "julia"
    program = shutil.which(name)
    if program is None:
        msg = f"no program {name!r}: set JULIA to the path of one, or install juliacall"
        raise NoJuliaError(msg)
    return program


def _environment(home: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JULIA", "FETCH_ARTIFACTS"))
        and not name.lower().endswith("_proxy")
    }
    return kept | {
        "HOME": home,
        "USERPROFILE": home,
        # The empty part stands for the depots that come with Julia.
        "JULIA_DEPOT_PATH": str(Path(home) / "depot") + os.pathsep,
        "JULIA_PKG_SERVER": "",
    }
