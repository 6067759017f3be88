"""Installing over loopback: ours verifies what `curl | tar -xz` only unpacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import (
    Contender,
    compare,
    have,
    memory_folder,
    peer_python,
    warm_julia,
)
from benchmarks.run import Goal
from benchmarks.server import served
from benchmarks.trees import large_files, real_tree, small_files
from fetch_artifacts import artifact, bind_artifact, create_artifact
from fetch_artifacts.conformance.questions import Julia

CURL_TAR = "curl | tar -xz (not verified)"

BEFORE = """
import sys, time
from fetch_artifacts import load_artifacts
manager = load_artifacts(sys.argv[1], cache_dir=sys.argv[2])
start = time.perf_counter()
manager["Data"]
print(time.perf_counter() - start)
"""


def main() -> None:
    os.environ["JULIA_PKG_SERVER"] = ""
    trees: dict[str, Callable[[Path], Path]] = {
        "20,000 files of 0.1 to 8 kB": lambda root: small_files(root, 20_000),
        "the packages installed here": real_tree,
        "4 files of 64 MB": lambda root: large_files(root, 4, 64 << 20),
    }
    with (
        memory_folder() as folder,
        served(folder / "www") as url,
        warm_julia() as julia,
    ):
        for number, (title, make) in enumerate(trees.items()):
            tree = make(folder / "tree")
            toml = publish(tree, folder / "www" / f"{number}.tar.gz", url)
            size = (folder / "www" / f"{number}.tar.gz").stat().st_size
            shutil.rmtree(tree)
            _compare(f"{title}, {size / 1e6:.0f} MB gzip", toml, folder, julia)


def publish(tree: Path, archive: Path, url: str) -> Path:
    """Archive a tree where it is served, and bind it as Data."""
    made = create_artifact(tree, archive)
    toml = archive.with_suffix(".toml")
    source = f"{url}/{archive.name}"
    bind_artifact(
        toml, "Data", made["git_tree_sha1"], source, made["sha256"], lazy=False
    )
    return toml


def _compare(title: str, toml: Path, folder: Path, julia: Julia | None) -> None:
    depot = folder / "depot"
    archive = next(
        line.split('"')[1] for line in toml.read_text().splitlines() if "url" in line
    )
    os.environ["JULIA_DEPOT_PATH"] = str(depot)

    def clear() -> None:
        subprocess.run(["rm", "-rf", str(depot)], check=True)
        depot.mkdir()

    peers: dict[str, Contender] = {"ours": lambda: artifact("Data", toml)}
    if have("curl") and have("tar"):
        unpack = f"mkdir {depot}/x && curl -s {archive} | tar -xzC {depot}/x"
        peers[CURL_TAR] = ["sh", "-c", unpack]
    if julia:
        here = julia.at(depot)
        peers[f"Julia {julia.version()}"] = lambda: here.seconds(
            "ensure_artifact_installed", "Data", toml, ""
        )
    before = str(peer_python("fetch-artifacts==0.1.0"))
    command = [before, "-I", "-c", BEFORE, str(toml), str(depot / "cache")]
    peers["fetch-artifacts 0.1.0 (tree not verified)"] = lambda: float(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    goals = [Goal(at_most=0.75, of=CURL_TAR)] if title.startswith("20,000") else []
    compare(f"install {title}", peers, before=clear, goals=goals)


if __name__ == "__main__":
    main()
