"""Bringing what was written to the disk itself, before it is renamed into place.

A file system may write a rename to the disk before the bytes of what was renamed: after
a power cut, a name is there whose files are empty (ext4, xfs).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.files.folder import Folder

# What a file system that has nothing to flush answers.
_NOTHING_TO_FLUSH: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})


def flush_tree(folder: Folder) -> None:
    """Wait until all in a folder is on the disk.

    Linux flushes the whole file system in one step, with what others have just written
    to it; elsewhere each file and folder is flushed.

    Raises:
        OSError: The disk refused it.
    """
    if folder.handle is not None and _is_in_memory(folder.handle):
        return
    if folder.handle is None or not (sync := _syncfs()):
        for prefix, names, handle in folder.walk():
            for name in names:
                _flush(prefix + name, handle)
            if handle is not None:
                flush_file(handle)
    else:
        sync(folder.handle)


def flush_file(handle: int) -> None:
    """Wait until an open file is on the disk, where the file system has one.

    Raises:
        OSError: The disk refused it.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOTHING_TO_FLUSH:
            raise


def _flush(name: str, parent: int | None) -> None:
    # Windows flushes only files open for writing, which read-only ones can't be.
    flags = os.O_RDWR if os.name == "nt" else os.O_RDONLY
    with contextlib.suppress(PermissionError):
        if stat.S_ISREG(os.lstat(name, dir_fd=parent).st_mode):
            handle = os.open(name, flags, dir_fd=parent)
            try:
                flush_file(handle)
            finally:
                os.close(handle)


def _is_in_memory(handle: int) -> bool:
    """Whether an open file is on a file system in memory, which a power cut erases."""
    device = os.fstat(handle).st_dev
    number = f" {os.major(device)}:{os.minor(device)} "
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mount = next((line for line in file if number in line), "")
    except OSError:
        return False
    return mount.partition(" - ")[2].split(" ", 1)[0] in {"tmpfs", "ramfs"}


@lru_cache(maxsize=1)
def _syncfs() -> Callable[[int], None] | None:
    """The system call syncfs, None where there is none."""
    try:
        import ctypes

        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, AttributeError, TypeError):
        return None

    def sync(handle: int) -> None:
        if function(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return sync
