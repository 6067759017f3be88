"""Which Artifacts.toml a command uses, and the settings of the project around it."""

from __future__ import annotations

import os
from pathlib import Path

from fetch_artifacts.artifacts_toml.file import not_there
from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.errors import ArtifactsTomlNotFoundError
from fetch_artifacts.settings.project import nearest_pyproject
from fetch_artifacts.settings.pyproject import artifacts_toml_of_project, read_table


def named_or_found(toml_path: Path | None) -> Path:
    """Give the file named, the project's, or the one found from here upwards.

    Raises:
        ArtifactsTomlNotFoundError: There is none.
        SettingsError: The pyproject.toml can't be understood.
    """
    here = Path.cwd()
    named = toml_path or artifacts_toml_of_project(here)
    if named is not None and (named.is_dir() or not os.path.lexists(named)):
        raise not_there(named)
    found = named.absolute() if named else find_artifacts_toml(here)
    if found is None:
        raise _none_found(here)
    return found


def tomls_below(folder: Path) -> list[Path]:
    """The files of this kind one and two folders further down, as in a src layout."""
    found = [*folder.glob("*/*Artifacts.toml"), *folder.glob("*/*/*Artifacts.toml")]
    return [path for path in found if path.is_file()]


def _none_found(here: Path) -> ArtifactsTomlNotFoundError:
    below = sorted(path.relative_to(here) for path in tomls_below(here))
    hint = "name one with --toml, or make one with `fetch-artifacts add` or `publish`"
    if below:
        hint = (
            f"there is {below[0]}: name it with --toml, or as artifacts-toml of "
            "[tool.fetch-artifacts] in pyproject.toml"
        )
    msg = (
        f"no Artifacts.toml in {here} or above it up to the nearest Project.toml; "
        f"{hint}"
    )
    return ArtifactsTomlNotFoundError(msg, searched=[here])


def require_project(folder: Path) -> None:
    """Check all settings of the project around a folder, whichever are needed.

    Raises:
        SettingsError: One of them can't be understood; the message names it.
    """
    path = nearest_pyproject(folder)
    if path is None or not read_table(path):
        return
    from fetch_artifacts.network.credentials import Credentials
    from fetch_artifacts.platforms.host_facts import platform_of_project
    from fetch_artifacts.settings.environment import Settings
    from fetch_artifacts.settings.mirrors import mirrors_of

    mirrors_of({}, folder)
    platform_of_project(folder)
    Credentials.load(Settings.from_environ(), folder)
