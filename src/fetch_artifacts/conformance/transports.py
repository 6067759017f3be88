"""The ways to a real Julia that has loaded oracle.jl, and which of them is taken."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from fetch_artifacts.conformance.process import JuliaProcess, no_julia
from fetch_artifacts.errors import NoJuliaError
from fetch_artifacts.julia_process import julia_behind_juliacall
from fetch_artifacts.settings.environment import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ORACLE_JL: Final = Path(__file__).with_name("oracle.jl")
TIMEOUT: Final = 300.0  # seconds for one answer; an install may take a few of them


class Transport(Protocol):
    """A way to a Julia that has loaded oracle.jl."""

    def exchange(self, request: str) -> str:
        """Give the line that answers a line.

        Raises:
            OracleError: Julia crashed, or took too long.
        """

    def close(self) -> None:
        """End it; nothing may be asked afterwards."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A transport that was chosen.

    Attributes:
        transport: The transport.
        way: ``"juliacall"`` or ``"process"``.
        reason: Why this one, and what was passed over for it.
    """

    transport: Transport
    way: str
    reason: str


def _no_tale(_text: str) -> None:
    pass


def open_transport(
    choice: str | None = None,
    *,
    timeout: float = TIMEOUT,
    tell: Callable[[str], None] = _no_tale,
) -> Opened:
    """Start a Julia that has loaded oracle.jl.

    Args:
        choice: ``"juliacall"``: in this process. ``"process"``: as the program that
            JULIA names, else the ``julia`` on PATH. ``"auto"``: by juliacall where it
            is installed and its Julia starts, else as a program. Anything else is the
            path of a program. None: what FETCH_ARTIFACTS_ORACLE says, else auto.
        timeout: The seconds that one answer of a program may take; juliacall has no
            time limit.
        tell: Called with a sentence before something that takes a minute.

    Raises:
        NoJuliaError: There is none of that choice.
        OracleError: There is one, and it crashed at its start.
        SettingsError: An environment variable has a value that means nothing.
    """
    settings = Settings.from_environ()
    reason = "it was asked for"
    if not choice:
        choice, reason = settings.oracle, "FETCH_ARTIFACTS_ORACLE asks for it"
    match choice:
        case "juliacall":
            try:
                return _by_juliacall(reason, settings, timeout, tell)
            except NoJuliaError as error:
                raise no_julia(str(error)) from error
        case "process":
            return _by_process(None, reason, settings, timeout)
        case "auto":
            return _best(settings, timeout, tell)
        case _:
            return _by_process(choice, reason, settings, timeout)


def _best(settings: Settings, timeout: float, tell: Callable[[str], None]) -> Opened:
    reason = "it is installed"
    if "juliacall" in sys.modules:
        reason = "it runs in this process already"
    elif not find_spec("juliacall"):
        return _by_process(None, "juliacall is not installed", settings, timeout)
    try:
        return _by_juliacall(reason, settings, timeout, tell)
    except NoJuliaError as error:
        tell(str(error))
        why, _, _ = str(error).partition("\n")
        reason = f"juliacall is installed, but did not start: {why}"
        parent = julia_behind_juliacall()
        named = None if parent is None else str(parent)
        return _by_process(named, reason, settings, timeout)


def _by_juliacall(
    reason: str, settings: Settings, timeout: float, tell: Callable[[str], None]
) -> Opened:
    from fetch_artifacts.conformance.juliacall import JuliaCall

    def as_program(program: str) -> JuliaProcess:
        return _process(program, settings, timeout)

    if named := settings.environ.get("JULIA"):
        reason += f"; JULIA={named} is not used, --julia process would use it"
    transport = JuliaCall(ORACLE_JL, as_program=as_program, tell=tell)
    return Opened(transport, "juliacall", reason)


def _by_process(
    named: str | None, reason: str, settings: Settings, timeout: float
) -> Opened:
    source = reason
    if named is None:
        source = "as JULIA says" if settings.environ.get("JULIA") else "on PATH"
        named = settings.environ.get("JULIA") or "julia"
    program = shutil.which(named, path=settings.environ.get("PATH"))
    if program is None:
        msg = f"no Julia to compare with: no program {named!r} ({source})"
        raise no_julia(msg)
    transport = _process(program, settings, timeout)
    return Opened(transport, "process", f"{reason}; {program} is used")


def _process(program: str, settings: Settings, timeout: float) -> JuliaProcess:
    environ = settings.environ
    return JuliaProcess(program, ORACLE_JL, environ=environ, timeout=timeout)
