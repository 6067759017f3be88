"""Making a gzip of a tree, how large it gets, and how time and memory grow.

fetch-artifacts 0.1.0 made it with tarfile, and copied and hashed the tree with git.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from benchmarks.archive_trees import noise, real_files, small_files
from benchmarks.growth import growing_trees, print_growth
from benchmarks.harness import (
    Contender,
    compare,
    have,
    memory_folder,
    peer_python,
)
from benchmarks.run import Goal
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.formats import Compression
from fetch_artifacts.tar.writer import tar_chunks

OURS = """
import sys, time
from fetch_artifacts import create_artifact
start = time.perf_counter()
create_artifact(sys.argv[1], sys.argv[1] + ".tar.gz")
print(time.perf_counter() - start)
"""
BEFORE = """
import sys
from fetch_artifacts import create_artifact
create_artifact(sys.argv[1], sys.argv[2], compression="gz")
"""


def main() -> None:
    before = str(peer_python("fetch-artifacts==0.1.0"))
    trees = {
        "60 MB of site-packages": real_files,
        "20,000 files of 0.1 to 8 kB of noise": small_files,
        "128 MB of noise in one file": noise,
    }
    with memory_folder() as folder:
        for title, make in trees.items():
            tree = make(folder / "tree")
            compare(
                f"create a .tar.gz of {title}",
                _peers(tree, folder, before),
                rounds=3,
                goals=[Goal(at_most=0.25, of="GNU tar -czf")],
            )
            _print_sizes(folder)
            shutil.rmtree(tree)
        print_growth(OURS, growing_trees(folder / "tree"))


def _peers(tree: Path, folder: Path, before: str) -> dict[str, Contender]:
    plain = str(folder / "GNU tar.tar")
    peers: dict[str, Contender] = {
        "ours": lambda: _ours(tree, folder / "ours.tar.gz", "gz"),
        "tarfile w:gz": lambda: _with_tarfile(tree, folder / "tarfile.tar.gz"),
        "fetch-artifacts 0.1.0": [
            *(before, "-I", "-c", BEFORE, str(tree), str(folder / "before.tar.gz"))
        ],
    }
    if have("tar"):
        archive = str(folder / "GNU tar.tar.gz")
        peers["GNU tar -czf"] = ["tar", "-C", str(tree), "-czf", archive, "."]
        peers["GNU tar -cf, no gzip"] = ["tar", "-C", str(tree), "-cf", plain, "."]
    peers["ours, no gzip"] = lambda: _ours(tree, folder / "ours.tar", None)
    return peers


def _ours(tree: Path, archive: Path, kind: Compression | None) -> None:
    with archive.open("wb") as file:
        file.writelines(compressed(tar_chunks(tree), kind))


def _with_tarfile(tree: Path, archive: Path) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tree, ".")


def _print_sizes(folder: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.gz")}
    for name, size in sizes.items():
        share = size / sizes["tarfile.tar.gz"]
        print(f"  {name:24}  {size / 1e6:8.2f} MB  {share:6.3f} of tarfile's")


if __name__ == "__main__":
    main()
