"""The power goes some seconds after an install, on file systems made for it.

A copy of a disk's image, taken while it is in use, holds what a power cut would leave.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch_artifacts import artifact, bind_artifact
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import Scene, check, fork, scene

# Ages at which a disk is copied, in seconds; ext4 and xfs write late, and in parts.
AGES = (0.5, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60)
SIZE = 400 << 20
FORMATS = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


def main() -> None:
    """Cut the power on each file system, without waiting for the disk and with it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("  SKIPPED: NO POWER WAS CUT, which only root on Linux can")
        return
    for name, program in FORMATS.items():
        if shutil.which(program[0]) is None:
            print(f"  SKIPPED: NO POWER WAS CUT ON {name}, which needs {program[0]}")
            continue
        cut_power(name, flush=False)
        cut_power(name, flush=True)


def cut_power(kind: str, *, flush: bool) -> None:
    """Install and bind on a new disk, and look at copies of it of each age."""
    os.environ["FETCH_ARTIFACTS_FSYNC"] = str(flush).lower()
    with (
        tempfile.TemporaryDirectory(prefix="stress-") as name,
        scene(files=300, size=4000, pause=0) as stage,
    ):
        folder = Path(name)
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(SIZE)
        subprocess.run([*FORMATS[kind], str(image)], check=True)
        with mounted(image, folder / "disk") as disk:
            os.sync()  # the empty file system
            taken, status = timed_install(stage, disk)
            copies = copy_in_time(image, folder)
        harm = [found for copy in copies if (found := look_at(stage, copy, folder))]
    del os.environ["FETCH_ARTIFACTS_FSYNC"]
    how = "waiting for the disk" if flush else "as before, not waiting"
    print(
        f"  {kind}, {how}: an install and a bind of {taken:.2f} s, {len(copies)} cuts"
    )
    for line in harm:
        print(f"    {line}")
    check("the install succeeds", kept=status == 0)
    if flush:
        check("what a power cut leaves is whole or not there", kept=not harm)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount an image."""
    folder.mkdir(exist_ok=True)
    options = ["-o", "loop,nouuid"] if is_xfs(image) else ["-o", "loop"]
    subprocess.run(["mount", *options, str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def is_xfs(image: Path) -> bool:
    """Whether an image has an xfs, of which two with one name can't be mounted."""
    with image.open("rb") as file:
        return file.read(4) == b"XFSB"


def timed_install(stage: Scene, disk: Path) -> tuple[float, int]:
    """Install onto a disk and bind there, in a process of its own."""

    def work() -> None:
        os.environ["JULIA_DEPOT_PATH"] = str(disk / "depot")
        artifact("Demo", stage.toml)
        toml = disk / "Artifacts.toml"
        for number in range(3):
            name, url = f"Data{number}", "https://data.example.org/data.tar.gz"
            bind_artifact(toml, name, stage.tree_hash, url, "0" * 64)

    began = time.perf_counter()
    _, status = os.waitpid(fork(work), 0)
    return time.perf_counter() - began, status


def copy_in_time(image: Path, folder: Path) -> list[Path]:
    """Copy an image at each age."""
    began = time.monotonic()
    copies = []
    for age in AGES:
        time.sleep(max(0, began + age - time.monotonic()))
        copy = folder / f"after {age} s"
        subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
        copies.append(copy)
    return copies


def look_at(stage: Scene, copy: Path, folder: Path) -> str:
    """Say what is not whole on a copy, "" if all is."""
    with mounted(copy, folder / "copy") as disk:
        faults = []
        tree = disk / "depot" / "artifacts" / stage.tree_hash
        if tree.is_dir() and str(hash_directory(tree)) != stage.tree_hash:
            files = [path for path in tree.rglob("*") if path.is_file()]
            empty = sum(not path.stat().st_size for path in files)
            faults.append(f"the artifact has {len(files)} of 300 files, {empty} empty")
        toml = disk / "Artifacts.toml"
        if toml.is_file() and "git-tree-sha1" not in toml.read_text("utf-8", "replace"):
            faults.append(f"Artifacts.toml has {toml.stat().st_size} bytes")
    copy.unlink()
    return f"{copy.name}: {', '.join(faults)}" if faults else ""
