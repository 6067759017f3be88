"""Where a tree is: in one of the depots, or where an override sends it.

Julia: the part of ``Artifacts.jl`` that turns a hash into a path (218-272). Reading
goes through all depots; for writing, see `fetch_artifacts.depot.staging`.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fetch_artifacts.depot import overrides
from fetch_artifacts.depot.package_overrides import PROCESS_OVERRIDES
from fetch_artifacts.depot.stack import DepotStack, no_depot

if TYPE_CHECKING:
    from fetch_artifacts.depot.package_overrides import PackageOverrides
    from fetch_artifacts.digests import TreeHash


class TreeLocation(NamedTuple):
    """Where a tree may be, by the depots and overrides at one moment.

    Attributes:
        paths: Every place, whether or not the tree is there; an overridden tree has
            one place, and without a depot there is none.
        overridden: Whether an Overrides.toml sends the tree elsewhere.
    """

    paths: tuple[Path, ...]
    overridden: bool

    def installed(self) -> Path | None:
        """The place that has the tree now, None where none has it."""
        for path in self.paths:
            if os.path.isdir(path) or _is_folder_after_all(path):
                return path
        return None

    @property
    def path(self) -> Path:
        """The place that has the tree, or where it would be installed.

        Raises:
            DepotError: There is no depot at all.
        """
        if not self.paths:
            raise no_depot()
        return self.installed() or self.paths[0]


def _is_folder_after_all(path: Path) -> bool:
    """Look again: ``isdir`` also says no where a network file system loses track."""
    from fetch_artifacts.files.folder import outlast_stale

    try:
        return stat.S_ISDIR(outlast_stale(lambda: os.stat(path)).st_mode)
    except (OSError, ValueError):
        return False


def locate_tree(
    tree_hash: TreeHash,
    stack: DepotStack | None = None,
    *,
    toml: str | None = None,
    honor_overrides: bool = True,
    packages: PackageOverrides = PROCESS_OVERRIDES,
) -> TreeLocation:
    """Find out where a tree may be.

    Args:
        tree_hash: The tree.
        stack: Where to look; the present depots unless given.
        toml: The Artifacts.toml that binds it, whose package's overrides apply.
        honor_overrides: Whether to look where an Overrides.toml leads to.
        packages: The packages whose overrides already apply.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
        ArtifactsTomlError: The file can't be read, and an override is for its package.
    """
    folders = (stack or DepotStack.present()).folders
    stated = overrides.load_overrides(folders) if honor_overrides else None
    if stated is None or not (stated.by_hash or stated.by_name):
        return _location(tree_hash, folders)
    if toml is not None:
        packages.add_file(toml, stated)
    found = packages.applied_to(stated)
    if found.resolve(tree_hash) is None:
        return _location(tree_hash, folders)
    paths = overrides.artifact_paths(tree_hash, folders, found)
    return TreeLocation(paths, overridden=True)


# Each warm look-up needs one, and making its paths takes longer than looking there.
@lru_cache(maxsize=256)
def _location(tree_hash: TreeHash, folders: tuple[str, ...]) -> TreeLocation:
    name = str(tree_hash)
    return TreeLocation(
        tuple(Path(folder, name) for folder in folders), overridden=False
    )


def artifact_paths(
    tree_hash: TreeHash, *, honor_overrides: bool = True
) -> tuple[Path, ...]:
    """List every place where a tree may be, whether or not it is there.

    Julia: ``artifact_paths`` (Artifacts.jl:224-234). An overridden tree has one place.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return locate_tree(tree_hash, honor_overrides=honor_overrides).paths


def find_artifact(tree_hash: TreeHash, *, honor_overrides: bool = True) -> Path | None:
    """Give the folder of an installed tree, None where no depot has it.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return locate_tree(tree_hash, honor_overrides=honor_overrides).installed()


def artifact_path(tree_hash: TreeHash, *, honor_overrides: bool = True) -> Path:
    """Give the folder of a tree, or where it would be installed.

    Julia: ``artifact_path`` (Artifacts.jl:245-258).

    Raises:
        DepotError: There is no depot at all.
        OverrideError: An Overrides.toml can't be followed.
    """
    return locate_tree(tree_hash, honor_overrides=honor_overrides).path


def artifact_exists(tree_hash: TreeHash, *, honor_overrides: bool = True) -> bool:
    """Whether some depot has the tree; its content is not checked.

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
    return locate_tree(tree_hash).overridden


def remove_artifact(tree_hash: TreeHash) -> None:
    """Delete a tree from every depot; an overridden one is left alone.

    It disappears in one step: whoever looks meanwhile sees all of it, or nothing.
    Julia: ``remove_artifact`` (Pkg.jl Artifacts.jl:117-131).

    Raises:
        DepotError: A folder could not be deleted.
        OverrideError: An Overrides.toml can't be followed.
    """
    if is_overridden(tree_hash):
        return
    from fetch_artifacts.depot.workspace import not_removed, take_out

    stack = DepotStack.present()
    for folder in stack.folders:
        artifacts = Path(folder)
        try:
            depot = artifacts.parent if stack.root else None
            take_out(artifacts, depot, str(tree_hash))
        except OSError as error:
            raise not_removed(artifacts / str(tree_hash), error) from error


def verify_artifact(tree_hash: TreeHash, *, honor_overrides: bool = False) -> bool:
    """Whether an installed tree still hashes to its name.

    Julia: ``verify_artifact`` (Pkg.jl Artifacts.jl:140-155). A missing tree does not;
    an overridden one does, unless ``honor_overrides``. For links whose target is not
    ASCII, both Julia's hash and git's are accepted. What the file system can't keep is
    compared with the record that was made when the tree was installed.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    if not honor_overrides and is_overridden(tree_hash):
        return True
    from fetch_artifacts.depot.verification.verify import fault_of

    path = find_artifact(tree_hash, honor_overrides=honor_overrides)
    return path is not None and not fault_of(path, tree_hash)
