"""Bringing what was written to the disk itself, before it is renamed into place.

A file system may write a rename to the disk before the bytes of what was renamed: after
a power cut, a name is there whose files are empty (ext4, xfs).
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.files.folder import Folder


def flush_tree(folder: Folder) -> None:
    """Wait until all in a folder is on the disk.

    Linux does it for a whole file system in one step, and so for what others just
    wrote to it; elsewhere each file and folder is flushed.

    Raises:
        OSError: The disk did not take it.
    """
    sync = _syncfs()
    if sync is not None and folder.handle is not None:
        sync(folder.handle)
        return
    for prefix, names, handle in folder.walk():
        for name in names:
            _flush(prefix + name, handle)
        if handle is not None:
            os.fsync(handle)


def _flush(name: str, parent: int | None) -> None:
    # Windows flushes no file that was opened to read; it opens no read-only one else.
    flags = os.O_RDWR if os.name == "nt" else os.O_RDONLY
    with contextlib.suppress(PermissionError):
        if stat.S_ISREG(os.lstat(name, dir_fd=parent).st_mode):
            handle = os.open(name, flags, dir_fd=parent)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


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
