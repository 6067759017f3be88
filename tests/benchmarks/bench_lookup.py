"""A warm look-up of an installed artifact: microseconds of one call."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from unittest import mock

from benchmarks.harness import (
    Contender,
    compare,
    have_package,
    memory_folder,
    peer_python,
    per_call,
    warm_julia,
)
from benchmarks.hub import COMMIT, REPOSITORY, Download, snapshot_download
from benchmarks.run import Goal
from benchmarks.server import started
from fetch_artifacts import artifact, bind_artifact, create_artifact

CALLS = 5000
MODULE = "from fetch_artifacts import artifact\ndef path(): return artifact('Data')\n"

TIMED = """
import sys, time, timeit
{setup}
timer = timeit.Timer(lambda: {call}, timer=time.process_time)
print(min(timer.repeat(number=2000, repeat=3)) / 2000)
"""
BEFORE = TIMED.format(
    setup="from fetch_artifacts import artifact\nartifact('Data', sys.argv[1])",
    call="artifact('Data', sys.argv[1])",
)
POOCH = TIMED.format(
    setup="""
import pathlib, pooch
pooch.get_logger().setLevel("ERROR")
source = pathlib.Path(sys.argv[1])
files = pooch.create(path=sys.argv[2], base_url=source.parent.as_uri() + "/",
                     registry={source.name: pooch.file_hash(source)})
pathlib.Path(sys.argv[2]).mkdir(exist_ok=True)
pathlib.Path(sys.argv[2], source.name).write_bytes(source.read_bytes())
files.fetch(source.name)
""",
    call="files.fetch(source.name)",
)


def main() -> None:
    with (
        memory_folder() as folder,
        warm_julia() as julia,
        mock.patch.dict(os.environ, JULIA_PKG_SERVER="", HOME=str(folder)),
    ):
        os.environ["JULIA_DEPOT_PATH"] = str(folder / ".julia")
        toml = bound(folder / "package")
        module = _module(folder / "package" / "data.py")
        installed = artifact("Data", toml)
        time.sleep(0.1)  # a file that is only just written is not remembered
        module.path()
        peers: dict[str, Contender] = {
            "ours": per_call(module.path, CALLS),
            "ours, file named": per_call(lambda: artifact("Data", toml), CALLS),
            "ours, JULIA_DEPOT_PATH not set": _by_default(per_call(module.path, CALLS)),
            "fetch-artifacts 0.1.0": _timed(
                peer_python("fetch-artifacts==0.1.0"), BEFORE, toml
            ),
        }
        if have_package("pooch"):
            peers["pooch, one file of a registry"] = _timed(
                Path(sys.executable), POOCH, toml, folder / "pooch"
            )
        if download := snapshot_download(folder / "hub"):
            peers["huggingface_hub, a cached snapshot"] = _snapshot(download, folder)
        if julia:
            here = julia.at(folder / ".julia")
            name = f"Julia {julia.version()}, artifact_path(artifact_hash(...))"
            assert here.artifact_path(installed.name) == installed
            peers[name] = lambda: (
                here.seconds("artifact_hash", "Data", toml, "", number=1000)
                + here.seconds("artifact_path", installed.name, True, number=1000)
            )
        default = Goal(at_most=8e-6, name="ours, JULIA_DEPOT_PATH not set")
        compare("warm look-up", peers, goals=[Goal(at_most=8e-6), default])


def bound(folder: Path) -> Path:
    """A package's Artifacts.toml with one artifact in it."""
    (folder / "tree").mkdir(parents=True)
    (folder / "tree" / "data.csv").write_text("a,b\n1,2\n")
    made = create_artifact(folder / "tree", folder / "data.tar.gz")
    toml = folder / "Artifacts.toml"
    url = Path(made["archive_path"]).as_uri()
    bind_artifact(toml, "Data", made["git_tree_sha1"], url, made["sha256"], lazy=False)
    return toml


def _snapshot(download: Download, folder: Path) -> Contender:
    """Its folder by the commit, which asks no site."""
    cache, tree = folder / "snapshots", folder / "package" / "tree"
    with started("benchmarks.hub", tree) as url:
        download(REPOSITORY, revision=COMMIT, cache_dir=cache, endpoint=url)
    return per_call(
        lambda: download(
            REPOSITORY, revision=COMMIT, cache_dir=cache, local_files_only=True
        ),
        CALLS // 10,
    )


def _module(file: Path) -> ModuleType:
    """The package's module, which names no file."""
    file.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("bench_data", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _by_default(timed: Callable[[], float]) -> Contender:
    """The same where the depots are ~/.julia and those of the Julia on PATH, if any."""

    def contender() -> float:
        with mock.patch.dict(os.environ):
            del os.environ["JULIA_DEPOT_PATH"]
            return timed()

    return contender


def _timed(python: Path, code: str, *arguments: Path) -> Contender:
    command = [str(python), "-I", "-c", code, *map(str, arguments)]
    environment = os.environ | {"HOME": str(arguments[0].parent)}
    return lambda: float(
        subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout.split()[-1]
    )


if __name__ == "__main__":
    main()
