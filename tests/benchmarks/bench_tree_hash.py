"""The tree hash of a folder: small files, large files, and how it grows with a tree.

Julia's time is that of one call in a warm Julia.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from benchmarks.harness import (
    Contender,
    compare,
    have,
    memory_folder,
    peak_memory,
    peer_python,
    warm_julia,
)
from benchmarks.trees import large_files, small_files
from compat_tests.questions import Julia
from fetch_artifacts.directory_hash import hash_directory

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
COUNTS = (1_000, 10_000, 50_000, 200_000)

NOTHING = "import sys"
OURS = """
import sys
from fetch_artifacts.directory_hash import hash_directory
hash_directory(sys.argv[1])
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
            compare("20,000 files of 0.1 to 8 kB: target 0.35 s", peers)
            shutil.rmtree(small)

            large = large_files(folder / "large", 4, 256 << 20)
            peers = _peers(large, folder / "scratch", pool, julia)
            if have("openssl"):
                pace = f"openssl speed, {CORES} cores"
                peers[pace] = lambda: _openssl_pace(1 << 30)
            compare("4 files of 256 MB: target 0.40 s", peers, rounds=3)
            shutil.rmtree(large)
        _print_growth(folder)


def _peers(
    tree: Path, scratch: Path, pool: Executor, julia: Julia | None
) -> dict[str, Contender]:
    peers: dict[str, Contender] = {
        "ours": lambda: hash_directory(tree),
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
    before = str(peer_python("fetch-artifacts==0.1.0"))
    peers["fetch-artifacts 0.1.0"] = lambda: _own_seconds(before, BEFORE, tree)
    return peers


def _shell(command: str) -> list[str]:
    return [
        "sh",
        "-c",
        f"unset $(env | sed -n 's/^\\(GIT_[^=]*\\)=.*/\\1/p'); {command}",
    ]


def _own_seconds(python: str, code: str, tree: Path) -> float:
    command = [python, "-c", code, str(tree)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _openssl_pace(size: int) -> float:
    """The seconds that so many bytes take at openssl's pace on all cores, unread."""
    command = ["openssl", "speed", "-mr", "-elapsed", "-multi", str(CORES)]
    command += ["-evp", "sha1", "-bytes", "16384", "-seconds", "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return size / float(done.stdout.split(":")[-1])  # the last line is their sum


def _print_growth(folder: Path) -> None:
    """Time and peak memory of our process, by the number of files and by their size."""
    least = _peak(NOTHING, folder)
    print("\ngrowth: one call, and the most memory over that of a bare interpreter")
    for count in COUNTS:
        tree = small_files(folder / "tree", count, most=200)
        _print_line(f"{count:,} files", tree, count / 1e6, "us a file", least)
        shutil.rmtree(tree)
    tree = small_files(folder / "tree", COUNTS[-1], most=200, in_folder=COUNTS[-1])
    _print_line("so many in one folder", tree, COUNTS[-1] / 1e6, "us a file", least)
    shutil.rmtree(tree)
    tree = large_files(folder / "tree", 4, 1 << 30, sparse=True)
    _print_line("4 GB in 4 sparse files", tree, 4 * (1 << 30) / 1e9, "s a GB", least)


def _print_line(title: str, tree: Path, amount: float, unit: str, least: int) -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        hash_directory(tree)
        seconds.append(time.perf_counter() - start)
    taken = min(seconds)
    memory = (_peak(OURS, tree) - least) / 2**20
    each = f"{taken / amount:.2f} {unit}"
    print(f"  {title:24}  {taken:6.3f} s  {each:>18}  {memory:5.1f} MB")


def _peak(code: str, tree: Path) -> int:
    return peak_memory([sys.executable, "-c", code, str(tree)])


if __name__ == "__main__":
    main()
