"""The platform of the Julia that this process pairs with, asked of that Julia."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import JuliaError, PlatformError
from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.regular import read_memory
from fetch_artifacts.files.writing import write_atomically
from fetch_artifacts.julia_process import run_julia, running_juliacall
from fetch_artifacts.platforms.platform import Platform

if TYPE_CHECKING:
    from types import ModuleType

# Julia 1.5 has no host_triplet, and puts the last two parts the other way round.
_QUESTION: Final = r"""
isdefined(Base, :BinaryPlatforms) || pushfirst!(LOAD_PATH, "@stdlib")
isdefined(Base, :BinaryPlatforms) || @eval import Pkg
print(if isdefined(Base, :BinaryPlatforms)
    Base.BinaryPlatforms.host_triplet()
else
    triplet = Pkg.BinaryPlatforms.triplet(Pkg.BinaryPlatforms.platform_key_abi())
    replace(triplet, r"(-libstdcxx\d+)(-cxx\d+)" => s"\2\1")
end)
"""
_TIMEOUT: Final = 30.0  # seconds; a cold start of Julia takes a few
_MEMORY: Final = "julia-platforms.json"

Stamp = tuple[int, ...]
"""The times in nanoseconds that change when the Julia behind an executable does."""


_running: Final[dict[ModuleType, Platform]] = {}


def running_julia() -> Platform | None:
    """The platform of the Julia in this process, None unless juliacall has started it.

    Never imports juliacall, and never calls it in a fork of the process that did, nor
    in a thread other than the main one: Julia would crash there, or hang. What the main
    thread has found out holds for all.
    """
    juliacall = running_juliacall()
    if juliacall is None:
        return None
    in_main_thread = threading.current_thread() is threading.main_thread()
    if juliacall not in _running and in_main_thread:
        triplet = juliacall.Main.seval("Base.BinaryPlatforms.host_triplet()")
        _running[juliacall] = Platform.parse(str(triplet))
    return _running.get(juliacall)


def installed_julia(julia: Path, memory: Path) -> Platform | None:
    """The platform of an installed Julia, None (and a warning) where it names none.

    Args:
        julia: The executable.
        memory: The folder where its answer is kept for other processes. It is asked
            again when the executable changes.
    """
    try:
        executable = julia.resolve(strict=True)
        stamp = _stamp(executable)
    except OSError:
        return None
    return _recall_or_ask(julia, executable, stamp, memory / _MEMORY)


def _stamp(executable: Path) -> Stamp:
    times = [executable.stat().st_mtime_ns]
    if executable.stem == "julialauncher":
        # juliaup's launcher stays the same when another Julia becomes the default one.
        choice = Path("~/.julia/juliaup/juliaup.json")
        with suppress(OSError, RuntimeError):  # no file, or no home folder
            times.append(choice.expanduser().stat().st_mtime_ns)
    return tuple(times)


@cache  # also of a failure, so that a Julia that hangs is waited for once
def _recall_or_ask(
    julia: Path, executable: Path, stamp: Stamp, memory: Path
) -> Platform | None:
    platform = _recall(memory, executable, stamp)
    if platform is None:
        platform = _ask(julia)  # by its name on PATH: a launcher goes by that
        if platform is not None:
            _remember(memory, executable, stamp, platform)
    return platform


def _ask(julia: Path) -> Platform | None:
    import logging

    try:
        answer = run_julia(julia, ["-e", _QUESTION], timeout=_TIMEOUT)
        return Platform.parse(answer.strip())
    except (JuliaError, PlatformError) as error:
        logging.getLogger(__name__).warning(
            "no platform from Julia, so that of this machine is taken: %s", error
        )
        return None


def _recall(memory: Path, executable: Path, stamp: Stamp) -> Platform | None:
    match read_memory(memory).get(str(executable)):
        case {"stamp": [*times], "triplet": str(triplet)} if tuple(times) == stamp:
            with suppress(PlatformError):
                return Platform.parse(triplet)
    return None


def _remember(path: Path, executable: Path, stamp: Stamp, platform: Platform) -> None:
    answer = {"stamp": list(stamp), "triplet": platform.triplet}
    _write_memory(path, {**_live(read_memory(path)), str(executable): answer})


def forget_julias(folder: Path) -> None:
    """Forget the answers of Julias that are gone.

    Args:
        folder: The folder where answers are kept.
    """
    path = folder / _MEMORY
    memory = read_memory(path)
    if _live(memory) != memory:
        _write_memory(path, _live(memory))


def _live(memory: dict[str, Any]) -> dict[str, Any]:
    return {julia: answer for julia, answer in memory.items() if os.path.lexists(julia)}


def _write_memory(path: Path, memory: dict[str, Any]) -> None:
    try:
        make_folders(path.parent)
        write_atomically(path, json.dumps(memory, indent=2) + "\n")
    except OSError:
        return  # a process that can't write there asks again
