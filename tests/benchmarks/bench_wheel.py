"""Unpacking a zip file, tree hash included, beside what installs wheels.

The archive is a wheel, so that uv takes it. What uv knows of the Python is kept from
round to round, and what it unpacked is not.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from benchmarks.archive_trees import TREES
from benchmarks.bench_unpack import chunks, empty
from benchmarks.harness import Contender, compare, have, have_package, memory_folder
from fetch_artifacts.archive.unpack import unpack_archive

SIZED = ("20,000 files of 0.1 to 8 kB", "60 MB of site-packages")
FACTS = {
    "METADATA": "Metadata-Version: 2.1\nName: bench-data\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\n"
    "Tag: py3-none-any\n",
}


def main() -> None:
    with memory_folder() as folder:
        wheel, out = folder / "bench_data-1.0-py3-none-any.whl", folder / "out"
        uv_cache = folder / "uv"
        peers: dict[str, Contender] = {
            "ours": lambda: unpack_archive(chunks(wheel), out),
            "zipfile, no hash": lambda: _with_zipfile(wheel, out),
        }
        uv = _uv(wheel, out, uv_cache)
        if uv:
            peers["uv pip install"] = uv
        if have("bsdtar"):
            peers["bsdtar"] = ["bsdtar", "-C", str(out), "-xf", str(wheel)]
        for title in SIZED:
            tree = TREES[title](folder / "tree")
            write_wheel(tree, wheel)
            shutil.rmtree(tree)

            def clear() -> None:
                empty(out)
                for unpacked in (*uv_cache.glob("archive-*"), *uv_cache.glob("wheel*")):
                    shutil.rmtree(unpacked)

            compare(f"unpack a wheel, {title}", peers, before=clear)


def write_wheel(tree: Path, wheel: Path) -> None:
    """Pack a tree as a wheel, compressed as wheels are."""
    records: list[str] = []
    about = wheel.name.rsplit("-", 3)[0] + ".dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, data: bytes) -> None:
            archive.writestr(name, data)
            digest = urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{name},sha256={digest},{len(data)}\n")

        for path in sorted(tree.rglob("*")):
            if path.is_file():
                add(
                    f"bench_data/{path.relative_to(tree).as_posix()}", path.read_bytes()
                )
        for name, text in FACTS.items():
            add(f"{about}/{name}", text.encode())
        archive.writestr(f"{about}/RECORD", "".join(records) + f"{about}/RECORD,,\n")


def _uv(wheel: Path, out: Path, cache: Path) -> list[str] | None:
    """uv's command, None (and a line that says so) where it isn't installed."""
    if not have_package("uv"):
        return None
    import uv

    options = ["--quiet", "--no-config", "--no-index", "--no-deps"]
    options += ["--cache-dir", str(cache), "--python", sys.executable]
    return [
        uv.find_uv_bin(),
        "pip",
        "install",
        *options,
        "--target",
        str(out),
        str(wheel),
    ]


def _with_zipfile(archive: Path, out: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        file.extractall(out)


if __name__ == "__main__":
    main()
