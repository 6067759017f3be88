"""Unpacking .tar.zst and .tar.xz, beside GNU tar with zstd -T0 and xz, and bsdtar."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.archive_trees import TREES
from benchmarks.bench_unpack import chunks, empty
from benchmarks.harness import Contender, compare, have, memory_folder
from benchmarks.run import Goal
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.formats import Compression
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.tar.writer import tar_chunks

PROGRAMS: dict[Compression, str] = {"zst": "zstd -d -T0", "xz": "xz -d -T0"}
SIZED = ("20,000 files of 0.1 to 8 kB", "60 MB of site-packages")


def main() -> None:
    with memory_folder() as folder:
        out = folder / "out"
        for title in SIZED:
            tree = TREES[title](folder / "tree")
            for kind, program in PROGRAMS.items():
                archive = folder / f"archive.tar.{kind}"
                with archive.open("wb") as file:
                    file.writelines(compressed(tar_chunks(tree), kind))
                compare(
                    f"unpack .tar.{kind}, {title}",
                    _peers(archive, program, out),
                    before=lambda: empty(out),
                    rounds=5,
                    goals=[Goal(at_most=1.0, of=f"GNU tar, {program}")],
                )
            shutil.rmtree(tree)


def _peers(archive: Path, program: str, out: Path) -> dict[str, Contender]:
    peers: dict[str, Contender] = {
        "ours": lambda: unpack_archive(chunks(archive), out),
    }
    if have("tar") and have(program.split(maxsplit=1)[0]):
        name = f"GNU tar, {program}"
        peers[name] = ["tar", "-C", str(out), "-I", program, "-xf", str(archive)]
    if have("bsdtar"):
        peers["bsdtar"] = ["bsdtar", "-C", str(out), "-xf", str(archive)]
    return peers


if __name__ == "__main__":
    main()
