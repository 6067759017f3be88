"""20,000 installs by 4 processes into one depot, each of a small tree of its own.

Once on one host; once on two, which share the depot by sshfs: two mounts with caches of
their own, and processes with different host names.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import Array
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
    on_one_host()
    if sys.platform != "linux" or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        print("  SKIPPED: TWO HOSTS WERE NOT TRIED, which needs root and FUSE on Linux")
    elif not which("sshfs") or not SFTP.exists():
        print("  SKIPPED: TWO HOSTS WERE NOT TRIED, as sshfs or its server lacks")
    else:
        on_two_hosts()


def on_one_host() -> None:
    """Let all processes share a depot of this host."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        depot = folder / "depot"
        install_many(folder, [depot] * PROCESSES)
        look_at(depot)


def on_two_hosts() -> None:
    """Let half of the processes see the depot through a mount of their own."""
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
    # Shared with the forked processes, so right even where one is killed.
    done, failures = (Array("q", PROCESSES, lock=False) for _ in range(2))

    def install(process: int) -> None:
        os.environ["JULIA_DEPOT_PATH"] = str(depots[process])
        if hosts:
            call_this_host(f"host{depots.index(depots[process])}")
        for number in range(INSTALLS):
            tree = make_tree(folder / str(process), {"f": f"{process} {number}"})
            try:
                found = artifact_from_directory(tree)
                if number % 2:
                    pkg_artifacts.remove_artifact(str(found))
                done[process] += 1
            except Exception as error:  # noqa: BLE001 - each of them counts
                failures[process] += 1
                print(f"  {type(error).__name__}: {error}", flush=True)

    began = time.perf_counter()
    pids = [fork(lambda p=p: install(p)) for p in range(PROCESSES)]  # type: ignore[misc]
    try:
        while pids:
            os.waitpid(pids[-1], 0)
            pids.pop()
    finally:
        for pid in pids:  # it was stopped: nobody may keep the mounts busy
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        taken = time.perf_counter() - began
        count = f"{sum(done)} of {PROCESSES * INSTALLS} installs"
        where = "on two hosts by sshfs" if hosts else "on one host"
        print(f"  {count} {where} in {taken:.0f} s, {sum(failures)} failures")
    check("none fails", kept=not sum(failures))
    check("all of them were done", kept=sum(done) == PROCESSES * INSTALLS)


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
