"""What an author waits for: an archive with its hashes, and the hashes of an archive.

fetch-artifacts 0.1.0 compressed with xz unless told otherwise, which takes it seven
times as long as gzip; it is timed with gzip, as ours.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.archive_trees import real_files, small_files
from benchmarks.harness import Contender, compare, memory_folder, peer_python
from fetch_artifacts._author_api import (
    compute_git_tree_sha1,
    create_artifact,
    query_artifact_info,
)
from fetch_artifacts.archive.unpack import unpack_archive

CREATE = """
import sys, time
from fetch_artifacts import create_artifact
start = time.perf_counter()
create_artifact(sys.argv[1], sys.argv[2], compression="gz")
print(time.perf_counter() - start)
"""
QUERY = """
import sys, time
from fetch_artifacts import query_artifact_info
start = time.perf_counter()
query_artifact_info(sys.argv[1])
print(time.perf_counter() - start)
"""


def main() -> None:
    """Time both on many small files, and on a real tree."""
    before = str(peer_python("fetch-artifacts==0.1.0", "tomlkit"))
    trees = {
        "20,000 files of 0.1 to 8 kB": small_files,
        "60 MB of site-packages": real_files,
    }
    with memory_folder() as folder:
        for title, make in trees.items():
            tree = make(folder / "tree")
            compare(
                f"create_artifact, {title}: target, 0.1.0 three times as long",
                _creators(before, tree, folder),
                rounds=3,
            )
            archive = folder / "ours.tar.gz"
            megabytes = archive.stat().st_size / 1e6
            compare(
                f"query_artifact_info, {title} in {megabytes:.0f} MB",
                _readers(before, archive, folder),
                rounds=3,
            )
            shutil.rmtree(tree)


def _creators(before: str, tree: Path, folder: Path) -> dict[str, Contender]:
    archive = str(folder / "before.tar.gz")
    return {
        "ours": lambda: create_artifact(tree, folder / "ours.tar.gz"),
        "ours, the hash alone": lambda: compute_git_tree_sha1(tree),
        "0.1.0": lambda: _seconds(before, CREATE, str(tree), archive),
    }


def _readers(before: str, archive: Path, folder: Path) -> dict[str, Contender]:
    url = archive.as_uri()
    return {
        "ours": lambda: query_artifact_info(url),
        "unpacking it": lambda: _unpack(archive, folder),
        "0.1.0": lambda: _seconds(before, QUERY, url),
    }


def _unpack(archive: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as target:
        unpack_archive([archive.read_bytes()], Path(target))


def _seconds(python: str, code: str, *arguments: str) -> float:
    """What a program that times itself prints last."""
    command = [python, "-I", "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
