"""Building artifacts: make a tree, install it and archive it.

Julia: ``create_artifact`` and ``archive_artifact`` of ``Pkg.Artifacts``.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.writer import archive_directory
from fetch_artifacts.depot.artifacts import (
    artifact_path,
    find_artifact,
    is_overridden,
)
from fetch_artifacts.depot.override_edits import explain_override_to
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.errors import DepotError, OverrideError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.tar.extract import unpack
from fetch_artifacts.tar.limits import NO_LIMITS
from fetch_artifacts.tar.writer import require_folder, tar_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fetch_artifacts.archive.formats import Compression
    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.files.folder import Folder

_WRITE_BITS: Final = 0o222


class ArtifactBuild(os.PathLike[str]):
    """A folder that becomes an artifact; it can be used as a path.

    Attributes:
        path: The folder to fill; after the block, the installed folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tree_hash: TreeHash | None = None

    @property
    def tree_hash(self) -> TreeHash:
        """The hash of the tree.

        Raises:
            DepotError: The folder is still being filled.
        """
        if self._tree_hash is None:
            msg = (
                f"{self.path}: expected a finished artifact, found one that is still "
                "being built; its hash is known at the end of the with block"
            )
            raise DepotError(msg)
        return self._tree_hash

    def finish(self, path: Path, tree_hash: TreeHash) -> None:
        """Record where the tree was installed."""
        self.path = path
        self._tree_hash = tree_hash

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.path / name

    def __repr__(self) -> str:
        return f"<artifact {self._tree_hash or 'being built'} in {self.path}>"


@contextlib.contextmanager
def build_artifact() -> Iterator[ArtifactBuild]:
    """Give an empty folder to fill, and install it by its hash at the end.

    Julia: ``create_artifact`` (Pkg.jl Artifacts.jl:29-103). A tree that some depot has
    already is not installed again. If the block raises an error, nothing is installed,
    and the error is passed on; an OSError of a full disk becomes a DepotError.

    Raises:
        DepotError: The depot can't be written, or its disk is full.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    depot = FirstDepot.present()
    with depot.stage_for_caller() as staged:
        build = ArtifactBuild(staged.path)
        with depot.full_disk_as_depot_error():
            yield build
        with depot.as_depot_errors():
            tree_hash = hash_directory(staged.path)
            make_files_read_only(staged.folder)
            build.finish(depot.commit(staged, tree_hash), tree_hash)


def create_artifact(fill: Callable[[Path], object]) -> TreeHash:
    """Let ``fill`` make a tree in an empty folder, and install it as `build_artifact`.

    Raises:
        DepotError: The depot can't be written.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    with build_artifact() as build:
        fill(build.path)
    return build.tree_hash


def artifact_from_directory(
    directory: Path, *, follow_symlinks: bool = False
) -> TreeHash:
    """Install a copy of a folder by its hash.

    ArtifactUtils.jl: ``artifact_from_directory``. The copy equals what an archive of
    the folder unpacks to: of a mode, only the owner's execute bit is kept.

    Args:
        directory: The folder.
        follow_symlinks: Copy what links lead to in their place.

    Raises:
        ArchiveError: It is not a folder.
        DepotError: The depot can't be written.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    require_folder(directory)
    depot = FirstDepot.present()
    with depot.stage() as staged:
        chunks = tar_chunks(directory, follow_symlinks=follow_symlinks)
        unpacked = unpack(chunks, staged.folder, read_only=True, limits=NO_LIMITS)
        depot.commit(staged, unpacked.tree_hash, unpacked.kept)
    return unpacked.tree_hash


def make_files_read_only(folder: Folder) -> None:
    """Clear the write bits of all files.

    Julia: ``set_readonly`` (Pkg.jl utils.jl:55-78); folders and links are unchanged.
    """
    for prefix, names, handle in folder.walk():
        for path in (prefix + name for name in names):
            mode = os.lstat(path, dir_fd=handle).st_mode
            if not stat.S_ISLNK(mode) and mode & _WRITE_BITS:
                with contextlib.suppress(PermissionError):  # some mounts refuse that
                    os.chmod(path, stat.S_IMODE(mode) & ~_WRITE_BITS, dir_fd=handle)


def archive_artifact(
    tree_hash: TreeHash,
    archive_path: Path,
    compression: Compression | None = "gz",
    *,
    honor_overrides: bool = False,
) -> Archive:
    """Write an archive of an installed artifact.

    Julia: ``archive_artifact`` (Pkg.jl Artifacts.jl:164-182).

    Raises:
        DepotError: No depot has the tree.
        OverrideError: The tree is overridden, and ``honor_overrides`` was not given.
        ArchiveError: The archive would be inside the artifact.
        OSError: The file can't be written.
    """
    if not honor_overrides and is_overridden(tree_hash):
        where, back = explain_override_to(artifact_path(tree_hash), tree_hash)
        msg = (
            f"{tree_hash}: overridden by {where}, so its folder is not the artifact; "
            "archive that folder with honor_overrides=True, or take the override "
            f"back: `{back}`"
        )
        raise OverrideError(msg)
    directory = find_artifact(tree_hash, honor_overrides=honor_overrides)
    if directory is None:
        place = artifact_path(tree_hash, honor_overrides=honor_overrides)
        msg = f"{place}: expected an installed artifact, found none; install it first"
        raise DepotError(msg)
    return archive_directory(directory, archive_path, compression)
