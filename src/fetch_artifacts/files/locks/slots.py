"""Names in a folder that are locked while their process works on what is there.

A slot is two entries of a folder:

- ``jl_<random>``, a tree (Julia's own prefix for temporary folders, file.jl:722), and
- ``jl_<random>.lock``, a file with ``<pid> <host>``, on which its process holds a lock
  of the system (flock) for as long as it works on the tree.

So a lock that ends with its process shows what is in use. The next process removes what
a dead one left. What belongs to a host whose locks may not be visible here is removed
after a week, and renamed first, so that whoever still works on it can't publish half.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.folder import close
from fetch_artifacts.files.locks.lock_file import (
    hold_by_system,
    may_be_alive,
    parse_holder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.files.folder import Folder

_log = logging.getLogger(__name__)

STAGED: Final = "jl_"
_LOCK: Final = ".lock"
_ABANDONED_AFTER: Final = 7 * 24 * 60 * 60.0  # seconds, on a host that can't be asked
_NAMED_AFTER: Final = 60.0  # seconds in which a process writes its name into its lock
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_LONGEST_LOCK: Final = 512  # bytes that are read of a lock


@contextlib.contextmanager
def locked_slot(folder: Folder) -> Iterator[str]:
    """Give a free name, locked as in use.

    What has that name at the end is removed.

    Raises:
        OSError: The folder can't be written.
    """
    name, lock = _lock_new_name(folder)
    try:
        yield name
    finally:
        try:
            _clear(folder, name, lock)
        except KeyboardInterrupt:  # in the midst of it; nothing is left half removed
            _clear(folder, name, lock)
            raise


def _clear(folder: Folder, name: str, lock: int) -> None:
    # What can't be removed now keeps its lock file, for the next `sweep_slots`.
    with contextlib.suppress(OSError):
        folder.remove(name)
        _unlock(folder, name, lock)
        return
    close(lock)


def sweep_slots(
    folder: Folder, *, other: Folder | None = None, owner: int | None = None
) -> None:
    """Remove what dead processes left; what can't be removed stays.

    Args:
        folder: The folder of the slots.
        other: Where what has a slot's name may have been renamed to.
        owner: Whose slots to sweep, where others can write to the folder.

    Raises:
        OSError: The folder can't be listed.
    """
    for name in folder.names():
        if name.startswith(STAGED) and name.endswith(_LOCK):
            with contextlib.suppress(OSError):
                slot = name.removesuffix(_LOCK)
                if owner in {None, folder.status(name).st_uid}:
                    _sweep(folder, slot, other)


def _lock_new_name(folder: Folder) -> tuple[str, int]:
    """Make a lock file with a new name; return the name and the file's descriptor."""
    while True:
        name = STAGED + secrets.token_hex(8)
        try:
            lock = folder.open(name + _LOCK, _NEW, 0o600)
        except OSError as error:
            error.filename = os.fspath(folder.path)  # no user knows of the lock
            raise
        try:
            if hold_by_system(lock) is not False:
                os.write(lock, f"{os.getpid()} {socket.gethostname()}".encode())
                with contextlib.suppress(FileNotFoundError):  # a sweep took it
                    folder.status(name + _LOCK)
                    return name, lock
        except BaseException:
            _unlock(folder, name, lock)
            raise
        _unlock(folder, name, lock)  # a sweep looks at it right now


def _unlock(folder: Folder, name: str, lock: int) -> None:
    if os.name == "nt":  # which removes no open file
        close(lock)
        folder.unlink(name + _LOCK)
        return
    folder.unlink(name + _LOCK)
    close(lock)


def _sweep(folder: Folder, name: str, other: Folder | None) -> None:
    """Remove a tree and its lock, if it is certain that nobody works on the tree.

    Raises:
        OSError: Something can't be removed, or the lock is gone.
    """
    lock = folder.open_regular(name + _LOCK)
    try:
        taken = hold_by_system(lock)
        if taken is False or not _is_abandoned(lock, taken=bool(taken)):
            return
        if os.name == "nt":
            close(lock)
            lock = -1
            folder.unlink(name + _LOCK)  # fails while its maker has it open
        aside = f"{name}.old"
        with contextlib.suppress(FileNotFoundError):
            folder.rename(name, folder, aside)
        folder.remove(aside)
        if other is not None:
            other.remove(name)
        folder.unlink(name + _LOCK)
        _log.debug("%s: removed what a dead process left", folder.path / name)
    finally:
        if lock >= 0:
            close(lock)


def _is_abandoned(lock: int, *, taken: bool) -> bool:
    """Whether nobody can be working on the tree of a lock file.

    Args:
        lock: The file.
        taken: Whether the system's lock on it was free.
    """
    content = os.read(lock, _LONGEST_LOCK)
    pid, host = parse_holder(content)
    if pid and host == socket.gethostname():
        # Two mounts of one network folder may not see each other's locks.
        alive = pid != os.getpid() and may_be_alive(pid, host)
        if os.name == "nt" or (taken and not alive):
            return True
    age = time.time() - os.fstat(lock).st_mtime
    # A lock is still empty if its process was killed at once. A process that was only
    # paused sees that its lock is gone, before it makes a tree.
    return age > (_ABANDONED_AFTER if content else _NAMED_AFTER)
