"""What a start costs: the import, a first look-up, and the command, as processor time.

Wall time of a process that only starts says how busy the machine is; so the seconds are
those that the process had of a core.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from compileall import compile_dir
from pathlib import Path

import fetch_artifacts
from benchmarks.bench_lookup import bound
from benchmarks.harness import (
    Contender,
    compare,
    have_package,
    memory_folder,
    peer_python,
)
from benchmarks.run import RUN, Goal
from fetch_artifacts import artifact

IMPORT = "import fetch_artifacts"
CLICK = "python -c 'import click'"


def main() -> None:
    # As pip does where it installs; a checkout is compiled anew at each start where
    # PYTHONDONTWRITEBYTECODE is set, which takes longer than all else.
    compile_dir(Path(fetch_artifacts.__file__).parent, quiet=1)
    with memory_folder() as folder:
        os.environ["JULIA_DEPOT_PATH"] = str(folder / ".julia")
        toml = bound(folder / "package")
        artifact("Data", toml)
        if not RUN.quick:  # the use of a file that is new is logged at each start
            time.sleep(61)
        code = "from fetch_artifacts import artifact; artifact('Data', {!r})"
        before = peer_python("fetch-artifacts==0.1.0")
        peers: dict[str, Contender] = {
            "ours": lambda: cpu([sys.executable, "-c", IMPORT]),
            "ours, and a first look-up": lambda: cpu(
                [sys.executable, "-c", code.format(str(toml))]
            ),
            "python -c pass": lambda: cpu([sys.executable, "-c", "pass"]),
            CLICK: lambda: cpu([sys.executable, "-c", "import click"]),
            "fetch-artifacts 0.1.0": lambda: cpu([str(before), "-I", "-c", IMPORT]),
        }
        if have_package("pooch"):
            peers["pooch"] = lambda: cpu([sys.executable, "-c", "import pooch"])
        compare("import fetch_artifacts", peers, rounds=15, goals=[Goal(at_most=0.03)])
        program = shutil.which("fetch-artifacts", path=str(Path(sys.executable).parent))
        command = [program] if program else [sys.executable, "-m", "fetch_artifacts"]
        command += ["path", "Data", "--toml", str(toml)]
        compare(
            "fetch-artifacts path, warm, the whole process",
            {"ours": lambda: cpu(command), CLICK: peers[CLICK]},
            rounds=15,
            goals=[Goal(at_most=1.3, of=CLICK)],
        )


def cpu(command: list[str]) -> float:
    """The seconds of a core that a process took."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
