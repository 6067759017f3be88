"""Which Artifacts.toml belongs to a source file or a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeAlias

from fetch_artifacts.artifacts_toml.julia_project import PROJECT_NAMES, first_file
from fetch_artifacts.files.remembered import Remembered

ARTIFACTS_TOML_NAMES: Final = ("JuliaArtifacts.toml", "Artifacts.toml")

_Look: TypeAlias = "tuple[str | None, str | None]"


def find_artifacts_toml(path: str | os.PathLike[str]) -> Path | None:
    """Find the file that belongs to a source file or a folder, None if there is none.

    Looks into the folder and upwards, but not beyond a folder with a Project.toml, and
    not into ``/``. Julia: ``find_artifacts_toml`` (Artifacts.jl:510-539), which takes a
    relative path for one that begins nowhere; here it begins in the working directory.
    """
    folder = os.path.abspath(path)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    found = artifacts_toml_above(folder)
    return None if found is None else Path(found)


def artifacts_toml_above(folder: str) -> str | None:
    """Find the file in a folder or above it; the folder is an absolute path."""
    next_folder: str | None = folder
    while next_folder is not None:
        found, next_folder = _FOLDERS.get(next_folder) or _look_into(next_folder)
        if found is not None:
            return found
    return None


def artifacts_toml_in(folder: str) -> str | None:
    """The file in a folder that counts, None if there is none."""
    return first_file(folder, ARTIFACTS_TOML_NAMES)


def _look_into(folder: str) -> _Look:
    """The file that counts in a folder, and where to look if there is none."""
    parent = os.path.dirname(folder)
    if parent == folder:
        return None, None
    is_project = first_file(folder, PROJECT_NAMES) is not None
    return artifacts_toml_in(folder), None if is_project else parent


def _look_for_long(folder: str) -> _Look | None:
    """The same; None where what a link leads to can change it."""
    names = (*ARTIFACTS_TOML_NAMES, *PROJECT_NAMES)
    links = any(os.path.islink(f"{folder}{os.sep}{name}") for name in names)
    return None if links else _look_into(folder)


# A folder's mtime tells when a name in it came or went: one stat for four names.
_FOLDERS: Final = Remembered(_look_for_long, at_most=256)
