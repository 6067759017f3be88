"""The trees that the archive benchmarks unpack and create."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from random import Random


def small_files(root: Path) -> Path:
    """20,000 files of 0.1 to 8 kB of noise."""
    random = Random(1)
    for number in range(20_000):
        path = root / f"{number // 100:03}" / f"file_{number:05}"
        if number % 100 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(random.randbytes(random.randint(100, 8000)))
    return root


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
    """4 files of 256 MB, half of it noise and half of it text."""
    root.mkdir()
    random = Random(2)
    for number in range(4):
        with (root / f"file_{number}").open("wb") as file:
            for line in range(256):
                file.write(random.randbytes(1 << 19))
                file.write((b"%07d\n" % line) * (1 << 16))
    return root


def noise(root: Path) -> Path:
    """One file of 128 MB that can't be compressed."""
    root.mkdir()
    (root / "noise").write_bytes(Random(3).randbytes(1 << 27))
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    "20,000 files of 0.1 to 8 kB": small_files,
    "60 MB of site-packages": real_files,
    "4 files of 256 MB": large_files,
}
