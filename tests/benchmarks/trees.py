"""The trees that several benchmarks are about."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path
from random import Random


def small_files(
    root: Path, count: int, *, most: int = 8000, in_folder: int = 100
) -> Path:
    """So many files of 100 bytes or more, in folders of folders."""
    random = Random(0)
    for number in range(count):
        folder = root / f"{number // in_folder // 20}" / f"{number // in_folder}"
        if number % in_folder == 0:
            folder.mkdir(parents=True)
        size = random.randint(100, most)
        (folder / f"file_{number}").write_bytes(random.randbytes(size))
    return root


def large_files(root: Path, count: int, size: int, *, sparse: bool = False) -> Path:
    """So many files that do not compress, or that take no room."""
    root.mkdir()
    random = Random(0)
    for number in range(count):
        block = b"" if sparse else random.randbytes(1 << 20)
        with (root / f"file_{number}").open("wb") as file:
            for _ in range(0 if sparse else size >> 20):
                file.write(block)
            file.truncate(size)
    return root


def real_tree(root: Path) -> Path:
    """The installed packages of this Python: source code, data and libraries."""
    installed = sysconfig.get_path("purelib")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(installed, root, symlinks=True, ignore=ignore)
    return root
