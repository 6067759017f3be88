"""Making new trees, and moving them into the first depot.

Julia: the part of ``Pkg.Artifacts`` that puts a tree into the first depot. A tree that
is being made stays in its user's `fetch_artifacts.depot.workspace` until it is complete
and verified: gc of any Julia deletes unknown folders in ``artifacts`` itself (Pkg.jl
API.jl:585).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.stack import DepotStack, no_depot
from fetch_artifacts.depot.verification.records import note_kept
from fetch_artifacts.depot.workspace import Workspace
from fetch_artifacts.errors import DepotError, FetchArtifactsError
from fetch_artifacts.files.flushing import flush_tree
from fetch_artifacts.files.folder import Folder, kind_of, outlast_stale
from fetch_artifacts.files.paths import hindrance, is_in_the_way, make_folders, obstacle
from fetch_artifacts.settings.depot_path import depot_remedy
from fetch_artifacts.settings.environment import flushes_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.tar.file_modes import KeptTree

_log = logging.getLogger(__name__)

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# Pkg.jl Artifacts.jl:70-103: virus scanners hold new files for a while.
_RETRIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
_RETRIES: Final = 20
_LONGEST_PAUSE: Final = 5.0

# What any program that backs up or cleans a disk looks for (bford.info/cachedir).
_CACHEDIR_TAG: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# These are artifacts of Julia's Pkg and of fetch-artifacts.\n"
    "# See https://bford.info/cachedir/\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedTree(os.PathLike[str]):
    """A folder for a tree that is being made.

    Attributes:
        folder: The folder itself, wherever others move it.
        name: Its name in the workspace.
        workspace: The user's own folder in the depot; held as long as the tree is.
    """

    folder: Folder
    name: str
    workspace: Workspace

    @property
    def path(self) -> Path:
        """Where the folder is."""
        return self.folder.path

    def __fspath__(self) -> str:
        return os.fspath(self.folder.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDepot:
    """The depot that new artifacts are written to.

    Attributes:
        artifacts: The folder of the ``<hash>`` folders.
        root: The depot itself, None inside `with_artifacts_directory`.
        stack: All depots, of which it is the first.
    """

    artifacts: Path
    root: Path | None
    stack: DepotStack

    @classmethod
    def present(cls) -> FirstDepot:
        """The first depot, or the folder that `with_artifacts_directory` chose.

        Raises:
            DepotError: There is no depot at all.
        """
        stack = DepotStack.present()
        if not stack.folders:
            raise no_depot()
        root = Path(stack.root) if stack.root else None
        return cls(artifacts=Path(stack.folders[0]), root=root, stack=stack)

    def prepare(self) -> None:
        """Make the folder of artifacts.

        Raises:
            DepotError: The depot can't be written.
        """
        with self.as_depot_errors():
            outlast_stale(lambda: make_folders(self.artifacts))
            with Folder.hold_shared(self.artifacts) as folder:
                _tag(folder)

    @contextlib.contextmanager
    def stage(self) -> Iterator[StagedTree]:
        """Give a new empty folder for a tree, which is removed unless committed.

        Each OSError in the block counts as a failure to write the depot.

        Raises:
            DepotError: The depot can't be written.
        """
        with self.stage_for_caller() as staged, self.as_depot_errors():
            yield staged

    @contextlib.contextmanager
    def stage_for_caller(self) -> Iterator[StagedTree]:
        """Give a folder as `stage` does, and leave the errors in the block alone.

        For a block that also does other things than writing the depot; see
        `as_depot_errors` and `full_disk_as_depot_error`.

        Raises:
            DepotError: The folder can't be made.
        """
        self.prepare()
        with contextlib.ExitStack() as stack:
            with self.as_depot_errors():
                workspace = stack.enter_context(
                    Workspace.open(self.artifacts, self.root)
                )
                workspace.sweep()
                name = stack.enter_context(workspace.slot())
                folder = stack.enter_context(workspace.new_tree(name))
            yield StagedTree(folder=folder, name=name, workspace=workspace)

    def commit(
        self, staged: StagedTree, tree_hash: TreeHash, kept: KeptTree | None = None
    ) -> Path:
        """Move a finished tree to its place in one step, unless some depot has it.

        All of it is flushed to the disk first. The folder gets the mode of
        ``artifacts``, as in Julia (Pkg.jl Artifacts.jl:84-89). If another process has
        installed the tree meanwhile, its tree stays.

        Args:
            staged: The tree.
            tree_hash: The hash to file it under.
            kept: What the file system keeps of it, unless it keeps all.

        Returns:
            The folder of the tree.

        Raises:
            DepotError: The depot can't be written.
        """
        found = locate_tree(tree_hash, self.stack, honor_overrides=False).installed()
        if found is not None:
            return found
        path = self.artifacts / str(tree_hash)
        with self.as_depot_errors():
            if flushes_trees():
                flush_tree(staged.folder)
            artifacts = staged.workspace.artifacts
            mode = stat.S_IMODE(artifacts.own_status().st_mode)
            with contextlib.suppress(OSError):  # some mounts refuse that
                staged.folder.change_mode(mode)
            note_kept(path, kept, self.stack.logs[0])
            _publish(staged, path.name)
            _log.debug("renamed to %s", path)
            if not os.path.samestat(self.artifacts.stat(), artifacts.own_status()):
                fault = f"{self.artifacts} was replaced during the installation"
                raise OSError(errno.ESTALE, fault)
        return path

    @contextlib.contextmanager
    def as_depot_errors(self) -> Iterator[None]:
        """Turn each OSError into an error that names the depot.

        Raises:
            DepotError: The depot can't be written.
        """
        try:
            yield
        except FetchArtifactsError:  # some are an OSError as well
            raise
        except OSError as error:
            raise self._unwritable(error) from error

    @contextlib.contextmanager
    def full_disk_as_depot_error(self) -> Iterator[None]:
        """Turn an OSError of a full disk into an error that names the depot.

        For an author's own code, which fills a staged folder; its other errors are
        about other files and pass unchanged.

        Raises:
            DepotError: The disk is full.
        """
        try:
            yield
        except OSError as error:
            if isinstance(error, FetchArtifactsError) or not _full_disk(error):
                raise
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> DepotError:
        msg = f"{self.root or self.artifacts}: can't write to this depot: "
        is_inside = error.filename not in {str(self.root), str(self.artifacts)}
        if obstacle(self.artifacts) or (is_inside and is_in_the_way(error)):
            return DepotError(msg + hindrance(self.artifacts, error))
        reason = _full_disk(error)
        hint = "free some space"
        if not reason:
            reason = error.strerror or str(error)
            hint = depot_remedy()
            if error.errno == errno.ESTALE:
                hint = f"try again, or {hint}"
            elif error.errno in _REFUSED:
                hint = f"make it writable, or {hint}"
        return DepotError(f"{msg}{reason}; {hint}")


def _publish(staged: StagedTree, name: str) -> None:
    """Rename a tree into ``artifacts``, unless a tree of that name is there.

    This never copies, so the tree is complete as soon as it is there. While another
    program holds the folder open it retries for up to a minute, as Julia does (Pkg.jl
    Artifacts.jl:70-103).

    Raises:
        OSError: The rename failed, or others put something else in the tree's place.
    """
    own, artifacts = staged.workspace.folder, staged.workspace.artifacts
    tree = staged.folder.own_status()
    pause = 0.01
    for attempt in range(_RETRIES + 1):
        if not own.has(staged.name, tree):
            raise OSError(errno.ESTALE, f"{staged.path} was moved or replaced")
        if os.path.isdir(artifacts.path / name):
            return
        try:
            _clear_the_way(staged, name)
            own.rename(staged.name, artifacts, name)
            break
        except OSError as error:
            if os.path.isdir(artifacts.path / name):
                return
            if error.errno not in _RETRIED or attempt == _RETRIES:
                raise
            if not os.access(artifacts.path, os.W_OK):
                raise  # waiting won't help a read-only depot
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    if not artifacts.has(name, tree):
        raise OSError(errno.ESTALE, f"{artifacts.path / name} was replaced at once")


def _clear_the_way(staged: StagedTree, name: str) -> None:
    """Remove what has the name of a tree but is not a folder.

    Raises:
        OSError: It can't be removed.
    """
    artifacts = staged.workspace.artifacts
    try:
        status = artifacts.status(name)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        _log.warning(
            "%s: expected nothing or a tree, found %s, which leads to none; removed it",
            artifacts.path / name,
            kind_of(status),
        )
        staged.workspace.take_out(name)


def _tag(artifacts: Folder) -> None:
    """Write ``CACHEDIR.TAG``, unless something of that name is there, or it can't be.

    It is only a hint (Pkg.jl Pkg.jl:50-59).
    """
    name, written = "CACHEDIR.TAG", 0
    with contextlib.suppress(OSError):
        handle = artifacts.open(name, _NEW)
        try:
            with contextlib.suppress(OSError):
                written = os.write(handle, _CACHEDIR_TAG.encode())
        finally:
            os.close(handle)
        if written < len(_CACHEDIR_TAG):  # the disk is full
            artifacts.unlink(name)


def _full_disk(error: OSError) -> str:
    """The reason in an error if a disk or a quota is full, else "".

    `shutil.copytree` collects errors as text, without their numbers.
    """
    for number in _FULL:
        reason = os.strerror(number)
        if error.errno == number or (error.errno is None and reason in str(error)):
            return reason
    return ""
