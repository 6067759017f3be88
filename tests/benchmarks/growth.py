"""How time and memory grow with the number of files, and with their size."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import peak_memory
from benchmarks.run import RUN, Growth
from benchmarks.trees import large_files, small_files

COUNTS = (200, 2_000, 20_000, 200_000)
SIZES = (1 << 20, 32 << 20, 1 << 30, 8 << 30)


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table.

    Attributes:
        title: What it is about.
        arguments: What the program is called with.
        files: How many files there are; 0 where the bytes count.
        size: How many bytes there are; 0 where the files count.
    """

    title: str
    arguments: tuple[str, ...]
    files: int = 0
    size: int = 0


def growing_trees(root: Path) -> Iterator[Case]:
    """Trees of more and more files, then of large ones, each removed after its use."""
    for count in COUNTS:
        small_files(root, count, most=200)
        yield Case(f"{count:,} files", (str(root),), files=count)
        shutil.rmtree(root)
    small_files(root, COUNTS[-1], most=200, in_folder=COUNTS[-1])
    yield Case("so many in one folder", (str(root),), files=COUNTS[-1])
    shutil.rmtree(root)
    for size in SIZES:
        large_files(root, 4, size // 4, sparse=True)
        yield Case(f"{size >> 20:,} MB in 4 sparse files", (str(root),), size=size)
        shutil.rmtree(root)


def room(folder: Path) -> int:
    """The bytes that files in a folder may take.

    A file system in memory may promise more than the memory that is free.
    """
    free = shutil.disk_usage(folder).free
    memory = Path("/proc/meminfo")
    if memory.exists() and folder.is_relative_to("/dev/shm"):
        available = re.search(r"MemAvailable: +(\d+) kB", memory.read_text())
        free = min(free, int(available[1]) * 1024) if available else free
    return free * 9 // 10


def print_growth(program: str, cases: Iterable[Case]) -> None:
    """Run a Python program for each case and print a table.

    Args:
        program: The source; it prints the seconds that its work takes.
        cases: The lines.
    """
    if RUN.quick:
        return
    python = [sys.executable, "-c"]
    least = peak_memory([*python, "import sys"])
    print("\ngrowth: one call, and the most memory over that of a bare interpreter")
    for case in cases:
        command = [*python, program, *case.arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = float(done.stdout)
        memory = (peak_memory(command) - least) / 2**20
        RUN.growth.append(
            Growth(RUN.benchmark, case.title, case.files, case.size, seconds, memory)
        )
        if case.files:
            each = f"{seconds / case.files * 1e6:.1f} us a file"
        else:
            each = f"{seconds / case.size * 2**30:.2f} s a GB"
        print(f"  {case.title:24}  {seconds:7.3f} s  {each:>16}  {memory:5.1f} MB")
