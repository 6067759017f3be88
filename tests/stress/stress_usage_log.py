"""Several processes write to one usage log."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import tomli

from fetch_artifacts.depot.usage.log import write_usage
from stress.scene import check, fork

PROCESSES = 4
WRITES = 200


def main() -> None:
    """Write, watch, count."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        depot = folder / "depot"
        names = [f"{p}-{n}" for p in range(PROCESSES) for n in range(WRITES)]
        for each in names:
            (folder / each).mkdir()
            (folder / each / "Artifacts.toml").touch()

        def write(process: int) -> None:
            seconds = []
            for number in range(WRITES):
                began = time.perf_counter()
                write_usage(depot, [folder / f"{process}-{number}" / "Artifacts.toml"])
                seconds.append(time.perf_counter() - began)
            result = f"{statistics.median(seconds)} {max(seconds)}"
            (folder / f"result-{process}").write_text(result)

        began = time.perf_counter()
        pids = [fork(lambda p=p: write(p)) for p in range(PROCESSES)]  # type: ignore[misc]
        log = depot / "logs" / "artifact_usage.toml"
        looks, running = 0, set(pids)
        while running:
            if log.exists():
                tomli.loads(log.read_text("utf-8"))  # raises if it is not whole
                looks += 1
            running = {pid for pid in running if not os.waitpid(pid, os.WNOHANG)[0]}
            time.sleep(0.002)
        taken = time.perf_counter() - began
        figures = [path.read_text().split() for path in folder.glob("result-*")]
        medians = [float(median) * 1e3 for median, _ in figures]
        longest = max(float(most) for _, most in figures)
        print(
            f"  {PROCESSES} processes x {WRITES} writes in {taken:.1f} s; a write "
            f"takes {statistics.median(medians):.1f} ms, at most {longest:.2f} s"
        )
        print(f"  read {looks} times meanwhile, always whole")
        logged = set(tomli.loads(log.read_text("utf-8")))
        expected = {str(folder / each / "Artifacts.toml") for each in names}
        check("no entry is lost", kept=logged == expected)
        left = [path.name for path in log.parent.iterdir()]
        check("nothing else is left", kept=left == [log.name])
