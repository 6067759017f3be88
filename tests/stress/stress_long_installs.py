"""Installs whose staging looks days old, as after a jump of the clock."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from fetch_artifacts import artifact, artifact_from_directory, clear_artifact_cache
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import Scene, check, fork, scene
from support.trees import make_tree

TRIALS = 16
DAYS = 3 * 24 * 3600  # seconds


def main() -> None:
    """Let others sweep while an install with an old staging runs."""
    os.environ["FETCH_ARTIFACTS_FSYNC"] = "false"  # no power is cut
    with scene(files=600, size=3000, pause=0.03) as stage:
        bad = sum(is_spoilt(stage) for _ in range(TRIALS))
    del os.environ["FETCH_ARTIFACTS_FSYNC"]
    print(f"  {bad} of {TRIALS} installs lost files that were in use, or failed")
    check("what is in use is left alone, whatever its age", kept=not bad)


def is_spoilt(stage: Scene) -> bool:
    """Whether an install fails, or gives another tree, beside installs that sweep."""
    pid = fork(lambda: artifact("Demo", stage.toml))
    status, number = None, 0
    while status is None:
        make_old(stage.depot)
        with tempfile.TemporaryDirectory() as folder:
            tree = make_tree(Path(folder, "t"), {"f": f"{time.time_ns()} {number}"})
            artifact_from_directory(tree)
        number += 1
        done, code = os.waitpid(pid, os.WNOHANG)
        status = code if done else None
    wrong = status != 0 or str(hash_directory(stage.installed)) != stage.tree_hash
    _, code = os.waitpid(fork(lambda: remove(stage)), 0)
    return wrong or code != 0


def make_old(depot: Path) -> None:
    """Give all that is staged the time stamps of some days ago."""
    then = time.time() - DAYS
    for staged in (depot / ".fetch_artifacts").glob("*/*"):
        try:
            os.utime(staged, (then, then), follow_symlinks=False)
        except FileNotFoundError:
            continue


def remove(stage: Scene) -> None:
    """Remove the artifact again."""
    clear_artifact_cache("Demo", stage.toml)
