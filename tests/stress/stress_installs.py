"""20,000 installs by 4 processes into one depot, each of a small tree of its own.

Once on one host; once on two, which share the depot by sshfs: two mounts with caches of
their own, and processes with different host names.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from fetch_artifacts import artifact_from_directory, pkg_artifacts
from stress.scene import check, fork
from stress.stress_file_systems import SFTP, behind_ssh, which
from support.trees import make_tree

PROCESSES = 4
INSTALLS = 5_000  # by each
_NEW_HOST_NAME = 0x04000000  # CLONE_NEWUTS of sched.h


def main() -> None:
    """Install, remove, and count what failed."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        depot = folder / "depot"
        install_many(folder, [depot] * PROCESSES)
        look_at(depot)
    if sys.platform != "linux" or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        print("  SKIPPED: TWO HOSTS WERE NOT TRIED, which needs root and FUSE on Linux")
        return
    if not which("sshfs") or not SFTP.exists():
        print("  SKIPPED: TWO HOSTS WERE NOT TRIED, as sshfs or its server lacks")
        return
    with tempfile.TemporaryDirectory(prefix="stress-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "served").mkdir()
        depots = []
        for host in ("one", "two"):
            (folder / host).mkdir()
            mount = stack.enter_context(behind_ssh(folder / "served", folder / host))
            depots.append(mount / "depot")
        install_many(folder, depots * (PROCESSES // 2), hosts=True)
        look_at(folder / "served" / "depot")


def install_many(folder: Path, depots: list[Path], *, hosts: bool = False) -> None:
    """Let processes install and remove, each in its depot, and report."""

    def install(process: int) -> None:
        os.environ["JULIA_DEPOT_PATH"] = str(depots[process])
        if hosts:
            call_this_host(f"host{depots.index(depots[process])}")
        failures = 0
        for number in range(INSTALLS):
            tree = make_tree(folder / str(process), {"f": f"{process} {number}"})
            try:
                found = artifact_from_directory(tree)
                if number % 2:
                    pkg_artifacts.remove_artifact(str(found))
            except Exception as error:  # noqa: BLE001 - each of them counts
                failures += 1
                print(f"  {type(error).__name__}: {error}", flush=True)
        (folder / f"result-{process}").write_text(str(failures))

    began = time.perf_counter()
    pids = [fork(lambda p=p: install(p)) for p in range(PROCESSES)]  # type: ignore[misc]
    for pid in pids:
        os.waitpid(pid, 0)
    failures = [int(path.read_text()) for path in folder.glob("result-*")]
    taken = time.perf_counter() - began
    where = "on two hosts by sshfs" if hosts else "on one host"
    count = PROCESSES * INSTALLS
    print(f"  {count} installs {where} in {taken:.0f} s, {sum(failures)} failures")
    check("none fails", kept=failures == [0] * PROCESSES)


def call_this_host(name: str) -> None:
    """Give this process a host name of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_HOST_NAME):
        raise OSError(ctypes.get_errno(), "unshare")
    socket.sethostname(name)


def look_at(depot: Path) -> None:
    """Check what is in the depot afterwards."""
    kept = [path for path in (depot / "artifacts").iterdir() if path.is_dir()]
    check("all of them are there", kept=len(kept) == PROCESSES * INSTALLS // 2)
    left = list((depot / ".fetch_artifacts").glob("*/*"))
    check(f"nothing else is left: {left[:3]}", kept=not left)
