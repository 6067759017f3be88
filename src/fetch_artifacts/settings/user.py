"""What is the user's own: the home folder, and the Julia on PATH.

Apart from `environment`, since each look-up of an artifact needs it.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from fetch_artifacts.errors import SettingsError


@lru_cache(maxsize=8)
def find_julia(named: str | None, path: str | None) -> Path | None:
    """Give the Julia executable of this name, or the one on PATH, if there is one."""
    import shutil

    found = shutil.which(named or "julia", path=path)
    return Path(found) if found else None


def home_folder() -> str:
    """Return the home folder: what HOME says, else what the system knows of the user.

    Raises:
        SettingsError: There is none, as for a user whom /etc/passwd lacks.
    """
    home = os.path.expanduser("~")
    if _has_empty_home() or not os.path.isabs(home):
        found = repr(os.environ["HOME"]) if os.environ.get("HOME") else "none"
        msg = (
            f"home folder: expected an absolute path, found {found}; "
            "set HOME, or JULIA_DEPOT_PATH to where artifacts go"
        )
        raise SettingsError(msg)
    return home


def expand_user(path: str | os.PathLike[str]) -> str:
    """Put the home folder in place of ``~`` at the start of a path, as shells do.

    Raises:
        SettingsError: There is no home folder, or no user of the name after ``~``.
    """
    text = os.fspath(path)
    expanded = os.path.expanduser(text)
    if not text.startswith("~"):
        return text
    if _has_empty_home() or not os.path.isabs(expanded):
        if text in {"~", f"~{os.sep}"} or text[1] in {"/", os.sep}:
            home_folder()
        msg = f"{text}: expected a user with a home folder after ~, found none"
        raise SettingsError(f"{msg}; write ./{text} for a folder of that name")
    return expanded


def _has_empty_home() -> bool:
    """Whether HOME is set and empty, which to `os.path.expanduser` means ``/``."""
    return os.name != "nt" and os.environ.get("HOME") == ""
