"""How much disk space installed trees take, remembered for those that did not change.

A tree counts as unchanged while none of its folders has changed: then no file was
added, removed or replaced. Files that are rewritten in place are not noticed; installed
ones are read-only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.regular import read_memory
from fetch_artifacts.settings.environment import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MEMORY: Final = "tree-sizes"
_FOLDERS_AT_MOST: Final = 10_000  # of a tree that is remembered
_UNSETTLED: Final = 2_500_000_000  # nanoseconds; FAT keeps times in steps of 2 s
_BLOCK: Final = 512  # bytes; st_blocks counts in these everywhere

_Stamps: TypeAlias = "list[list[Any]]"
"""For each folder: its path in the tree, its mtime in nanoseconds and its inode."""
_Entry: TypeAlias = "tuple[int, int, _Stamps]"
"""For a tree: its bytes on disk, its number of files, and its folders."""


@dataclass(frozen=True, slots=True)
class TreeSize:
    """The disk space that a tree takes.

    Attributes:
        bytes: On disk, folders included; a file with several names in it counts once.
        files: The number of files and links.
    """

    bytes: int
    files: int


class TreeSizes:
    """The sizes of the trees of one ``artifacts`` folder.

    Args:
        artifacts: The folder.
    """

    def __init__(self, artifacts: Path) -> None:
        name = hashlib.sha256(os.fsencode(os.path.realpath(artifacts))).hexdigest()
        folder = Settings.from_environ().user_cache / _MEMORY
        self._memory = folder / f"{name[:16]}.json"
        # `_is_unchanged` checks the entries that are asked for.
        self._known: dict[str, _Entry] = read_memory(self._memory)
        self._found: dict[str, _Entry] = {}
        self._has_news = False

    def of(self, tree: Path) -> TreeSize:
        """Give the size of a tree.

        Raises:
            OSError: It can't be read.
        """
        known = self._known.get(tree.name)
        if known is None or not _is_unchanged(tree, known):
            size, stamps = _measure(tree)
            known = size.bytes, size.files, stamps
            self._has_news = True
        self._found[tree.name] = known
        return TreeSize(known[0], known[1])

    def save(self) -> None:
        """Remember the trees that were asked for, and no others."""
        if not self._has_news and self._found.keys() == self._known.keys():
            return
        newest = time.time_ns() - _UNSETTLED
        kept = {
            name: entry
            for name, entry in self._found.items()
            if len(entry[2]) <= _FOLDERS_AT_MOST
            and all(mtime < newest for _, mtime, _ in entry[2])
        }
        if kept == self._known:
            return
        from fetch_artifacts.files.writing import write_atomically

        with contextlib.suppress(OSError):  # it only saves work
            make_folders(self._memory.parent)
            write_atomically(self._memory, json.dumps(kept, separators=(",", ":")))


def measure_tree(tree: Path) -> TreeSize:
    """Measure a tree, whatever is remembered.

    Raises:
        OSError: It can't be read.
    """
    return _measure(tree)[0]


def _is_unchanged(tree: Path, known: _Entry) -> bool:
    """Whether a remembered entry is well-formed, and each folder is as it was."""
    root = os.fspath(tree)
    try:
        size, files, stamps = known
        if type(size) is not int or type(files) is not int:
            return False
        for inner, mtime, inode in stamps:
            status = os.lstat(f"{root}/{inner}" if inner else root)
            if status.st_mtime_ns != mtime or status.st_ino != inode:
                return False
    except (OSError, ValueError, TypeError):
        return False
    return bool(stamps)


def _measure(tree: Path) -> tuple[TreeSize, _Stamps]:
    size = files = 0
    stamps: _Stamps = []
    linked: set[tuple[int, int]] = set()
    for inner, status in _walk(os.fspath(tree)):
        if stat.S_ISDIR(status.st_mode):
            stamps.append([inner, status.st_mtime_ns, status.st_ino])
        else:
            files += 1
            if status.st_nlink > 1:
                key = status.st_dev, status.st_ino
                if key in linked:
                    continue
                linked.add(key)
        size += status.st_blocks * _BLOCK if _HAS_BLOCKS else status.st_size
    return TreeSize(size, files), stamps


_HAS_BLOCKS: Final = hasattr(os.stat_result, "st_blocks")


def _walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all in a tree with their status; the paths of folders are relative."""
    yield "", os.lstat(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(f"{root}/{folder}" if folder else root) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    inner = f"{folder}/{entry.name}" if folder else entry.name
                    folders.append(inner)
                    yield inner, status
                else:
                    yield "", status
