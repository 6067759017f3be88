"""What one run of the benchmarks found: its goals, its JSON, and its table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RED, PLAIN = "\033[31m", "\033[0m"
MEMORY = 48  # MB over the interpreter, whatever there is to do
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a contender has to reach: so many seconds, or so much of another's time.

    Attributes:
        at_most: The seconds, or the share of the other's time.
        of: The other; None for seconds.
        name: The contender.
    """

    at_most: float
    of: str | None = None
    name: str = "ours"


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal, and what the run gave."""

    name: str
    of: str | None
    at_most: float
    value: float

    @property
    def met(self) -> bool:
        return self.value <= self.at_most

    def __str__(self) -> str:
        if self.of is None:
            text = f"{text_of(self.value)}, goal {text_of(self.at_most)}"
        else:
            text = f"{self.value:.2f} of {self.of}, goal {self.at_most:g}"
        return f"{self.name}: {text}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table: the seconds of each contender in each round, and the goals."""

    benchmark: str
    title: str
    seconds: dict[str, list[float]]
    goals: list[Reached]


@dataclass(frozen=True, slots=True)
class Growth:
    """One point of a curve: how much there is to do, and what that takes."""

    benchmark: str
    title: str
    files: int
    size: int
    seconds: float
    memory: float


@dataclass(slots=True)
class Run:
    """All that a run found so far.

    Attributes:
        quick: Whether two rounds are enough, and nothing has to grow.
        benchmark: The one that is running.
        missing: The contenders that are not there.
    """

    quick: bool = False
    benchmark: str = ""
    missing: list[str] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)

    def behind(self) -> list[str]:
        """The goals that were missed, a line for each."""
        return [
            f"{each.benchmark}: {each.title}: {goal}"
            for each in self.comparisons
            for goal in each.goals
            if not goal.met
        ] + [
            f"{each.benchmark}: {each.title}: {each.memory:.0f} MB over the "
            f"interpreter, goal {MEMORY}"
            for each in self.growth
            if each.memory > MEMORY
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, with the machine, the date and the commit."""
        return {
            "machine": machine(),
            "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
            "commit": commit(),
            "quick": self.quick,
            "missing": self.missing,
            "comparisons": [asdict(each) for each in self.comparisons],
            "growth": [asdict(each) for each in self.growth],
        }

    def write(self, path: Path) -> None:
        """Write the JSON of the run."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n", "utf-8")


RUN = Run()


def reached(goal: Goal, seconds: dict[str, list[float]]) -> Reached:
    """What a run gave for a goal: medians, of the ratios of each round."""
    own = seconds[goal.name]
    other = [1.0] * len(own) if goal.of is None else seconds[goal.of]
    ratios = sorted(a / b for a, b in zip(own, other, strict=True))
    return Reached(goal.name, goal.of, goal.at_most, ratios[len(ratios) // 2])


def text_of(seconds: float) -> str:
    """A time with three digits, in a unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def machine() -> str:
    """The processor, the cores that this process has, the Python, and the load."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    python = platform.python_version()
    text = f"{model}, {cores} cores, {platform.system()}, Python {python}"
    if hasattr(os, "getloadavg"):  # others' work at the same time makes all slower
        text += f", load {os.getloadavg()[0]:.1f}"
    return text


def commit() -> str:
    """The commit that was measured; "+" where files differ from it, "" without git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def markdown(run: dict[str, Any]) -> str:
    """The table of a run, as it stands in performance.md."""
    lines = [
        f"{run['machine']}; {run['date']}; commit {run['commit']}.",
        "Medians; in brackets, the median of each round's time by ours.",
        *(["A quick run: two rounds, and nothing that grows."] if run["quick"] else []),
        *([f"Not there: {', '.join(run['missing'])}."] if run["missing"] else []),
        "",
        "| work | ours | beside it | goal |",
        "| --- | ---: | --- | --- |",
    ]
    for each in run["comparisons"]:
        seconds = each["seconds"]
        first, *others = sorted(seconds, key=lambda name: name != "ours")
        beside = ", ".join(
            f"{name} {text_of(_median(seconds[name]))} "
            f"({_ratio(seconds[name], seconds[first]):.2f})"
            for name in others
        )
        goals = "; ".join(
            f"{'met' if goal.met else '**missed**'}: {goal}"
            for goal in (Reached(**entry) for entry in each["goals"])
        )
        own = text_of(_median(seconds[first]))
        cells = (
            cell.replace("|", "\\|") for cell in (each["title"], own, beside, goals)
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def put_between_markers(page: Path, table: str) -> None:
    """Write a table into a page, in place of the one before.

    Raises:
        SystemExit: The page has no place for it.
    """
    text = page.read_text("utf-8") if page.exists() else f"{BEGIN}\n{END}\n"
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{page}: expected the lines {BEGIN} and {END}, found none")
    page.write_text(f"{head}{BEGIN}\n\n{table}\n{END}{tail}", "utf-8")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _ratio(values: list[float], by: list[float]) -> float:
    return _median([a / b for a, b in zip(values, by, strict=True)])
