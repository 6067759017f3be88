"""Installs are killed with SIGKILL at random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from unittest import mock

from fetch_artifacts import artifact
from fetch_artifacts.files.removing import remove_tree
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install import installer as install
from stress.scene import Scene, check, fork, scene

KILLS = 500
STALE_AGE = 0.3  # in place of 20 s, or 500 kills would take hours


def main() -> None:
    """Kill many with a short stale age, then one with the real one."""
    with (
        mock.patch.object(install, "LOCK_STALE_AGE", STALE_AGE),
        scene(files=300, size=4000, pause=0.004) as stage,
    ):
        kill_many(stage)
        check_tidying(stage)
    with scene(files=300, size=4000, pause=0.1) as stage:
        pid = fork(lambda: artifact("Demo", stage.toml))
        time.sleep(0.8)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        locked = [name for name in stage.leftovers() if name.endswith(".pid")]
        taken = time_install(stage)
        print(f"  after a kill, with the real stale age: {taken:.1f} s; left {locked}")
        check("no lock blocks longer than 20 s", kept=bool(locked) and taken < 23)


def kill_many(stage: Scene) -> None:
    """Kill, look, kill; now and then let one live."""
    rng = random.Random(0)
    usual = min(time_install(stage, anew=True) for _ in range(3))
    outcomes: Counter[str] = Counter()
    longest = 0.0
    for number in range(KILLS):
        remove_tree(stage.installed)
        pid = fork(lambda: artifact("Demo", stage.toml))
        # Half of them find the lock of a dead one, and wait for it first.
        deadline = time.monotonic() + rng.uniform(0, usual + STALE_AGE / 2)
        seen = watch(stage, deadline)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        outcomes[outcome(stage, seen=seen)] += 1
        if number % 25 == 0:
            longest = max(longest, time_install(stage, anew=True))
    print(f"  {KILLS} kills: {dict(outcomes)}")
    print(
        f"  an install takes {usual:.2f} s, after a kill {longest:.2f} s at most "
        f"(stale age {STALE_AGE} s)"
    )
    check("no half tree is ever seen", kept=not outcomes["a wrong tree"])
    check("no lock blocks long", kept=longest < usual + STALE_AGE + 2)


def watch(stage: Scene, deadline: float) -> bool:
    """Wait; whether the artifact was seen, and was right, before the deadline."""
    while time.monotonic() < deadline:
        if stage.installed.exists():
            return is_right(stage)
        time.sleep(0.001)
    return False


def is_right(stage: Scene) -> bool:
    """Whether the artifact is what it should be."""
    return str(hash_directory(stage.installed)) == stage.tree_hash


def outcome(stage: Scene, *, seen: bool) -> str:
    """What a killed install has left."""
    if stage.installed.exists():
        return "installed" if is_right(stage) else "a wrong tree"
    if seen:
        return "a wrong tree"
    if any(name.endswith(".pid") for name in stage.leftovers()):
        return "killed with the lock"
    return "killed before the lock"


def time_install(stage: Scene, *, anew: bool = False) -> float:
    """The seconds of one install that is left alone."""
    if anew:
        remove_tree(stage.installed)
    began = time.perf_counter()
    _, status = os.waitpid(fork(lambda: artifact("Demo", stage.toml)), 0)
    check_alive = status == 0 and is_right(stage)
    if not check_alive:
        check("the next install succeeds", kept=False)
    return time.perf_counter() - began


def check_tidying(stage: Scene) -> None:
    """The next install tidies up what the killed ones left."""
    left = stage.leftovers()
    print(f"  left by the killed: {len(left)} files")
    time_install(stage, anew=True)
    left = [name for name in stage.leftovers() if not name.endswith(".partial")]
    check(f"the next install tidies them up: {left}", kept=not left)
