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
from benchmarks.growth import COUNTS, Case, print_growth
from benchmarks.harness import Contender, compare, have, memory_folder
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.tar.header import REGULAR, padding, tar_header

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
                f"unpack {title}: target, not slower than GNU tar",
                _peers(archive, out),
                before=lambda: _empty(out),
                rounds=3 if "256 MB" in title else 7,
            )
        print_growth(OURS, _growing_archives(archive, out))


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


def _growing_archives(archive: Path, out: Path) -> Iterator[Case]:
    _empty(out)
    arguments = str(archive), str(out)
    for count in COUNTS:
        _archive(archive, _generated(count, size=100, in_folder=200))
        yield Case(f"{count:,} files", arguments, files=count)
    _archive(archive, _generated(COUNTS[-1], size=100, in_folder=COUNTS[-1]))
    yield Case("so many in one folder", arguments, files=COUNTS[-1])
    _archive(archive, _generated(4, size=1 << 30, in_folder=4))
    yield Case("4 GB in 4 files", arguments, size=4 << 30)


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
