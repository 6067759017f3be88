"""Unpacking a gzip, tree hash included, beside tools that hash nothing.

fetch-artifacts 0.1.0 unpacked with tarfile. Then how time and memory grow.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.archive_trees import TREES
from benchmarks.growth import COUNTS, SIZES, Case, print_growth, room
from benchmarks.harness import Contender, compare, have, memory_folder
from benchmarks.run import Goal
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.tar.header import REGULAR, padding, tar_header

GNU_TAR = "GNU tar -xzf, no hash"

OURS = """
import sys, tempfile, time
from pathlib import Path
from fetch_artifacts.archive.unpack import unpack_archive
archive, folder = sys.argv[1:]
with tempfile.TemporaryDirectory(dir=folder) as out, open(archive, "rb") as file:
    start = time.perf_counter()
    unpack_archive(iter(lambda: file.read(1 << 18), b""), Path(out))
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
                f"unpack {title}",
                _peers(archive, out),
                before=lambda: empty(out),
                rounds=3 if "256 MB" in title else 7,
                goals=[Goal(at_most=0.8, of=GNU_TAR)],
            )
        print_growth(OURS, _growing_archives(archive, out))


def _peers(archive: Path, out: Path) -> dict[str, Contender]:
    peers: dict[str, Contender] = {
        "ours": lambda: unpack_archive(chunks(archive), out),
        "tarfile, no hash": lambda: _with_tarfile(archive, out),
    }
    if have("tar"):
        peers[GNU_TAR] = ["tar", "-C", str(out), "-xzf", str(archive)]
    if have("bsdtar"):
        peers["bsdtar -xzf, no hash"] = [
            *("bsdtar", "-C", str(out), "-xzf", str(archive))
        ]
    return peers


def chunks(archive: Path) -> Iterator[bytes]:
    with archive.open("rb") as file:
        while chunk := file.read(1 << 18):
            yield chunk


def _with_tarfile(archive: Path, out: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(out, filter="tar")


def empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _growing_archives(archive: Path, out: Path) -> Iterator[Case]:
    empty(out)
    arguments = str(archive), str(out)
    for count in COUNTS:
        _archive(archive, _generated(count, size=100, in_folder=200))
        yield Case(f"{count:,} files", arguments, files=count)
    _archive(archive, _generated(COUNTS[-1], size=100, in_folder=COUNTS[-1]))
    yield Case("so many in one folder", arguments, files=COUNTS[-1])
    for size in SIZES:
        if size > room(out):
            print(
                f"  {size >> 20:,} MB LEFT OUT: there is room for {room(out) >> 20:,}"
            )
            continue
        _archive(archive, _generated(4, size=size // 4, in_folder=4))
        yield Case(f"{size >> 20:,} MB in 4 files", arguments, size=size)


def _archive(archive: Path, chunks: Iterable[bytes]) -> None:
    with archive.open("wb") as file:
        file.writelines(compressed(chunks, "gz"))


def _generated(count: int, *, size: int, in_folder: int) -> Iterator[bytes]:
    block = bytes(range(256)) * 4096
    for number in range(count):
        name = b"%d/file-%d" % (number // in_folder, number)
        yield tar_header(name, REGULAR, 0o644, size)
        for start in range(0, size, len(block)):
            yield block[: size - start]
        yield padding(size)


if __name__ == "__main__":
    main()
