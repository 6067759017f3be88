"""Where artifacts are: the depots, the folders in them, and what overrides them.

Julia: the part of ``Artifacts.jl`` that turns a hash into a path (218-272). Reading
goes through all depots; for writing, see `fetch_artifacts.depot.staging`.
"""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.search import package_uuid
from fetch_artifacts.depot import overrides
from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.removing import remove_tree
from fetch_artifacts.settings.depot_path import depots_from_environ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.digests import TreeHash

_process_folder: Final[list[str]] = []  # of set_artifacts_directory; at most one
# The trees that packages bind to names that are overridden, by UUID and name.
_packages: Final[dict[str, dict[str, frozenset[TreeHash]]]] = {}
_task_folder: ContextVar[str | None] = ContextVar("artifacts_directory", default=None)


def depot_path() -> tuple[Path, ...]:
    """List the depots, first the one that is written to.

    Julia: ``DEPOT_PATH``, by the rules of 1.12 (initdefs.jl:105-139). Relative
    entries are taken from the working directory.

    Raises:
        SettingsError: JULIA_DEPOT_PATH names another user's home.
    """
    return tuple(Path(depot) for depot in depots_from_environ())


def _chosen_folder() -> str | None:
    chosen = _task_folder.get()
    if chosen is None and _process_folder:
        return _process_folder[0]
    return chosen


@dataclass(frozen=True, slots=True)
class Depots:
    """Where artifacts are at this moment, as text: for what is done at each look-up.

    Attributes:
        folders: The folders that hold ``<hash>`` folders, first where new ones go.
        root: The first depot; None where there is none, or another folder was chosen.
    """

    folders: tuple[str, ...]
    root: str | None

    @classmethod
    def present(cls) -> Depots:
        """The depots, or the folder that was chosen in their place.

        Raises:
            SettingsError: JULIA_DEPOT_PATH names another user's home.
        """
        chosen = _chosen_folder()
        return (
            _depots_of(depots_from_environ())
            if chosen is None
            else cls((chosen,), None)
        )


@lru_cache(maxsize=32)
def _depots_of(roots: tuple[str, ...]) -> Depots:
    folders = tuple(os.path.join(root, "artifacts") for root in roots)
    return Depots(folders, next(iter(roots), None))


def artifacts_dirs(*parts: str) -> tuple[Path, ...]:
    """List where artifacts may be, first where new ones go.

    Julia: ``artifacts_dirs`` (Artifacts.jl:39-72). Inside `with_artifacts_directory`
    that is the one folder chosen there.

    Args:
        parts: Names to append to each folder.
    """
    return tuple(Path(folder, *parts) for folder in Depots.present().folders)


def log_folders() -> tuple[Path, ...]:
    """List the folders for logs, first where new ones go."""
    chosen = _chosen_folder()
    roots = depot_path() if chosen is None else (Path(chosen),)
    return tuple(root / "logs" for root in roots)


@contextlib.contextmanager
def with_artifacts_directory(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Use ``<directory>/<hash>`` in place of all depots, within a ``with`` block.

    Julia: ``with_artifacts_directory``. There the choice is the whole process's; here
    it is the current thread's or task's, and the one before returns at the end.
    """
    folder = os.path.abspath(os.path.expanduser(directory))
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
        _process_folder.append(os.path.abspath(os.path.expanduser(directory)))


def honor_package_overrides(
    package: object, table: Mapping[str, Any], path: Path | None = None
) -> None:
    """Let a package's overrides by name count from now on, for the whole process.

    Julia: ``process_overrides`` (Artifacts.jl:341-375).

    Args:
        package: The package's UUID.
        table: What its Artifacts.toml says.
        path: The file, for messages.

    Raises:
        OverrideError: An Overrides.toml can't be followed, or a name that is
            overridden has an entry without a hash.
    """
    stated = overrides.load_overrides(Depots.present().folders)
    _honor(str(package).lower(), table, path, stated)


def _honor(
    uuid: str,
    table: Mapping[str, Any],
    path: Path | None,
    stated: overrides.Overrides,
) -> None:
    names = stated.by_name.get(uuid, {}).keys() & table.keys()
    hashes = {n: frozenset(overrides.bound_hashes(n, table[n], path)) for n in names}
    known = _packages.setdefault(uuid, {})
    known |= {name: hashes[name] | known.get(name, frozenset()) for name in names}


def honor_overrides_of(toml: str) -> None:
    """Do the same for the package that a file belongs to, if it belongs to one.

    Julia: what ``artifact"name"`` does first (Artifacts.jl:560-565).

    Args:
        toml: The Artifacts.toml, as an absolute path.

    Raises:
        OverrideError: As `honor_package_overrides`.
        ArtifactsTomlError: The file can't be read.
    """
    _honor_file(toml, overrides.load_overrides(Depots.present().folders))


def _honor_file(toml: str, stated: overrides.Overrides) -> None:
    uuid = package_uuid(toml) if stated.by_name else None
    if uuid is not None:
        _honor(uuid, load_artifacts_toml(toml), Path(toml), stated)


def present_overrides() -> overrides.Overrides:
    """What all Overrides.toml say at this moment, packages' names included.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return _with_packages(overrides.load_overrides(Depots.present().folders))


def _with_packages(stated: overrides.Overrides) -> overrides.Overrides:
    if stated.by_name:
        for package, bound in _packages.items():
            stated = stated.for_package(package, bound)
    return stated


def artifact_paths(
    tree_hash: TreeHash, *, honor_overrides: bool = True
) -> tuple[Path, ...]:
    """List every place where a tree may be, whether or not it is there.

    Julia: ``artifact_paths`` (Artifacts.jl:224-234). An overridden tree has one place.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    folders = Depots.present().folders
    if honor_overrides:
        found = _with_packages(overrides.load_overrides(folders))
        return overrides.artifact_paths(tree_hash, folders, found)
    name = str(tree_hash)
    return tuple([Path(folder, name) for folder in folders])


def find_artifact(
    tree_hash: TreeHash,
    depots: Depots | None = None,
    *,
    toml: str | None = None,
    honor_overrides: bool = True,
) -> Path | None:
    """Give the folder of an installed tree, None where no depot has it.

    Args:
        tree_hash: The tree.
        depots: Where to look; the present ones unless given.
        toml: The Artifacts.toml that binds it, whose package's overrides shall count.
        honor_overrides: Whether to look where an Overrides.toml leads to.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    folders = (depots or Depots.present()).folders
    stated = overrides.load_overrides(folders) if honor_overrides else None
    if stated and (stated.by_hash or stated.by_name):
        if toml is not None:
            _honor_file(toml, stated)
        found = _with_packages(stated)
        paths = overrides.artifact_paths(tree_hash, folders, found)
        return next((path for path in paths if path.is_dir()), None)
    name = str(tree_hash)
    for folder in folders:  # as text: this is the way of each warm look-up
        path = f"{folder}{os.sep}{name}"
        if os.path.isdir(path):
            return _path(path)
    return None


_path: Final = lru_cache(maxsize=256)(Path)  # to make one takes as long as a stat


def artifact_path(tree_hash: TreeHash, *, honor_overrides: bool = True) -> Path:
    """Give the folder of a tree, or where it would be installed.

    Julia: ``artifact_path`` (Artifacts.jl:245-258).

    Raises:
        DepotError: There is no depot at all.
        OverrideError: An Overrides.toml can't be followed.
    """
    paths = artifact_paths(tree_hash, honor_overrides=honor_overrides)
    if not paths:
        raise no_depot()
    return next((path for path in paths if path.is_dir()), paths[0])


def artifact_exists(tree_hash: TreeHash, *, honor_overrides: bool = True) -> bool:
    """Whether some depot has the tree; nothing in it is looked at.

    Julia: ``artifact_exists`` (Artifacts.jl:270-272).

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return find_artifact(tree_hash, honor_overrides=honor_overrides) is not None


def is_overridden(tree_hash: TreeHash) -> bool:
    """Whether some Overrides.toml sends this tree elsewhere.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return present_overrides().resolve(tree_hash) is not None


def remove_artifact(tree_hash: TreeHash) -> None:
    """Delete a tree from every depot; an overridden one is left alone.

    Julia: ``remove_artifact`` (Pkg.jl Artifacts.jl:117-131).

    Raises:
        DepotError: A folder could not be deleted.
        OverrideError: An Overrides.toml can't be followed.
    """
    if is_overridden(tree_hash):
        return
    for path in artifact_paths(tree_hash, honor_overrides=False):
        try:
            remove_tree(path)
        except OSError as error:
            msg = f"{path}: could not be removed: {error.strerror or error}"
            raise DepotError(msg) from error


def verify_artifact(tree_hash: TreeHash, *, honor_overrides: bool = False) -> bool:
    """Whether an installed tree still hashes to its name.

    Julia: ``verify_artifact`` (Pkg.jl Artifacts.jl:140-155). A missing tree does not,
    an overridden one does unless ``honor_overrides``. For links whose target is not
    ASCII, both Julia's value and git's count.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    if not honor_overrides and is_overridden(tree_hash):
        return True
    from fetch_artifacts.git_tools.tree_hash import verify_directory

    path = find_artifact(tree_hash, honor_overrides=honor_overrides)
    return path is not None and verify_directory(path, tree_hash) == tree_hash


def no_depot() -> DepotError:
    """The error for a depot path that names no depot."""
    msg = (
        "there is no depot: JULIA_DEPOT_PATH is set and empty; "
        "unset it for ~/.julia, or set it to a folder"
    )
    return DepotError(msg)
