"""The memory that reading an archive takes, as the kernel tells it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MEASURE = """
import gzip, sys, tempfile
from pathlib import Path
from fetch_artifacts.archive.tree import read_archive
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.errors import UnpackError

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if "VmHWM" in line)

def chunks(path):
    with open(path, "rb") as file:
        while chunk := file.read(1 << 18):
            yield chunk

read_archive([gzip.compress(bytes(1024))])
before, said = peak(), ""
try:
    if sys.argv[1] == "read":
        read_archive(chunks(sys.argv[2])).tree_hash
    else:
        with tempfile.TemporaryDirectory(dir=sys.argv[3]) as folder:
            unpack_archive(chunks(sys.argv[2]), Path(folder))
except UnpackError as error:
    said = str(error)
print(peak() - before, said[-200:])
"""


def peak_of(how: str, archive: Path, folder: Path) -> tuple[int, str]:
    """Read or unpack an archive in a process of its own; needs Linux.

    Args:
        how: ``"read"`` or ``"unpack"``.
        archive: The archive.
        folder: Where to unpack it, in a folder that is removed again.

    Returns:
        The peak in bytes over the interpreter with what it has imported, which counts
        what allocators keep as well; and the end of the error, if there was one.
    """
    command = [sys.executable, "-c", MEASURE, how, str(archive), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    needed, _, said = done.stdout.partition(" ")
    return int(needed), said.strip()
