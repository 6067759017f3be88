"""Absolute paths that lead where the given ones lead, and the folders on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

_IN_THE_WAY: Final = frozenset(
    {errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENOENT, errno.ENXIO}
)
_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


def absolute(path: str | os.PathLike[str]) -> str:
    """Make a path absolute, without ``.`` and ``..``.

    Unlike `os.path.abspath`, this goes up from where a link leads, as the system does:
    if ``link`` leads to ``/a/b``, ``link/../file`` is ``/a/file``. Other links stay as
    they are.
    """
    text = os.fspath(path)
    if ".." not in text or os.name == "nt":  # Windows itself goes by the text
        return os.path.abspath(text)
    folder = os.sep
    for part in os.path.join(os.getcwd(), text).split(os.sep):
        if part == "..":
            real = os.path.realpath(folder) if os.path.islink(folder) else folder
            folder = os.path.dirname(real)
        elif part not in {"", "."}:
            folder = os.path.join(folder, part)
    return folder


def obstacle(folder: str | os.PathLike[str]) -> str:
    """Say what stands where a folder, or one above it, should be; "" if nothing does.

    Args:
        folder: The folder, as an absolute path.
    """
    path = Path(folder)
    for part in (*reversed(path.parents), path):
        try:
            if stat.S_ISDIR(part.stat().st_mode):
                continue
        except OSError as error:
            if error.errno not in _NOT_THERE:
                return ""  # it may well be a folder
        if os.path.islink(part):
            target = os.readlink(part)
            return (
                f"{part} is a link to {target}, where there is no folder; make it, or "
                "remove the link"
            )
        return f"{part} is not a folder; remove it" if os.path.lexists(part) else ""
    return ""


def hindrance(folder: str | os.PathLike[str], error: Exception) -> str:
    """Say why something can't be made in a folder.

    That is the `obstacle` where there is one; else what the error says, with the path
    where that is of something in the way of a file.
    """
    reason = str(getattr(error, "strerror", None) or error)
    if isinstance(error, OSError) and is_in_the_way(error):
        reason = f"{error.filename}: {reason}"
    return obstacle(folder) or reason


def is_in_the_way(error: OSError) -> bool:
    """Whether an error is about something that is not what it should be."""
    return bool(error.filename) and error.errno in _IN_THE_WAY


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Other than `Path.mkdir`, this succeeds on NFS while another machine makes them too:
    a client that knew a name as free goes on to say so after the server has told it
    that the name is taken.

    Raises:
        OSError: It can't be made, or something else has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        for above in reversed(folder.parents):
            look_anew(above)
        folder.mkdir(parents=True, exist_ok=True)


def look_anew(folder: str | os.PathLike[str]) -> None:
    """Make sure that later look-ups see what is in a folder now.

    A client of NFS answers for up to a minute from what it remembers of names, and of
    names that were free; it asks the server again about a folder that is opened.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(folder, os.O_RDONLY))
