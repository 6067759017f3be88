"""Processes that are stopped right before they replace a file, until others do."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fetch_artifacts import bind_artifact, julia_toml
from fetch_artifacts.depot.gc import collect_garbage
from fetch_artifacts.depot.override_edits import set_override
from fetch_artifacts.depot.usage.log import write_usage
from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.locks.pidlock import PidLock
from stress.scene import check, fork

FIRST, SECOND = "1" * 40, "2" * 40
SHA256 = "ab" * 32


@dataclass(frozen=True, slots=True)
class Pair:
    """Two changes of one file, of which the first is stopped in its midst.

    Attributes:
        file: The file.
        changes: What the two processes do.
        kept: The keys that must be there at the end.
    """

    file: Path
    changes: tuple[Callable[[], object], Callable[[], object]]
    kept: set[str]


def main() -> None:
    """Stop one process of each pair, let the other end, go on, and look."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        pairs = _pairs(Path(name))
        began = time.monotonic()
        stopped = {_stopped(pair.changes[0]): what for what, pair in pairs.items()}
        others = {fork(pair.changes[1]): what for what, pair in pairs.items()}
        for pid, what in others.items():
            check(f"{what}: the other process ends well", kept=_ends_well(pid))
        print(f"  paused for {time.monotonic() - began:.0f} s")
        for pid, what in stopped.items():
            os.kill(pid, signal.SIGCONT)
            check(f"{what}: the paused process ends well", kept=_ends_well(pid))
            found = julia_toml.loads(pairs[what].file.read_bytes())
            check(f"{what}: no change is lost", kept=pairs[what].kept <= set(found))


def _pairs(folder: Path) -> dict[str, Pair]:
    toml = folder / "Artifacts.toml"
    artifacts = folder / "artifacts"
    depots = folder / "depot", folder / "other"
    used = [folder / str(number) / "Artifacts.toml" for number in range(4)]
    for each in used:
        each.parent.mkdir()
        each.touch()
    os.environ["JULIA_DEPOT_PATH"] = str(depots[1])
    (depots[1] / "artifacts").mkdir(parents=True)
    write_usage(depots[1], used[2:3])
    used[2].unlink()  # which gc will drop
    logs = [depot / "logs" / "artifact_usage.toml" for depot in depots]

    def bind(name: str) -> None:
        bind_artifact(toml, name, FIRST, f"https://h/{name}.tar.gz", SHA256)

    def log(depot: Path, number: int) -> None:
        write_usage(depot, [used[number]])

    def collect() -> None:
        try:
            collect_garbage()
        except DepotError:  # of the lost lock
            return
        raise AssertionError

    return {
        "bind": Pair(toml, (partial(bind, "a"), partial(bind, "b")), {"a", "b"}),
        "override": Pair(
            artifacts / "Overrides.toml",
            (
                partial(set_override, artifacts, FIRST, "/x"),
                partial(set_override, artifacts, SECOND, "/y"),
            ),
            {FIRST, SECOND},
        ),
        "usage log": Pair(
            logs[0],
            (partial(log, depots[0], 0), partial(log, depots[0], 1)),
            {str(used[0]), str(used[1])},
        ),
        "gc": Pair(
            logs[1],
            (collect, partial(log, depots[1], 3)),
            {str(used[2]), str(used[3])},
        ),
    }


def _stopped(change: Callable[[], object]) -> int:
    """Start a process that stops before it looks whether the lock is still its own."""
    require_ours = PidLock.require_ours

    def stop(lock: PidLock) -> None:
        PidLock.require_ours = require_ours  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGSTOP)
        require_ours(lock)

    def work() -> None:
        PidLock.require_ours = stop  # type: ignore[method-assign, assignment]
        change()

    pid = fork(work)
    _, status = os.waitpid(pid, os.WUNTRACED)
    check("it stops under its lock", kept=os.WIFSTOPPED(status))
    return pid


def _ends_well(pid: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
