"""Unpacking a gzip, tree hash included, beside tools that hash nothing.

fetch-artifacts 0.1.0 unpacked with tarfile. Then how time and memory grow.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.archive_trees import TREES
from benchmarks.harness import (
    Contender,
    compare,
    have,
    memory_folder,
    peak_memory,
)
from fetch_artifacts.compression import compressed
from fetch_artifacts.tar_header import REGULAR, padding, tar_header
from fetch_artifacts.unpack import unpack_archive

COUNTS = (1_000, 10_000, 50_000, 200_000)

NOTHING = "import sys"
OURS = """
import sys, time
from pathlib import Path
from fetch_artifacts.unpack import unpack_archive
with open(sys.argv[1], "rb") as file:
    start = time.perf_counter()
    unpack_archive(iter(lambda: file.read(1 << 18), b""), Path(sys.argv[2]))
    print(time.perf_counter() - start)
"""


def main() -> None:
    with memory_folder() as folder:
        archive, out = folder / "archive.tar.gz", folder / "out"
        for title, make in TREES.items():
            tree = make(folder / "tree")
            pack = ["tar", "-C", str(tree), "-czf", str(archive), "."]
            subprocess.run(pack, check=True)
            shutil.rmtree(tree)
            compare(
                f"unpack {title}: target, not slower than GNU tar",
                _peers(archive, out),
                before=lambda: _empty(out),
                rounds=3 if "256 MB" in title else 7,
            )
        _print_growth(archive, out)


def _peers(archive: Path, out: Path) -> dict[str, Contender]:
    peers: dict[str, Contender] = {
        "ours": lambda: unpack_archive(_chunks(archive), out),
        "tarfile, no hash": lambda: _with_tarfile(archive, out),
    }
    if have("tar"):
        command = ["tar", "-C", str(out), "-xzf", str(archive)]
        peers["GNU tar -xzf, no hash"] = command
    return peers


def _chunks(archive: Path) -> Iterator[bytes]:
    with archive.open("rb") as file:
        while chunk := file.read(1 << 18):
            yield chunk


def _with_tarfile(archive: Path, out: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(out, filter="tar")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _print_growth(archive: Path, out: Path) -> None:
    """Time and peak memory of our process, by the number of files and by their size."""
    least = peak_memory([sys.executable, "-c", NOTHING])
    print("\ngrowth: one call, and the most memory over that of a bare interpreter")

    def line(title: str, count: int, size: int, in_folder: int) -> None:
        chunks = compressed(_generated(count, size, in_folder), "gz")
        with archive.open("wb") as file:
            file.writelines(chunks)
        command = [sys.executable, "-c", OURS, str(archive), str(out)]
        _empty(out)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = float(done.stdout)
        _empty(out)
        memory = (peak_memory(command) - least) / 2**20
        each = f"{seconds / count * 1e6:.1f} us a file"
        print(f"  {title:24}  {seconds:6.2f} s  {each:>16}  {memory:5.1f} MB")

    for count in COUNTS:
        line(f"{count:,} files", count, 100, 200)
    line("so many in one folder", COUNTS[-1], 100, COUNTS[-1])
    line("4 GB in 4 files", 4, 1 << 30, 4)
    _empty(out)


def _generated(count: int, size: int, in_folder: int) -> Iterator[bytes]:
    block = bytes(range(256)) * 4096
    for number in range(count):
        name = b"%d/file-%d" % (number // in_folder, number)
        yield tar_header(name, REGULAR, 0o644, size)
        for start in range(0, size, len(block)):
            yield block[: size - start]
        yield padding(size)


if __name__ == "__main__":
    main()
