"""Absolute paths that lead where the given ones lead."""

from __future__ import annotations

import os


def absolute(path: str | os.PathLike[str]) -> str:
    """Make a path absolute, without ``.`` and ``..``.

    Other than `os.path.abspath`, this goes up from where a link leads, as the system
    does: of ``link/../file`` and a link to ``/a/b``, ``/a/file`` is meant. Other links
    stay as they are.
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
