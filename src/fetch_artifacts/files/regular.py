"""Opening regular files to read, and nothing else, which may have no end."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import SpecialFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
"""The flag with which a link is not opened, where the system has it."""
OPEN_FILE: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
"""Flags to read what may have become anything: no FIFO waits, no terminal is taken."""
_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def kind_of_file(mode: int) -> str:
    """Name what is not a regular file, by its mode from stat."""
    return next((name for test, name in _KINDS if test(mode)), "something else")


def open_regular(path: str | os.PathLike[str]) -> io.FileIO:
    """Open a file to read; links are followed.

    Raises:
        SpecialFileError: It is a folder, a FIFO, a socket or a device.
        OSError: It can't be opened.
    """
    mode = os.stat(path).st_mode  # to open a device may do something
    if stat.S_ISREG(mode):
        file = io.FileIO(path, opener=lambda name, _: os.open(name, OPEN_FILE))
        try:
            mode = os.fstat(file.fileno()).st_mode
        except OSError:
            file.close()
            raise
        if stat.S_ISREG(mode):
            return file
        file.close()
    raise SpecialFileError(path, kind_of_file(mode))


def read_regular(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, as `open_regular` opens it.

    Raises:
        SpecialFileError: It is a folder, a FIFO, a socket or a device.
        OSError: It can't be read.
    """
    with open_regular(path) as file:
        return file.read()


def read_if_there(path: str | os.PathLike[str]) -> bytes | None:
    """Read a whole file, None where there is none or something else is in its place.

    Raises:
        OSError: It can't be read.
    """
    try:
        return read_regular(path)
    except (FileNotFoundError, NotADirectoryError, SpecialFileError):
        return None


def read_memory(path: Path) -> dict[str, Any]:
    """Read the JSON object in a file that only saves work; a broken one is empty."""
    import json

    try:
        memory = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return memory if isinstance(memory, dict) else {}
