"""The trees that the benchmarks pack and unpack."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

from benchmarks import trees


def small_files(root: Path) -> Path:
    """20,000 files of 0.1 to 8 kB of noise."""
    return trees.small_files(root, 20_000)


def real_files(root: Path) -> Path:
    """60 MB of what is installed in this Python's site-packages."""
    source = Path(sysconfig.get_path("purelib"))
    left = 60_000_000
    for path in sorted(source.rglob("*")):
        if path.is_file() and left > 0:
            copy = root / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
            left -= path.stat().st_size
    return root


def large_files(root: Path) -> Path:
    """4 files of 256 MB of noise."""
    return trees.large_files(root, 4, 1 << 28)


def noise(root: Path) -> Path:
    """One file of 128 MB of noise."""
    return trees.large_files(root, 1, 1 << 27)


TREES: dict[str, Callable[[Path], Path]] = {
    "20,000 files of 0.1 to 8 kB": small_files,
    "60 MB of site-packages": real_files,
    "4 files of 256 MB": large_files,
}
