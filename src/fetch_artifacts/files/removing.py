"""Removing trees of any depth, with files and folders of any mode."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPEN_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_DEEPEST: Final = 32  # folders open at the same time while a tree is removed


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; a missing path is fine.

    Read-only folders are made writable first.

    Raises:
        OSError: Something could not be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            empty_folder(path)
            path.rmdir()


def empty_folder(path: Path) -> None:
    """Remove everything in a folder, at any depth, without following links.

    Raises:
        OSError: Something could not be removed.
    """
    if os.name == "nt":
        _empty_by_path(path)
        return
    folder = os.fsencode(path)
    try:
        _open_up(folder, path.stat().st_mode)
        handle = os.open(folder, OPEN_FOLDER)
        try:
            while _empty(handle, handle, _DEEPEST):
                pass
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = os.fspath(path)  # what is at fault may be too deep for one
        raise


def _empty(folder: int, top: int, levels: int) -> bool:
    """Empty an open folder; tells whether some folders were moved to the top instead.

    Those are more than `levels` below, so neither Python's stack, nor the number of
    open files, nor the length of paths limits the depth of a tree. With descriptors in
    place of paths, a link that someone puts where a folder was leads nowhere else.
    """
    with os.scandir(folder) as entries:
        found = list(entries)
    moved = False
    for entry in found:
        name = entry.name
        with contextlib.suppress(FileNotFoundError):  # another process removed it
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(name, dir_fd=folder)
                continue
            _open_up(name, entry.stat(follow_symlinks=False).st_mode, folder)
            if not levels:
                new = os.urandom(8).hex()
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
                moved = True
                continue
            inner = os.open(name, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            try:
                moved |= _empty(inner, top, levels - 1)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
    return moved


def _open_up(path: bytes | str, mode: int, parent: int | None = None) -> None:
    """Let the owner of a folder list and change it."""
    if ~mode & stat.S_IRWXU:
        with contextlib.suppress(OSError):  # not the owner, who may not need it
            os.chmod(path, stat.S_IRWXU, dir_fd=parent)


def _empty_by_path(path: Path) -> None:
    """Empty a folder on Windows, where only read-only files need care."""
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
