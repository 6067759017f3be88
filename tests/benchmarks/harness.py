"""Time contenders side by side, in one run, so that a noisy machine is fair to all.

A benchmark is a ``bench_*.py`` beside this file with a ``main()``; see README.md.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.run import PLAIN, RED, ROOT, RUN, Comparison, Goal, reached, text_of

if TYPE_CHECKING:
    from fetch_artifacts.conformance.questions import Julia

Contender: TypeAlias = Callable[[], object] | Sequence[str]
"""A function or a command; a function that returns a float gives its own seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The seconds of one contender, and what they are in units of the reference.

    Attributes:
        seconds: One for each round, in their order.
        ratio: The median, over the rounds, of its time by the reference's time.
    """

    seconds: tuple[float, ...]
    ratio: float


@contextmanager
def memory_folder() -> Iterator[Path]:
    """An empty folder in memory where the system offers that, removed afterwards."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="bench-",
        dir=shared if shared.is_dir() else None,
        ignore_cleanup_errors=True,
    ) as folder:
        yield Path(folder)


def have(program: str) -> bool:
    """Whether a program of that name is on PATH; a line says so if not."""
    return shutil.which(program) is not None or left_out(program, "not on PATH")


def have_package(name: str) -> bool:
    """Whether a package of the group ``bench`` is there; a line says so if not."""
    why = "not installed; `nox -s bench` installs it"
    return find_spec(name) is not None or left_out(name, why)


def left_out(name: str, why: str) -> bool:
    """Say in red, once, what is not there to be measured; gives False."""
    if name not in RUN.missing:
        RUN.missing.append(name)
        print(f"{RED}WITHOUT {name}: {why}{PLAIN}")
    return False


def compare(
    title: str,
    contenders: Mapping[str, Contender],
    *,
    rounds: int = 5,
    before: Callable[[], object] | None = None,
    reference: str = "ours",
    goals: Sequence[Goal] = (),
) -> dict[str, Timing]:
    """Time the contenders in turn, and print a table.

    Each runs once more at the start, to warm up. The order changes from round to round,
    A B C, C B A, B C A, A C B, ...: what one leaves behind, such as memory that the
    system has to clear, is not always the burden of the same next one.

    Args:
        title: The table's first line.
        contenders: The functions or commands, by the names they have in the table.
        rounds: How often each is timed.
        before: Called before each single run, outside the time.
        reference: The name that the ratios refer to.
        goals: What has to be reached; a line names one whose other contender is not
            there.

    Raises:
        subprocess.CalledProcessError: A command failed; its output is shown.
    """
    rounds = min(rounds, 2) if RUN.quick else rounds
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name in _order(list(contenders), turn):
            if before:
                before()
            taken = _time(contenders[name])
            if turn:
                seconds[name].append(taken)
    timings = {
        name: Timing(
            seconds=tuple(taken),
            ratio=median(a / b for a, b in zip(taken, seconds[reference], strict=True)),
        )
        for name, taken in seconds.items()
    }
    _print_table(title, timings, reference)
    results = []
    for goal in goals:
        if goal.of is not None and goal.of not in seconds:
            print(f"  {RED}not measured: {goal.at_most:g} of {goal.of}{PLAIN}")
            continue
        results.append(result := reached(goal, seconds))
        colour = "" if result.met else RED
        print(f"  {colour}{result}{PLAIN if colour else ''}")
    RUN.comparisons.append(Comparison(RUN.benchmark, title, seconds, results))
    return timings


def _order(names: list[str], turn: int) -> list[str]:
    start = turn // 2 % len(names)
    return (names[start:] + names[:start])[:: -1 if turn % 2 else 1]


def per_call(function: Callable[[], object], number: int) -> Callable[[], float]:
    """A contender that gives the processor's seconds for one call of a function."""

    def contender() -> float:
        start = time.process_time()
        for _ in range(number):
            function()
        return (time.process_time() - start) / number

    return contender


def peak_memory(command: Sequence[str]) -> int:
    """The most bytes of memory that a command held (Unix).

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    # Linux counts what a process held before exec, so a small one has to start it.
    launcher = (
        "import os, sys; pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:]);"
        "_, status, usage = os.wait4(pid, 0); print(usage.ru_maxrss, file=sys.stderr);"
        "sys.exit(os.waitstatus_to_exitcode(status))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", launcher, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stderr.split()[-1]) * unit


def peer_python(*requirements: str) -> Path:
    """The Python of a virtual environment that has these packages, kept for later.

    ``peer_python("fetch-artifacts==0.1.0")``; it lives in ``.nox/peers``.
    """
    key = "_".join(requirements).replace("/", "-")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = ROOT / ".nox" / "peers" / f"{key}-{version}"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = home / "ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
        ready.touch()
    return python


@contextmanager
def warm_julia() -> Iterator[Julia | None]:
    """A running Julia to time things in, None (and a line that says so) without one.

    ``julia.seconds("tree_hash", path)`` is a contender's time in that Julia.
    """
    from fetch_artifacts.conformance.questions import open_julia
    from fetch_artifacts.errors import NoJuliaError

    with ExitStack() as stack:
        try:
            julia = stack.enter_context(open_julia())
        except NoJuliaError as error:
            left_out("Julia", str(error))
            yield None
        else:
            print(f"with Julia {julia.version()}")
            yield julia


def _time(contender: Contender) -> float:
    gc.collect()
    start = time.perf_counter()
    if not callable(contender):
        _run(contender)
    elif isinstance(result := contender(), float):
        return result
    return time.perf_counter() - start


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        print(error.stderr.decode(errors="replace"), file=sys.stderr)
        raise


def _print_table(title: str, timings: Mapping[str, Timing], reference: str) -> None:
    width = max(map(len, timings))
    ratio = f"by {reference}"
    print(f"\n{title}")
    print(f"  {'':{width}}  {'min':>9}  {'median':>9}  {ratio:>9}")
    for name, timing in timings.items():
        low, middle = text_of(min(timing.seconds)), text_of(median(timing.seconds))
        print(f"  {name:{width}}  {low:>9}  {middle:>9}  {timing.ratio:>9.2f}")
    sys.stdout.flush()
