"""The Julia package that a file belongs to, as its Project.toml tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts import julia_toml
from fetch_artifacts.files.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT_NAMES: Final = ("JuliaProject.toml", "Project.toml")


def first_file(folder: str, names: Iterable[str]) -> str | None:
    """The path of the first of these names that is a file in a folder, if any is."""
    for name in names:
        path = f"{folder}{os.sep}{name}"
        if os.path.isfile(path):
            return path
    return None


def package_uuid(file: str) -> str | None:
    """Give the UUID of the package that a file is in, in lower case.

    None where no folder above the file has a Project.toml, or the nearest one names no
    UUID or can't be read.

    Args:
        file: An absolute path.
    """
    folder = os.path.dirname(file)
    while (parent := os.path.dirname(folder)) != folder:
        project = first_file(folder, PROJECT_NAMES)
        if project is not None:
            return _UUIDS.get(project)
        folder = parent
    return None


def _read_uuid(path: str) -> str | None:
    try:
        uuid = julia_toml.loads(Path(path).read_bytes()).get("uuid")
    except (OSError, ValueError):
        return None
    return uuid.lower() if isinstance(uuid, str) else None


_UUIDS: Final = Remembered(_read_uuid)
