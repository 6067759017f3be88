"""64 processes, and a Julia where there is one, want the same artifact at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from fetch_artifacts import artifact
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import Scene, check, fork, scene

PROCESSES = 64
JULIA = (
    "using Pkg.Artifacts;"
    'path = ensure_artifact_installed("Demo", ENV["STRESS_TOML"]);'
    'write(ENV["STRESS_RESULT"], path)'
)


def main() -> None:
    """Run it without Julia, then with one."""
    with scene(files=200, size=50_000, pause=0.02) as stage:
        crowd(stage)
        check("one download", kept=stage.downloads() == 1)
    julia = shutil.which("julia")
    if julia is None:
        print("  without Julia")
        return
    with scene(files=200, size=50_000, pause=0.02) as stage:
        result = stage.folder / "julia"
        with start_julia(julia, stage, result):
            crowd(stage)
        path = result.read_text() if result.exists() else ""
        check("Julia gets the path", kept=path == str(stage.installed))
        # Julia 1.12 and older take no lock.
        check("at most one download of ours", kept=stage.downloads() <= 2)


def start_julia(julia: str, stage: Scene, result: Path) -> subprocess.Popen[bytes]:
    """Start a Julia that installs the artifact too."""
    names = {"STRESS_TOML": str(stage.toml), "STRESS_RESULT": str(result)}
    return subprocess.Popen(
        [julia, "--startup-file=no", "-e", JULIA],
        env={**os.environ, **names},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def crowd(stage: Scene) -> None:
    """Let them all go at one moment."""
    gate, opener = os.pipe()
    results = stage.folder / "results"
    results.mkdir()

    def want() -> None:
        os.close(opener)
        os.read(gate, 1)  # ends when the parent opens the gate
        began = time.perf_counter()
        path = artifact("Demo", stage.toml)
        taken = time.perf_counter() - began
        (results / str(os.getpid())).write_text(f"{taken} {path}")

    pids = [fork(want) for _ in range(PROCESSES)]
    os.close(gate)
    os.close(opener)
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    lines = [path.read_text().split(" ", 1) for path in results.iterdir()]
    seconds = sorted(float(taken) for taken, _ in lines)
    print(
        f"  {PROCESSES} processes, {stage.downloads()} downloads; "
        f"first {seconds[0]:.2f} s, median {seconds[len(seconds) // 2]:.2f} s, "
        f"last {seconds[-1]:.2f} s"
    )
    check("all of them succeed", kept=codes == [0] * PROCESSES)
    check("all get the path", kept={p for _, p in lines} == {str(stage.installed)})
    found = str(hash_directory(stage.installed))
    check("the tree is right", kept=found == stage.tree_hash)
    check("nothing else is left", kept=not stage.leftovers())
