"""The same files by huggingface_hub's client, from a stand-in of its site.

The client asks for each file by itself and keeps it under its hash; ours asks for one
archive and verifies the tree.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.bench_install import publish
from benchmarks.harness import Contender, compare, memory_folder
from benchmarks.hub import COMMIT, REPOSITORY, Download, snapshot_download
from benchmarks.server import started
from benchmarks.trees import large_files, small_files
from fetch_artifacts import artifact

TREES = {
    "200 files of 0.1 to 8 kB": lambda root: small_files(root, 200),
    "4 files of 64 MB": lambda root: large_files(root, 4, 64 << 20),
}


def main() -> None:
    os.environ["JULIA_PKG_SERVER"] = ""
    with memory_folder() as folder:
        download = snapshot_download(folder / "home")
        if download:
            for number, title in enumerate(TREES):
                _compare(title, folder / f"{number}", download)


def _compare(title: str, folder: Path, download: Download) -> None:
    folder.mkdir()
    www, archives = folder / "www", folder / "archives"
    depot, cache = folder / "depot", folder / "cache"
    TREES[title](www)
    with (
        started("benchmarks.hub", www) as hub,
        started("benchmarks.hub", archives) as url,
    ):
        archives.mkdir()
        toml = publish(www, archives / "data.tar.gz", url)
        os.environ["JULIA_DEPOT_PATH"] = str(depot)
        peers: dict[str, Contender] = {
            "ours": lambda: artifact("Data", toml),
            "huggingface_hub": lambda: download(
                REPOSITORY, revision=COMMIT, cache_dir=cache, endpoint=hub
            ),
        }

        def clear() -> None:
            subprocess.run(["rm", "-rf", str(depot), str(cache)], check=True)

        compare(f"install {title}, beside huggingface_hub", peers, before=clear)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
