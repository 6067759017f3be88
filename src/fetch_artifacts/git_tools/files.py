"""The mode and the digest of single files: never a wrong hash, never a hang.

Julia opens whatever is there, so a FIFO stops it for ever, and it hashes a file that it
can't read, or that changes while it reads, as if all was well (Pkg.jl GitTools.jl:232).
"""

from __future__ import annotations

import os
import stat
from collections import deque
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import UnhashableFileError
from fetch_artifacts.files.regular import NO_FOLLOW, OPEN_FILE, kind_of_file
from fetch_artifacts.git_tools.objects import EXECUTABLE, FILE, blob_digest, blob_hasher
from fetch_artifacts.parallel.processes import available_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetch_artifacts.digests import Algorithm

LARGE: Final = 1 << 18
"""Files of this many bytes are worth a thread; smaller ones are read in one piece."""

OWNER_EXECUTE: Final = stat.S_IXUSR
"""The one bit of a file's mode that counts."""

_NO_HASH: Final = "has no tree hash"
_BLOCK: Final = 1 << 20
_MAX_THREADS: Final = 16  # each has a block, and no disk feeds more of them


def is_executable(path: bytes, status: os.stat_result) -> bool:
    """Whether a file on disk is executable: the owner's bit alone counts.

    On Windows ``access`` tells (Pkg.jl GitTools.jl:210, Tar.jl header.jl:155).
    """
    if os.name == "nt":
        return os.access(path, os.X_OK)
    return bool(status.st_mode & OWNER_EXECUTE)


def hash_small_file(path: bytes, algorithm: Algorithm) -> tuple[bytes, bytes | None]:
    """Give the mode and the digest of a regular file; of a large one the mode only.

    Raises:
        UnhashableFileError: It is something else, can't be read, or changes.
    """
    try:
        descriptor, status = _open(path)
        try:
            size = status.st_size
            mode = EXECUTABLE if is_executable(path, status) else FILE
            if size >= LARGE:
                return mode, None
            # One byte more than there should be: no second read to see the end.
            content = os.read(descriptor, size + 1)
            while 0 < len(content) < size and (
                more := os.read(descriptor, size + 1 - len(content))
            ):
                content += more
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(content) != size:
        raise _changed(path, size, len(content))
    return mode, blob_digest(content, algorithm)


def hash_file(path: bytes, algorithm: Algorithm) -> tuple[bytes, bytes]:
    """Give the mode and the digest of a regular file of any size.

    Raises:
        UnhashableFileError: It is something else, can't be read, or changes.
    """
    mode, digest = hash_small_file(path, algorithm)
    return mode, digest or _hash_in_turn(deque([path]), algorithm)[path]


def hash_large_files(
    paths: Iterable[bytes], algorithm: Algorithm
) -> dict[bytes, bytes]:
    """Give the digests of many files, hashed on all cores, the largest first.

    Raises:
        UnhashableFileError: One is something else, can't be read, or changes.
    """
    queue = deque(sorted(paths, key=_size, reverse=True))
    workers = min(_MAX_THREADS, available_cores(), len(queue))
    if workers < 2:
        return _hash_in_turn(queue, algorithm)

    from concurrent.futures import as_completed
    from threading import Event

    from fetch_artifacts.parallel.threads import InheritingPool

    stop = Event()
    digests: dict[bytes, bytes] = {}
    with InheritingPool(workers) as pool:
        jobs = [
            pool.submit(_hash_in_turn, queue, algorithm, stop.is_set)
            for _ in range(workers)
        ]
        try:
            for job in as_completed(jobs):
                digests |= job.result()
        finally:
            stop.set()  # an error, or Ctrl-C, need not wait for gigabytes
    return digests


def special_file(path: bytes, mode: int, loss: str = _NO_HASH) -> UnhashableFileError:
    """The error for what is neither file nor folder nor link, by its mode from stat.

    `loss` says what follows for it, or for the folder that it is in.
    """
    kind = kind_of_file(mode)
    where = Path(os.fsdecode(path))
    return UnhashableFileError(
        f"{where}: expected a file, found {kind}, which {loss}; "
        "remove it from the folder",
        path=where,
    )


def unreadable(
    path: bytes, error: OSError, loss: str = _NO_HASH
) -> UnhashableFileError:
    """The error for what can't be opened or read, or is gone."""
    where = Path(os.fsdecode(path))
    return UnhashableFileError(
        f"{where}: can't be read, so the folder {loss}: {error.strerror}",
        path=where,
    )


def _changed(path: bytes, expected: int, found: int) -> UnhashableFileError:
    where = Path(os.fsdecode(path))
    more = "at least " if found > expected else ""
    return UnhashableFileError(
        f"{where}: expected {expected} bytes, found {more}{found}: something writes to "
        "this file; hash the folder when it is complete",
        path=where,
    )


def _open(path: bytes) -> tuple[int, os.stat_result]:
    descriptor = os.open(path, OPEN_FILE | NO_FOLLOW)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise special_file(path, status.st_mode)
    return descriptor, status


def _hash_in_turn(
    queue: deque[bytes], algorithm: Algorithm, stopped: Callable[[], bool] = bool
) -> dict[bytes, bytes]:
    digests = {}
    block = memoryview(bytearray(_BLOCK))
    while not stopped():
        try:
            path = queue.popleft()
        except IndexError:  # other threads take from it as well
            break
        digests[path] = _hash_by_blocks(path, algorithm, block, stopped)
    return digests


def _hash_by_blocks(
    path: bytes, algorithm: Algorithm, block: memoryview, stopped: Callable[[], bool]
) -> bytes:
    try:
        descriptor, status = _open(path)
        size, count = status.st_size, 0
        hasher = blob_hasher(size, algorithm)
        with FileIO(descriptor) as file:
            while count <= size and not stopped() and (got := file.readinto(block)):
                hasher.update(block[:got])
                count += got
    except OSError as error:
        raise unreadable(path, error) from error
    if count != size:
        raise _changed(path, size, count)
    return hasher.digest()


def _size(path: bytes) -> int:
    try:
        return os.lstat(path).st_size
    except OSError as error:
        raise unreadable(path, error) from error
