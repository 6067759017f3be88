"""Which Artifacts.toml and which Project.toml belong to a source file or a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts import julia_toml
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ARTIFACTS_TOML_NAMES: Final = ("JuliaArtifacts.toml", "Artifacts.toml")
PROJECT_NAMES: Final = ("JuliaProject.toml", "Project.toml")

_Look: TypeAlias = "tuple[str | None, str | None]"


def find_artifacts_toml(path: str | os.PathLike[str]) -> Path | None:
    """Find the file that belongs to a source file or a folder, None if there is none.

    Looks into the folder and upwards, but not beyond a folder with a Project.toml, and
    not into ``/``. Julia: ``find_artifacts_toml`` (Artifacts.jl:510-539), which looks
    no further up than a relative path is written; here it is made absolute first.
    """
    folder = absolute(path)
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
    return _first_file(folder, ARTIFACTS_TOML_NAMES)


def archive_of(module: Mapping[str, Any]) -> str | None:
    """Give the archive, as a zipapp, that a module is in; None if it is in a file.

    Args:
        module: The module's global names.
    """
    archive = getattr(loader_of(module), "archive", None)
    return archive if isinstance(archive, str) else None  # as a zipimporter has


def loader_of(module: Mapping[str, Any]) -> Any:
    """Give what a module was imported by, None if that is not known."""
    loader = getattr(module.get("__spec__"), "loader", None)
    return loader or module.get("__loader__")


def _look_into(folder: str) -> _Look:
    """The file that counts in a folder, and where to look if there is none."""
    parent = os.path.dirname(folder)
    if parent == folder:
        return None, None
    is_project = _first_file(folder, PROJECT_NAMES) is not None
    return artifacts_toml_in(folder), None if is_project else parent


def _look_to_remember(folder: str) -> _Look | None:
    """As `_look_into`; None where a link's target can change the answer unnoticed."""
    names = (*ARTIFACTS_TOML_NAMES, *PROJECT_NAMES)
    links = any(os.path.islink(f"{folder}{os.sep}{name}") for name in names)
    return None if links else _look_into(folder)


# A folder's mtime changes when names come or go in it: one stat for four names.
_FOLDERS: Final = Remembered(_look_to_remember, at_most=256)


def _first_file(folder: str, names: Iterable[str]) -> str | None:
    """The path of the first of these names that is a file in a folder, if any is."""
    for name in names:
        path = f"{folder}{os.sep}{name}"
        if os.path.isfile(path):
            return path
    return None


def package_uuid(file: str) -> str | None:
    """Return the UUID of the package that a file is in, in lower case.

    None where no folder above the file has a Project.toml, or the nearest one names no
    UUID or can't be read.

    Args:
        file: An absolute path.
    """
    folder = os.path.dirname(file)
    while (parent := os.path.dirname(folder)) != folder:
        project = _first_file(folder, PROJECT_NAMES)
        if project is not None:
            return _UUIDS.get(project)
        folder = parent
    return None


def _read_uuid(path: str) -> str | None:
    try:
        uuid = julia_toml.loads(read_regular(path)).get("uuid")
    except (OSError, ValueError):
        return None
    return uuid.lower() if isinstance(uuid, str) else None


_UUIDS: Final = Remembered(_read_uuid)
