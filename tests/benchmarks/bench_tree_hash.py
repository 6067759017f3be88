"""The tree hash of a folder: small files, large files, and how it grows with a tree.

Julia's time is that of one call in a warm Julia. Ours is that of one call in a program
with a single thread, as most are; the benchmark itself has several.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from benchmarks.growth import growing_trees, print_growth
from benchmarks.harness import (
    Contender,
    compare,
    have,
    memory_folder,
    peer_python,
    warm_julia,
)
from benchmarks.run import Goal
from benchmarks.trees import large_files, small_files
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.git_tools.tree_hash import hash_directory

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

PACE = f"openssl speed, {CORES} cores, reads no file"

OURS = """
import sys, time
import fetch_artifacts.git_tools.tree_hash, fetch_artifacts.parallel.threads
from fetch_artifacts import tree_hash
start = time.perf_counter()
tree_hash(sys.argv[1])
print(time.perf_counter() - start)
"""
BEFORE = """
import sys, time
from fetch_artifacts import compute_git_tree_sha1
start = time.perf_counter()
compute_git_tree_sha1(sys.argv[1])
print(time.perf_counter() - start)
"""


def main() -> None:
    with memory_folder() as folder, ProcessPoolExecutor(CORES) as pool:
        with warm_julia() as julia:
            small = small_files(folder / "small", 20_000)
            peers = _peers(small, folder / "scratch", pool, julia)
            title = "tree hash of 20,000 files of 0.1 to 8 kB"
            compare(title, peers, goals=[Goal(at_most=0.2)])
            shutil.rmtree(small)

            large = large_files(folder / "large", 4, 256 << 20)
            peers = _peers(large, folder / "scratch", pool, julia)
            if have("openssl"):
                peers[f"openssl sha1, {CORES} at once"] = _shell(
                    f"find {large} -type f -print0"
                    f" | xargs -0 -n 1 -P {CORES} openssl sha1"
                )
                peers[PACE] = lambda: _openssl_pace(1 << 30)
            peers[f"cat, {CORES} at once, hashes nothing"] = _shell(
                f"find {large} -type f -print0"
                f" | xargs -0 -n 1 -P {CORES} cat > /dev/null"
            )
            goals = [Goal(at_most=1 / 0.9, of=PACE)]
            compare("tree hash of 4 files of 256 MB", peers, rounds=3, goals=goals)
            shutil.rmtree(large)
        print_growth(OURS, growing_trees(folder / "tree"))


def _peers(
    tree: Path, scratch: Path, pool: Executor, julia: Julia | None
) -> dict[str, Contender]:
    peers: dict[str, Contender] = {
        "ours": lambda: _own_seconds([sys.executable], OURS, tree),
        "ours, in a program with threads": lambda: hash_directory(tree),
        f"ours, {CORES} processes": lambda: hash_directory(tree, executor=pool),
    }
    if julia:
        peers[f"Julia {julia.version()}"] = lambda: julia.seconds("tree_hash", tree)
    if have("sha1sum"):
        peers["find | xargs sha1sum"] = _shell(
            f"find {tree} -type f -print0 | xargs -0 sha1sum"
        )
    if have("git"):
        peers["find | git hash-object"] = _shell(
            f"find {tree} -type f | git hash-object --no-filters --stdin-paths"
        )
        peers["git add, git write-tree"] = _shell(
            f"rm -rf {scratch} && export GIT_DIR={scratch} GIT_WORK_TREE={tree}"
            " && git init -q && git -c core.compression=0 add -Af . && git write-tree"
        )
    before = [str(peer_python("fetch-artifacts==0.1.0")), "-I"]
    peers["fetch-artifacts 0.1.0"] = lambda: _own_seconds(before, BEFORE, tree)
    return peers


def _shell(command: str) -> list[str]:
    return [
        "sh",
        "-c",
        f"unset $(env | sed -n 's/^\\(GIT_[^=]*\\)=.*/\\1/p'); {command}",
    ]


def _own_seconds(python: list[str], code: str, tree: Path) -> float:
    command = [*python, "-c", code, str(tree)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _openssl_pace(size: int) -> float:
    """The seconds that so many bytes in the cache take at openssl's pace, all cores."""
    command = ["openssl", "speed", "-mr", "-elapsed", "-multi", str(CORES)]
    command += ["-evp", "sha1", "-bytes", "16384", "-seconds", "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return size / float(done.stdout.split(":")[-1])  # the last line is their sum


if __name__ == "__main__":
    main()
