"""Artifacts are removed, by processes that are killed, beside readers, on overlays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

from fetch_artifacts import artifact, pkg_artifacts
from fetch_artifacts.files.removing import remove_tree
from stress.scene import Scene, age_nameless_locks, check, fork, scene

KILLS = 100
FILES = 300


def main() -> None:
    """Kill, read, and remove where folders can't be renamed."""
    os.environ["FETCH_ARTIFACTS_FSYNC"] = "false"  # no power is cut
    with scene(files=FILES, size=500, pause=0) as stage:
        kill_removals(stage)
        read_beside_removals(stage)
    with scene(files=FILES, size=500, pause=0, depot="overlay/depot") as stage:
        remove_from_overlay(stage)
    del os.environ["FETCH_ARTIFACTS_FSYNC"]


def files_in(stage: Scene) -> int:
    """How many files the artifact has now, if it is there; FILES where it is not."""
    if not stage.installed.exists():
        return FILES
    return sum(path.is_file() for path in stage.installed.rglob("*"))


def kill_removals(stage: Scene) -> None:
    """Kill a removal at a random moment, and look at what there is."""
    rng = random.Random(0)
    renamed, usual = time_removal(stage)
    outcomes: Counter[str] = Counter()
    for number in range(KILLS):
        artifact("Demo", stage.toml)
        pid = fork(lambda: pkg_artifacts.remove_artifact(stage.tree_hash))
        # The rename is early: every other kill comes around it, the rest until the end.
        time.sleep(rng.uniform(0, 2 * (usual if number % 2 else renamed)))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        whole = files_in(stage) == FILES
        there = "there" if stage.installed.exists() else "gone"
        outcomes[there if whole else "half"] += 1
    print(f"  {KILLS} removals killed: {dict(outcomes)}; before, by deletion in place:")
    print(f"  {killed_in_place(stage, rng, usual)} of {KILLS} trees half")
    check("no half tree is given out", kept=not outcomes["half"])
    check("kills came before and after", kept=outcomes.keys() >= {"there", "gone"})
    age_nameless_locks(stage.depot)
    artifact("Demo", stage.toml)
    pkg_artifacts.remove_artifact(stage.tree_hash)
    left = stage.leftovers()
    check(f"the next removal sweeps {left}", kept=not left)


def time_removal(stage: Scene) -> tuple[float, float]:
    """The median seconds from the fork of a removal to the rename, and to its end."""
    renamed, ended = [], []
    for _ in range(5):
        artifact("Demo", stage.toml)
        began = time.perf_counter()
        pid = fork(lambda: pkg_artifacts.remove_artifact(stage.tree_hash))
        while stage.installed.exists():
            time.sleep(0.0001)
        renamed.append(time.perf_counter() - began)
        os.waitpid(pid, 0)
        ended.append(time.perf_counter() - began)
    return median(renamed), median(ended)


def killed_in_place(stage: Scene, rng: random.Random, usual: float) -> int:
    """The same where a tree is deleted file by file, as it was before."""
    half = 0
    for _ in range(KILLS):
        artifact("Demo", stage.toml)
        pid = fork(lambda: remove_tree(stage.installed))
        time.sleep(rng.uniform(0, 2 * usual))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        half += files_in(stage) != FILES
        remove_tree(stage.installed)
    return half


def read_beside_removals(stage: Scene) -> None:
    """Ask for the artifact in a loop while others remove it."""
    end = time.monotonic() + 10

    def remove() -> None:
        while time.monotonic() < end:
            pkg_artifacts.remove_artifact(stage.tree_hash)
            time.sleep(0.005)

    remover = fork(remove)
    asked = given_half = 0
    while time.monotonic() < end:
        path = artifact("Demo", stage.toml)
        # What was held before the rename is whole, wherever it is now.
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            emptied = not os.listdir(handle)  # noqa: PTH208 - an open folder
            given_half += emptied and path.is_dir()
        finally:
            os.close(handle)
        asked += 1
    os.waitpid(remover, 0)
    print(f"  asked {asked} times beside removals, given an emptied tree {given_half}")
    check("no reader is given an emptied tree", kept=not given_half)


def remove_from_overlay(stage: Scene) -> None:
    """Remove, and install again, where the depot is in a lower layer."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("  SKIPPED: NO OVERLAY WAS MOUNTED, which only root on Linux can")
        return
    artifact("Demo", stage.toml)
    deep = stage.installed / Path(*["deep"] * 60)
    deep.mkdir(parents=True)
    (deep / "f").touch()
    lower, upper = stage.folder / "overlay", stage.folder / "upper"
    # An overlay can't be the upper layer of another, as in a container.
    upper.mkdir()
    disk = ["mount", "-t", "tmpfs", "tmpfs", str(upper)]
    subprocess.run(disk, check=True)
    try:
        (upper / "work").mkdir()
        (upper / "files").mkdir()
        layers = f"lowerdir={lower},upperdir={upper}/files,workdir={upper}/work"
        mount = ["mount", "-t", "overlay", "overlay", "-o", layers, str(lower)]
        subprocess.run(mount, check=True)
        try:
            pkg_artifacts.remove_artifact(stage.tree_hash)
            check(
                "a tree of a lower layer is removed", kept=not stage.installed.exists()
            )
            artifact("Demo", stage.toml)
            check("and is installed again", kept=files_in(stage) == FILES)
            pkg_artifacts.remove_artifact(stage.tree_hash)
            check("and is removed again", kept=not stage.installed.exists())
        finally:
            subprocess.run(["umount", str(lower)], check=True)
    finally:
        subprocess.run(["umount", str(upper)], check=True)
        shutil.rmtree(upper)
