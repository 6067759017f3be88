"""The depots, in their order, or the folder that was chosen in their place.

Julia: ``DEPOT_PATH`` and ``with_artifacts_directory`` (Artifacts.jl:29-72).
"""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.errors import ArgumentTypeError, DepotError
from fetch_artifacts.files.paths import absolute, obstacle
from fetch_artifacts.settings.depot_path import depots_from_environ
from fetch_artifacts.settings.user import expand_user

if TYPE_CHECKING:
    from collections.abc import Iterator

_process_folder: Final[list[str]] = []  # of set_artifacts_directory; at most one
_task_folder: ContextVar[str | None] = ContextVar("artifacts_directory", default=None)
_file_folders: Final[dict[str, str]] = {}  # of choose_folder_of, by Artifacts.toml
_NO_CHOICE: Final = contextlib.nullcontext()


class DepotStack(NamedTuple):
    """Where artifacts are at one moment, as text, since each look-up asks for it.

    Attributes:
        folders: The folders that hold ``<hash>`` folders, first where new ones go.
        logs: The folders for logs, first where new ones go.
        root: The first depot; None where there is none, or another folder was chosen.
    """

    folders: tuple[str, ...]
    logs: tuple[str, ...]
    root: str | None

    @classmethod
    def present(cls) -> DepotStack:
        """The depots, or the folder that was chosen in their place.

        Raises:
            SettingsError: JULIA_DEPOT_PATH names another user's home.
        """
        chosen = _task_folder.get()
        if chosen is None and _process_folder:
            chosen = _process_folder[0]
        if chosen is None:
            return _stack_of(depots_from_environ())
        return cls((chosen,), (os.path.join(chosen, "logs"),), None)


@lru_cache(maxsize=32)
def _stack_of(depots: tuple[str, ...]) -> DepotStack:
    return DepotStack(
        folders=tuple(os.path.join(depot, "artifacts") for depot in depots),
        logs=tuple(os.path.join(depot, "logs") for depot in depots),
        root=next(iter(depots), None),
    )


def depot_path() -> tuple[Path, ...]:
    """List the depots, first the one that is written to.

    Julia: ``DEPOT_PATH``, by the rules of 1.12 (initdefs.jl:105-139). Relative
    entries are taken from the working directory.

    Raises:
        SettingsError: JULIA_DEPOT_PATH names another user's home.
    """
    return tuple(Path(depot) for depot in depots_from_environ())


def artifacts_dirs(*parts: str) -> tuple[Path, ...]:
    """List where artifacts may be, first where new ones go.

    Julia: ``artifacts_dirs`` (Artifacts.jl:39-72). Inside `with_artifacts_directory`
    that is the one folder chosen there.

    Args:
        parts: Names to append to each folder.
    """
    return tuple(Path(folder, *parts) for folder in DepotStack.present().folders)


@contextlib.contextmanager
def with_artifacts_directory(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Use ``<directory>/<hash>`` in place of all depots, within a ``with`` block.

    Julia: ``with_artifacts_directory``. There the choice is the whole process's; here
    it is the current thread's or task's, and the one before returns at the end.
    """
    folder = user_path(directory)
    token = _task_folder.set(folder)
    try:
        yield Path(folder)
    finally:
        _task_folder.reset(token)


def set_artifacts_directory(directory: str | os.PathLike[str] | None) -> None:
    """Use ``<directory>/<hash>`` in place of all depots from now on, in all threads.

    Args:
        directory: The folder; None returns to the depots.
    """
    _process_folder.clear()
    if directory is not None:
        _process_folder.append(user_path(directory))


def choose_folder_of(toml: str, directory: str | os.PathLike[str]) -> None:
    """Use ``<directory>/<hash>`` for the artifacts of one file from now on.

    Args:
        toml: The Artifacts.toml, as an absolute path.
        directory: The folder.
    """
    for path in (toml, os.path.realpath(toml)):
        _file_folders[path] = user_path(directory)


def folder_of(toml: str) -> str | None:
    """Return the folder that was chosen for the artifacts of a file, if one was."""
    if not _file_folders:
        return None
    return _file_folders.get(toml) or _file_folders.get(os.path.realpath(toml))


def with_folder_of(toml: str) -> contextlib.AbstractContextManager[object]:
    """Use the folder of a file within a ``with`` block.

    Where none was chosen for the file, or a block around this one chose a folder,
    nothing changes.

    Args:
        toml: The Artifacts.toml, as an absolute path.
    """
    folder = folder_of(toml) if _file_folders else None  # asked at each look-up
    if folder is None or _task_folder.get() is not None:
        return _NO_CHOICE
    return with_artifacts_directory(folder)


def user_path(path: str | os.PathLike[str]) -> str:
    """Make a path that a user gave absolute, with ``~`` as the home folder.

    Raises:
        SettingsError: There is no home folder.
    """
    return absolute(expand_user(path))


def make_folder(path: object) -> str:
    """Make a folder that a user chose for artifacts, and return its absolute path.

    Raises:
        DepotError: It can't be made.
        ArgumentTypeError: What was given is not a path.
    """
    if not isinstance(path, (str, os.PathLike)):
        msg = f"folder for artifacts: expected a path, found {path!r}"
        raise ArgumentTypeError(msg)
    folder = user_path(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: expected a folder for artifacts, or one that can be made: "
        reason = obstacle(folder) or error.strerror or str(error)
        raise DepotError(msg + reason) from error
    return folder


def no_depot() -> DepotError:
    """The error for a depot path that names no depot."""
    msg = (
        "there is no depot: JULIA_DEPOT_PATH is set and empty; "
        "unset it for ~/.julia, or set it to a folder"
    )
    return DepotError(msg)
