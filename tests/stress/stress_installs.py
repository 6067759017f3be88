"""20,000 installs by 4 processes into one depot, each of a small tree of its own."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from fetch_artifacts import artifact_from_directory, pkg_artifacts
from stress.scene import check, fork
from support.trees import make_tree

PROCESSES = 4
INSTALLS = 5_000  # by each


def main() -> None:
    """Install, remove, and count what failed."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot")

        def install(process: int) -> None:
            failures = 0
            for number in range(INSTALLS):
                tree = make_tree(folder / str(process), {"f": f"{process} {number}"})
                try:
                    found = artifact_from_directory(tree)
                    if number % 2:
                        pkg_artifacts.remove_artifact(str(found))
                except Exception as error:  # noqa: BLE001 - each of them counts
                    failures += 1
                    print(f"  {type(error).__name__}: {error}")
            (folder / f"result-{process}").write_text(str(failures))

        began = time.perf_counter()
        pids = [fork(lambda p=p: install(p)) for p in range(PROCESSES)]  # type: ignore[misc]
        for pid in pids:
            os.waitpid(pid, 0)
        failures = [int(path.read_text()) for path in folder.glob("result-*")]
        taken = time.perf_counter() - began
        count = PROCESSES * INSTALLS
        print(f"  {count} installs in {taken:.0f} s, {sum(failures)} failures")
        check("none fails", kept=failures == [0] * PROCESSES)
        kept = [p for p in (folder / "depot" / "artifacts").iterdir() if p.is_dir()]
        check("all of them are there", kept=len(kept) == count // 2)
        left = list((folder / "depot" / ".fetch_artifacts").glob("*/*"))
        check("nothing else is left", kept=not left)
