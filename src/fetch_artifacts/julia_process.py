"""Asking Julia: the one in this process, or an installed one.

Julia does not survive a fork: the child has juliacall's module, but a call of Julia
crashes there. So this module is imported with the package, to take note of forks, and
imports nothing that takes time.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # see the package's __init__
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from subprocess import Popen
    from types import ModuleType
    from typing import Any, Final

_of_a_parent: Final[list[ModuleType]] = []  # juliacall, as a fork inherits it

# As Pkg starts a package's hook (Pkg.jl Operations.jl:884, 1371-1376)
_FLAGS: Final = (
    "--startup-file=no",
    "--history-file=no",
    "--color=no",
    "-O0",
    "--compile=min",
    "-t1",
)


def _note_fork() -> None:
    juliacall = sys.modules.get("juliacall")
    if juliacall is not None and juliacall not in _of_a_parent:
        _of_a_parent.append(juliacall)


def _is_worker_of_a_fork() -> bool:
    multiprocessing = sys.modules.get("multiprocessing")
    return (
        multiprocessing is not None
        and multiprocessing.parent_process() is not None
        and multiprocessing.get_start_method(allow_none=True) in {"fork", "forkserver"}
    )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
    if _is_worker_of_a_fork():
        _note_fork()  # the fork was before this module was imported


def running_juliacall() -> ModuleType | None:
    """Give juliacall's module where its Julia runs in this process; never import it.

    None in a fork of the process that loaded Julia.
    """
    juliacall = sys.modules.get("juliacall")
    if getattr(juliacall, "Main", None) is None or juliacall in _of_a_parent:
        return None
    return juliacall


def inherited_juliacall() -> ModuleType | None:
    """Give juliacall's module where a process that this is a fork of loaded Julia."""
    return _of_a_parent[-1] if _of_a_parent else None


def julia_behind_juliacall() -> Path | None:
    """Give the executable of juliacall's Julia, for where that Julia can't be asked.

    That is in a fork of the process that loaded it, and in a thread other than the main
    one; see `conformance.juliacall`.
    """
    from pathlib import Path

    juliacall = inherited_juliacall() or running_juliacall()
    executable = getattr(juliacall, "CONFIG", {}).get("exepath")
    return Path(executable) if executable else None


def run_julia(
    julia: Path,
    arguments: Sequence[str],
    *,
    timeout: float,
    directory: Path | None = None,
) -> str:
    """Run Julia without input, and give its standard output.

    Args:
        julia: The executable.
        arguments: The arguments after the flags for a quick and quiet start.
        timeout: The seconds after which Julia is stopped.
        directory: The working directory, None for the current one.

    Raises:
        JuliaError: Julia could not be started, failed, or took too long.
    """
    import subprocess

    from fetch_artifacts.errors import JuliaError

    try:
        with subprocess.Popen(  # noqa: S603 - the user's own Julia
            [str(julia.absolute()), *_FLAGS, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                printed, said = process.communicate(timeout=timeout)
            except BaseException:  # also Ctrl-C, which is for this process
                kill_with_children(process)
                raise
    except subprocess.TimeoutExpired:
        msg = f"{julia}: expected an answer within {timeout:g} s, got none"
        raise JuliaError(msg, julia=julia) from None
    except OSError as error:
        msg = f"{julia}: can't be started: {error}"
        raise JuliaError(msg, julia=julia) from error
    if process.returncode != 0:
        said = said.strip() or "nothing"
        msg = f"{julia}: failed with status {process.returncode}, saying: {said}"
        raise JuliaError(msg, julia=julia)
    return printed


def kill_with_children(process: Popen[Any]) -> None:
    """Kill a process that was started as a session, and all that it has started.

    A ``julia`` may be a script or a launcher whose child is Julia, which would run on
    and keep the pipes open.
    """
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    import contextlib
    import signal

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
