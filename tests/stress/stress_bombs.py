"""Small archives that once took all memory or disk, and usage logs of any length."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

from benchmarks.harness import memory_folder
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.files.removing import remove_tree
from stress.scene import check
from support.archives import END, file, header, pax
from support.peaks import peak_of

MEMORY = 64_000_000  # bytes over the interpreter

LOOK_UP = """
import sys
from pathlib import Path
from fetch_artifacts.depot.usage.log import write_usage

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if "VmHWM" in line)

depot, toml = map(Path, sys.argv[1:])
before = peak()
write_usage(depot, [toml])
print(peak() - before)
"""


def links() -> Iterator[bytes]:
    """200,000 links with targets of 4,000 bytes."""
    for number in range(200_000):
        yield pax((b"linkpath", b"t" * 3990 + b"%010d" % number))
        yield header(b"l%d" % number, b"2")


def implied_folders(paths: int = 1000, folders: int = 2041) -> Iterator[bytes]:
    """Paths of many folders, of which none has a member of its own."""
    for number in range(paths):
        deep = b"%d/" % number + b"a/" * (folders - 1)
        yield pax((b"path", deep + b"f")) + file(b"x")


def lost_links() -> Iterator[bytes]:
    """Links far down, whose folder gives way to a file."""
    for number in range(80_000):
        yield pax((b"path", b"d/" * 400 + b"l%d" % number))
        yield header(b"l", b"2", link=b"t")
    yield file(b"d/d", b"x")


def main() -> None:
    """Measure the memory, the disk, and what is read."""
    if sys.platform != "linux":
        print("  SKIPPED: NOTHING WAS MEASURED, as only Linux tells a peak of memory")
        return
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        for make in (links, implied_folders, lost_links):
            measure_memory(folder, make)
        measure_log(folder)
        fill_disk()
        read_on_and_on(folder)


def measure_memory(folder: Path, make: Callable[[], Iterator[bytes]]) -> None:
    """Read an archive; unpacking it takes the same tree in memory."""
    archive = folder / "bomb.tar.gz"
    with gzip.open(archive, "wb") as written:
        written.writelines(make())
    needed, said = peak_of("read", archive, folder)
    size = archive.stat().st_size
    print(f"  {make.__name__}: {size:,} bytes: {needed / 1e6:.0f} MB of memory; {said}")
    check("it stays within 64 MB", kept=needed < MEMORY)


def measure_log(folder: Path) -> None:
    """Log a use where the log has 50 MB, and where it is a device."""
    toml = folder / "Artifacts.toml"
    toml.touch()
    log = folder / "depot" / "logs" / "artifact_usage.toml"
    log.parent.mkdir(parents=True)
    block = b'[["/file%d/Artifacts.toml"]]\ntime = 2021-01-01T00:00:00.000Z\n'
    log.write_bytes(b"\n".join(block % number for number in range(840_000)))
    print(f"  a usage log of {log.stat().st_size:,} bytes", end="")
    for kind in ("", "  /dev/zero as a log"):
        if kind:
            log.unlink()
            log.symlink_to("/dev/zero")
        command = [sys.executable, "-c", LOOK_UP, str(log.parents[1]), str(toml)]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken, needed = time.perf_counter() - began, int(done.stdout)
        print(f"{kind}: {needed / 1e6:.0f} MB of memory, {taken:.1f} s")
        check("a use is logged within 64 MB", kept=needed < MEMORY)


def fill_disk() -> None:
    """Unpack folders that occupy more than their files do."""
    archive = gzip.compress(b"".join(implied_folders(300, 1900)))
    with memory_folder() as name:
        place = Path(name, "unpacked")
        place.mkdir()
        said = refusal(lambda: unpack_archive([archive], place))
        found = ["find", str(place), "-type", "d", "-printf", "x"]
        made = len(subprocess.run(found, capture_output=True, check=True).stdout)
        remove_tree(place)
    print(f"  {len(archive):,} bytes, 300 paths of 1,900 folders: {said}")
    print(f"  {made - 1:,} folders are left")
    check("they are refused, and nothing is left", kept=made == 1 and bool(said))


def read_on_and_on(folder: Path) -> None:
    """Read what follows the end of a tar, in a frame of zstd for each 32 MiB."""
    frame = b"".join(compressed([bytes(1 << 25)], "zst"))
    start = b"".join(compressed([file(b"f") + END], "zst"))
    place = folder / "more"
    place.mkdir()
    began = time.process_time()
    said = refusal(lambda: unpack_archive([start, *repeat(frame, 1024)], place))
    taken = time.process_time() - began
    print(f"  34 GB behind the end of a tar: {taken:.1f} s of the processor; {said}")
    check("it is refused once 256 MiB are read", kept="more than 256 MiB" in said)


def refusal(use: Callable[[], object]) -> str:
    """What an archive is refused with, "" if it is not."""
    try:
        use()
    except UnpackError as error:
        return str(error)[-150:]
    return ""
