"""Installing 40 artifacts of 5 MB at once, and one of 2 GB over a link of 200 MB/s."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from random import Random

from benchmarks.bench_install import publish
from benchmarks.harness import Contender, compare, have, memory_folder, warm_julia
from benchmarks.run import RUN, Goal
from benchmarks.server import served
from benchmarks.trees import large_files
from fetch_artifacts import artifact, bind_artifact, create_artifact, install_artifacts
from fetch_artifacts.conformance.questions import Julia

ARTIFACTS, SIZE, JOBS = 40, 5_000_000, 8
LINK = 200_000_000
CURL_TAR = f"xargs -P{JOBS} curl | tar"
CURL = "curl alone"


def main() -> None:
    os.environ["JULIA_PKG_SERVER"] = ""
    with memory_folder() as folder, warm_julia() as julia:
        _compare_many(folder, julia)
    with memory_folder() as folder:
        _compare_large(folder)


def _compare_many(folder: Path, julia: Julia | None) -> None:
    depot, www = folder / "depot", folder / "www"
    with served(www) as url:
        toml, random = www / "Artifacts.toml", Random(0)
        for number in range(ARTIFACTS):
            tree = folder / "tree"
            for each in range(50):
                file = tree / f"{each % 7}" / f"file_{each}"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(random.randbytes(SIZE // 50))
            made = create_artifact(tree, www / f"{number}.tar.gz")
            source = f"{url}/{number}.tar.gz"
            name = f"Data{number}"
            bind_artifact(
                toml, name, made["git_tree_sha1"], source, made["sha256"], lazy=False
            )
            shutil.rmtree(tree)
        os.environ["JULIA_DEPOT_PATH"] = str(depot)
        peers: dict[str, Contender] = {
            "ours": lambda: install_artifacts(toml, jobs=JOBS)
        }
        if have("curl") and have("tar"):
            unpack = (
                f"mkdir -p {depot}/% && curl -s {url}/%.tar.gz | tar -xzC {depot}/%"
            )
            command = f"seq 0 {ARTIFACTS - 1} | xargs -P{JOBS} -I% sh -c '{unpack}'"
            peers[CURL_TAR] = ["sh", "-c", command]
        goals = [Goal(at_most=0.6, of=CURL_TAR)]
        if julia:
            here, one = julia.at(depot), f"Julia {julia.version()}, one by one"
            names = [f"Data{number}" for number in range(ARTIFACTS)]
            peers[one] = lambda: sum(
                here.seconds("ensure_artifact_installed", name, toml, "")
                for name in names
            )
            goals.append(Goal(at_most=1 / 3, of=one))
        title = f"install {ARTIFACTS} artifacts of 5 MB, {JOBS} at a time"
        compare(title, peers, before=lambda: _clear(depot), goals=goals)


def _compare_large(folder: Path) -> None:
    depot, www = folder / "depot", folder / "www"
    files = 1 if RUN.quick else 8
    with served(www, rate=LINK) as url:
        tree = large_files(folder / "tree", files, 250 << 20)
        toml = publish(tree, www / "large.tar.gz", url)
        shutil.rmtree(tree)
        os.environ["JULIA_DEPOT_PATH"] = str(depot)
        peers: dict[str, Contender] = {"ours": lambda: artifact("Data", toml)}
        if have("curl"):
            peers[CURL] = ["curl", "-s", "-o", f"{depot}/x", f"{url}/large.tar.gz"]
        compare(
            f"install one of {files * 0.25:g} GB over a link of 200 MB/s",
            peers,
            rounds=3,
            before=lambda: _clear(depot),
            goals=[Goal(at_most=1.05, of=CURL)],
        )


def _clear(depot: Path) -> None:
    subprocess.run(["rm", "-rf", str(depot)], check=True)
    depot.mkdir()


if __name__ == "__main__":
    main()
