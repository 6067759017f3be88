"""Changing a file that others change as well: lock, read, change, look, write."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.files.folder import Folder, outlast_stale, require_own_link
from fetch_artifacts.files.locks.pidlock import LockLostError, pid_lock
from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.files.locks.pidlock import PidLock

_STALE_AGE: Final = 10.0  # seconds; a change takes milliseconds
_STARTS: Final = 100  # where others change the file all the time

FileChange: TypeAlias = "Callable[[bytes | None], bytes | str | None]"
"""Gives the new content for the present one; None to leave it."""


class _ChangedMeanwhileError(Exception):
    """What was read is no longer what is there."""


def rewrite(
    path: str | os.PathLike[str],
    change: FileChange,
    *,
    shared: bool = False,
    timeout: float | None = None,
) -> bool:
    """Change a file in one step, so that nobody's change of it is lost.

    The lock is ``<file>.pid`` beside the file that the path leads to, so that all who
    reach it through links exclude each other.

    Right before the file is replaced, it and the lock are checked again: editors take
    no lock, and a lock can be lost while a process is paused. If either has changed,
    the change is made again from what is there; so it is, too, where a network file
    system no longer finds a file.

    Args:
        path: The file, which may be missing; its folder must exist.
        change: Called with the content, None where there is no file; maybe repeatedly.
            Text becomes UTF-8.
        shared: Whether others may write to the folder. Their links are refused, and
            so is a file with several names; else it keeps them.
        timeout: Seconds to wait for the lock, None to wait as long as it takes.

    Returns:
        Whether the file was written.

    Raises:
        LockTimeoutError: The lock was not free in time.
        OSError: The file can't be read or written, or the lock can't be made.
    """
    try:
        return outlast_stale(
            lambda: _rewrite(Path(path), change, shared=shared, timeout=timeout),
            tries=_STARTS,
        )
    except PermissionError as error:
        if str(error.filename).endswith(".pid"):  # its user knows of no such file
            error.filename = os.path.dirname(error.filename)
        raise


def _rewrite(
    path: Path, change: FileChange, *, shared: bool, timeout: float | None
) -> bool:
    target = path
    if shared:
        require_own_link(target)
    if not shared or target.is_symlink():
        target = Path(os.path.realpath(target))
    if not shared:
        _content(target, shared=shared)  # refuses a device before it gets a lock
    lock = Path(f"{target}.pid")
    for _ in range(_STARTS):
        with pid_lock(
            lock, stale_age=_STALE_AGE, timeout=timeout, shared=shared
        ) as held:
            content = _content(target, shared=shared)
            new = change(content)
            if new is None:
                return False
            new = new.encode("utf-8") if isinstance(new, str) else new
            try:
                _write(target, new, content, held, shared=shared)
            except (_ChangedMeanwhileError, LockLostError):
                continue
            return True
    raise OSError(errno.EBUSY, "other processes keep changing it", os.fspath(path))


def _write(
    target: Path, new: bytes, old: bytes | None, lock: PidLock, *, shared: bool
) -> None:
    def look_again() -> None:
        if _content(target, shared=shared) != old:
            raise _ChangedMeanwhileError
        lock.require_ours()

    try:
        with replacing(
            target, before=look_again, keep_names=not shared, shared=shared
        ) as file:
            file.write(new)
    except OSError as error:
        # It may have been replaced although the system says ESTALE.
        if error.errno != errno.ESTALE or _content(target, shared=shared) != new:
            raise


def _content(path: Path, *, shared: bool) -> bytes | None:
    try:
        if not shared:
            return read_regular(path)
        with Folder.hold_shared(path.parent) as folder:
            handle = folder.open_regular(path.name)
            with os.fdopen(handle, "rb") as file:
                return file.read()
    except FileNotFoundError:
        return None
