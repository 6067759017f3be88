"""What a start costs: the import, a first look-up, and the command, as processor time.

Wall time of a process that only starts says how busy the machine is; so the seconds are
those that the process had of a core. Those of an import are of the statement alone, in
a new process, without the start of Python.
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

# The package imports its names on first use, so the package alone would say nothing.
IMPORT = "from fetch_artifacts import artifact"
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
        look_up = (
            f"from fetch_artifacts import artifact; artifact('Data', {str(toml)!r})"
        )
        before = peer_python("fetch-artifacts==0.1.0")
        peers: dict[str, Contender] = {
            "ours": lambda: statement(IMPORT),
            "ours, and a first look-up": lambda: statement(look_up),
            "ours, the whole process": lambda: cpu([sys.executable, "-c", IMPORT]),
            "python -c pass, the whole process": lambda: cpu(
                [sys.executable, "-c", "pass"]
            ),
            "click": lambda: statement("import click"),
            "fetch-artifacts 0.1.0": lambda: statement(IMPORT, str(before), "-I"),
        }
        if have_package("pooch"):
            peers["pooch"] = lambda: statement("import pooch")
        compare(IMPORT, peers, rounds=15, goals=[Goal(at_most=0.03)])
        program = shutil.which("fetch-artifacts", path=str(Path(sys.executable).parent))
        command = [program] if program else [sys.executable, "-m", "fetch_artifacts"]
        command += ["path", "Data", "--toml", str(toml)]
        compare(
            "fetch-artifacts path, warm, the whole process",
            {
                "ours": lambda: cpu(command),
                CLICK: lambda: cpu([sys.executable, "-c", "import click"]),
            },
            rounds=15,
            goals=[Goal(at_most=1.3, of=CLICK)],
        )


def statement(code: str, *python: str) -> float:
    """The seconds of a core that a statement takes in a Python that has just started.

    Args:
        code: The statement.
        python: The interpreter and its options; by default this one.
    """
    timed = (
        "import time; start = time.process_time()\n"
        f"{code}\n"
        "print(time.process_time() - start)"
    )
    command = [*(python or (sys.executable,)), "-c", timed]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(run.stdout)


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
