"""Removing trees of any depth, with files and folders of any mode."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.regular import NO_FOLLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OPEN_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_INNER: Final = OPEN_FOLDER | NO_FOLLOW
_DEEPEST: Final = 32  # folders open at the same time while a tree is removed


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; a missing path is fine.

    Read-only folders are made writable first.

    Raises:
        OSError: Something could not be removed.
    """
    remove_entry(path, None, path)


def remove_entry(name: str | Path, parent: int | None, path: Path) -> None:
    """Remove what `remove_tree` does, in a folder that is held open.

    Args:
        name: The name in that folder, or a path.
        parent: The descriptor of the folder, None for the working directory.
        path: What to call it in an error.

    Raises:
        OSError: Something could not be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if os.name == "nt":
            _remove_by_path(path)
        elif not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=parent)
        else:
            with _errors_name(path):
                _open_up(name, status.st_mode, parent)
                _empty(os.open(name, _INNER, dir_fd=parent))
            os.rmdir(name, dir_fd=parent)


def empty_folder(path: Path, handle: int | None = None) -> None:
    """Remove everything in a folder, at any depth, without following links.

    Args:
        path: The folder.
        handle: Its descriptor, which stays open; opened here unless given.

    Raises:
        OSError: Something could not be removed.
    """
    if os.name == "nt":
        _empty_by_path(path)
        return
    with _errors_name(path):
        if handle is not None:
            _empty(os.dup(handle))
            return
        _open_up(path, path.stat().st_mode)
        _empty(os.open(path, OPEN_FOLDER))


def require_removable(tree: Path) -> None:
    """Refuse another user's tree with folders that only that user can empty.

    Otherwise half of it would be removed, and only that user or root could remove the
    rest.

    Raises:
        PermissionError: It has such a folder.
    """
    user = os.geteuid() if os.name != "nt" else 0
    if user == 0 or os.lstat(tree).st_uid == user:
        return
    for folder, _, _ in os.walk(tree):
        status = os.lstat(folder)
        if status.st_uid != user and not os.access(folder, os.W_OK | os.X_OK):
            reason = (
                f"only user {status.st_uid}, who installed it, or root can empty "
                f"{folder}; whoever installs with umask 002 lets the group do so"
            )
            raise PermissionError(errno.EACCES, reason, os.fspath(tree))


class _Level:
    """A folder on the way down, with the folders in it that are still to be removed."""

    def __init__(self, handle: int, name: str = "") -> None:
        self.handle = handle
        self.name = name
        self.status = os.fstat(handle)
        self.folders: list[str] = []
        while self._unlink_files():  # some disks leave entries out while others go
            self.folders.clear()

    def _unlink_files(self) -> bool:
        """Remove the files and list the folders; return whether there were files.

        Entries are read one by one: a folder may have more than fit into memory.
        """
        removed = False
        with os.scandir(self.handle) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    self.folders.append(entry.name)
                    continue
                with contextlib.suppress(FileNotFoundError):  # another process did
                    os.unlink(entry.name, dir_fd=self.handle)
                    removed = True
        return removed

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def reopen(self, below: int) -> None:
        """Open the folder again from one in it, if it was closed.

        Raises:
            OSError: That one was moved elsewhere meanwhile.
        """
        if self.handle >= 0:
            return
        handle = os.open("..", OPEN_FOLDER, dir_fd=below)
        if not os.path.samestat(os.fstat(handle), self.status):
            os.close(handle)
            raise OSError(errno.ESTALE, "it was moved while it was removed")
        self.handle = handle


def _empty(handle: int) -> None:
    """Empty an open folder, and close it.

    Descriptors are used instead of paths, so a link that someone puts where a folder
    was is not followed. Neither Python's stack, nor the number of open files, nor the
    length of paths limits the depth: folders far above are closed and opened again.
    """
    levels: list[_Level] = []
    try:
        levels.append(_Level(handle))
        while True:
            level = levels[-1]
            if level.folders:
                _descend(levels, level.folders.pop())
                continue
            if len(levels) == 1:
                return
            levels[-2].reopen(level.handle)
            levels.pop().close()
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(level.name, dir_fd=levels[-1].handle)
    finally:
        if not levels:
            os.close(handle)
        for level in levels:
            level.close()


def _descend(levels: list[_Level], name: str) -> None:
    parent = levels[-1].handle
    with contextlib.suppress(FileNotFoundError):  # another process removed it
        _open_up(name, os.lstat(name, dir_fd=parent).st_mode, parent)
        inner = os.open(name, _INNER, dir_fd=parent)
        try:
            levels.append(_Level(inner, name))
        except BaseException:
            os.close(inner)
            raise
        if len(levels) > _DEEPEST:
            levels[-_DEEPEST - 1].close()


def _open_up(path: str | Path, mode: int, parent: int | None = None) -> None:
    """Let the owner of a folder list and change it."""
    if ~mode & stat.S_IRWXU:
        with contextlib.suppress(OSError):  # not the owner, who may not need it
            os.chmod(path, stat.S_IRWXU, dir_fd=parent)


@contextlib.contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Let an error name a tree; what is at fault in it may be too deep for a path."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def _remove_by_path(path: Path) -> None:
    """Remove what is there on Windows, where only read-only files need care."""
    if path.is_dir() and not path.is_symlink():
        _empty_by_path(path)
        path.rmdir()
        return
    if not path.is_symlink():
        path.chmod(stat.S_IWRITE)
    path.unlink()


def _empty_by_path(path: Path) -> None:
    import shutil

    def retry(function: Callable[[str], object], name: str, _error: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(name, stat.S_IWRITE)
            function(name)

    for child in path.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, onerror=retry)
        else:
            if not child.is_symlink():
                child.chmod(stat.S_IWRITE)
            child.unlink(missing_ok=True)
