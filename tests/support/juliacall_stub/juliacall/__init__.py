"""Stands in for juliacall 0.9.37 where there is none, and does what hurts in that one.

It starts a Julia when it is imported: the program that PYTHON_JULIAPKG_EXE names, else
JULIACALL_STUB_JULIA; without one it downloads a list of them from JULIACALL_STUB_INDEX,
unless PYTHON_JULIAPKG_OFFLINE forbids it, as juliapkg does. A plain call of a Julia
function holds Python's lock, so it is an error here; only ``_jl_call_nogil`` releases
it. In a fork, and in another thread than the one that started it, each call kills the
process: the real one crashes there, or hangs for ever. What Julia prints goes where
standard output led when it started, until it is redirected. Several threads without a
setting for signals are a warning. JULIACALL_STUB_FAILS is what a start that fails says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.request
import warnings
from typing import NoReturn

__version__ = "0.9.37"
CONFIG = {
    "inited": False,
    "exepath": os.environ.get("PYTHON_JULIAPKG_EXE")
    or os.environ.get("JULIACALL_STUB_JULIA"),
}
_LOADED_IN = os.getpid(), threading.get_ident()


class JuliaError(Exception):
    """An error arising in Julia code."""

    def __init__(self, exception: object) -> None:
        super().__init__(exception, None)
        self.exception = exception


def _check_process() -> None:
    if (os.getpid(), threading.get_ident()) != _LOADED_IN:
        os.abort()


class _Function:
    """A Julia function as Python sees it."""

    def __init__(self, main: _Main) -> None:
        self._main = main

    def __call__(self, *arguments: object) -> NoReturn:
        _check_process()
        raise AssertionError("called with Python's lock held: use _jl_call_nogil")

    def _jl_call_nogil(self, request: str) -> str:
        _check_process()
        assert isinstance(request, str)
        return self._main.exchange(request)


class _Oracle:
    def __init__(self, main: _Main) -> None:
        self.answer = _Function(main)


class _Main:
    """Julia's module Main, in a process of its own."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self.included: list[str] = []
        self._stdout = os.dup(1)

    def include(self, path: str) -> None:
        _check_process()
        self.included.append(path)
        self.FetchArtifactsOracle = _Oracle(self)

    def println(self, text: str) -> None:
        _check_process()
        os.write(self._stdout, f"{text}\n".encode())

    def seval(self, code: str) -> str | None:
        _check_process()
        if "redirect_stdout" in code:
            os.dup2(1, self._stdout)
            return None
        # A Julia older than juliacall wants has no triplet of its own.
        old = "Pkg.BinaryPlatforms.triplet(Pkg.BinaryPlatforms.platform_key_abi())"
        old = f'replace({old}, r"(-libstdcxx[0-9]+)(-cxx[0-9]+)" => s"\\2\\1")'
        has = "isdefined(Base, :BinaryPlatforms)"
        code = f"import Pkg; print({has} ? {code} : {old})"
        done = subprocess.run(
            [self._program, "--startup-file=no", "-e", code],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def exchange(self, request: str) -> str:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._program, "--startup-file=no", *self.included],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "JULIA_PKG_SERVER": ""},
            )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")


def _start() -> _Main:
    threads = os.environ.get(
        "PYTHON_JULIACALL_THREADS", os.environ.get("JULIA_NUM_THREADS", "1")
    )
    told = os.environ.get("PYTHON_JULIACALL_HANDLE_SIGNALS") or sys._xoptions.get(
        "juliacall-handle-signals"
    )
    print("[juliapkg] Locating Julia")  # noqa: T201 - as juliapkg does
    if reason := os.environ.get("JULIACALL_STUB_FAILS"):
        os.write(2, b"ERROR: LoadError: no such package\n")
        raise Exception(reason)  # noqa: TRY002 - as juliapkg does
    if not CONFIG["exepath"]:
        if os.environ.get("PYTHON_JULIAPKG_OFFLINE") != "yes":
            urllib.request.urlopen(os.environ["JULIACALL_STUB_INDEX"], timeout=10)
        raise Exception("could not find Julia")  # noqa: TRY002 - as juliapkg does
    if threads != "1" and not told:
        warnings.warn("Julia was started with multiple threads", stacklevel=2)
    CONFIG["inited"] = True
    return _Main(str(CONFIG["exepath"]))


Main = _start()
