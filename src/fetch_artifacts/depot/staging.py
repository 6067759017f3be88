"""Making new trees, and moving them into the first depot.

Julia: the part of ``Pkg.Artifacts`` that puts a tree into the first depot. A tree that
is being made stays in ``<depot>/.fetch_artifacts`` until it is complete and verified:
gc of any Julia deletes unknown folders in ``artifacts`` itself (Pkg.jl
API.jl:585).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.stack import DepotStack, no_depot
from fetch_artifacts.errors import DepotError, FetchArtifactsError
from fetch_artifacts.files.removing import remove_tree
from fetch_artifacts.files.writing import rename_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.digests import TreeHash

STAGING: Final = ".fetch_artifacts"
_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_PRIVATE: Final = stat.S_IRWXU
_STAGED: Final = "jl_"  # Julia's own prefix for temporary folders (file.jl:722)
_ATTEMPTS: Final = 100  # to make a folder in one that others keep removing
_ABANDONED_AFTER: Final = 24 * 60 * 60.0  # seconds

# What any program that backs up or cleans a disk looks for (bford.info/cachedir).
_CACHEDIR_TAG: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# These are artifacts of Julia's Pkg and of fetch-artifacts.\n"
    "# See https://bford.info/cachedir/\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDepot:
    """The depot that new artifacts are written to.

    Attributes:
        artifacts: The folder of the ``<hash>`` folders.
        staging: Where trees are made and partial downloads kept, on the same disk.
        root: The depot itself, None inside `with_artifacts_directory`.
        stack: All depots, of which it is the first.
    """

    artifacts: Path
    staging: Path
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
        artifacts = Path(stack.folders[0])
        root = Path(stack.root) if stack.root else None
        staging = (root or artifacts) / STAGING
        return cls(artifacts=artifacts, staging=staging, root=root, stack=stack)

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            DepotError: The depot can't be written.
        """
        with self.as_depot_errors():
            self.artifacts.mkdir(parents=True, exist_ok=True)
            if not self.staging.is_dir():
                self._make_staging()
        tag = self.artifacts / "CACHEDIR.TAG"
        with contextlib.suppress(OSError):  # Pkg.jl Pkg.jl:50-59: it is only a hint
            if not tag.exists():
                tag.write_text(_CACHEDIR_TAG, "ascii")

    def _make_staging(self) -> None:
        """Make the folder writable for everyone who may write to ``artifacts``."""
        with contextlib.suppress(FileExistsError):  # it was there, and is tidied away
            self.staging.mkdir(parents=True, exist_ok=True)
        status = self.artifacts.stat()
        with contextlib.suppress(OSError):  # only members of a group may give it a file
            if hasattr(os, "chown"):
                os.chown(self.staging, -1, status.st_gid)
        with contextlib.suppress(OSError):  # it is another user's, or gone again
            self.staging.chmod(stat.S_IMODE(status.st_mode))

    @contextlib.contextmanager
    def stage(self) -> Iterator[Path]:
        """Give a new empty folder for a tree, which is removed unless committed.

        Each OSError in the block counts as a failure to write the depot.

        Raises:
            DepotError: The depot can't be written.
        """
        with self.stage_for_caller() as folder, self.as_depot_errors():
            yield folder

    @contextlib.contextmanager
    def stage_for_caller(self) -> Iterator[Path]:
        """Give a folder as `stage` does, and leave the errors in the block alone.

        For a block that also does other things than writing the depot; see
        `as_depot_errors` and `full_disk_as_depot_error`.

        Raises:
            DepotError: The folder can't be made.
        """
        folder = self._new_folder()
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):  # a later `tidy` removes it
                remove_tree(folder)
            self.tidy()

    def commit(self, staged: Path, tree_hash: TreeHash) -> Path:
        """Move a finished tree to its place in one step, unless some depot has it.

        The folder gets the mode of ``artifacts``, as in Julia (Pkg.jl
        Artifacts.jl:84-89). If another process installed the tree first, its tree
        stays.

        Returns:
            The folder of the tree.

        Raises:
            DepotError: The depot can't be written.
        """
        found = locate_tree(tree_hash, self.stack, honor_overrides=False).installed()
        if found is not None:
            return found
        target = self.artifacts / str(tree_hash)
        with self.as_depot_errors():
            staged.chmod(stat.S_IMODE(self.artifacts.stat().st_mode))
            rename_directory(staged, target)
        return target

    def tidy(self) -> None:
        """Remove day-old remains of dead processes, and the staging if it is empty."""
        for folder in (self.staging, self.artifacts):
            remains: list[Path] = []
            with contextlib.suppress(OSError):  # another process has tidied it away
                remains += folder.glob(f"{_STAGED}*")
            for path in remains:
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                        remove_tree(path)
        with contextlib.suppress(OSError):
            self.staging.rmdir()  # fails while partial downloads are in it

    def _new_folder(self) -> Path:
        """A private folder (0700) from which one rename leads into ``artifacts``."""
        import tempfile

        for attempt in range(_ATTEMPTS):
            self.prepare()
            try:
                if self._can_rename():
                    folder = Path(tempfile.mkdtemp(prefix=_STAGED, dir=self.staging))
                    if self._inherits_group(folder):
                        return folder
                    folder.rmdir()
                return Path(tempfile.mkdtemp(prefix=_STAGED, dir=self.artifacts))
            except FileNotFoundError as error:
                # Another process has just tidied the empty staging away.
                if attempt == _ATTEMPTS - 1:
                    raise self._unwritable(error) from error
            except OSError as error:
                raise self._unwritable(error) from error
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _can_rename(self) -> bool:
        """Whether a file can be renamed from the staging into ``artifacts``.

        It can't if one of them is on another disk, or the staging is another user's.
        """
        import tempfile

        try:
            handle, name = tempfile.mkstemp(prefix=_STAGED, dir=self.staging)
        except PermissionError:
            return False
        os.close(handle)
        probe = self.artifacts / Path(name).name
        try:
            Path(name).rename(probe)
        except OSError:
            Path(name).unlink()
            return False
        probe.unlink()
        return True

    def _inherits_group(self, folder: Path) -> bool:
        """Give a new folder the group and the bit of a setgid ``artifacts``.

        What is made in the folder then inherits both.

        Returns:
            False if the user is not in that group, and so can't set it.
        """
        status = self.artifacts.stat()
        if not status.st_mode & stat.S_ISGID:
            return True
        try:
            os.chown(folder, -1, status.st_gid)
            folder.chmod(_PRIVATE | stat.S_ISGID)
        except PermissionError:
            return False
        return bool(folder.stat().st_mode & stat.S_ISGID)

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
        reason = _full_disk(error)
        hint = "free some space"
        if not reason:
            reason = error.strerror or str(error)
            hint = (
                "make it writable, or put a folder that you can write first in "
                "JULIA_DEPOT_PATH"
            )
        msg = f"{self.root or self.artifacts}: can't install into this depot: "
        return DepotError(f"{msg}{reason}; {hint}")


def _full_disk(error: OSError) -> str:
    """The reason in an error if a disk or a quota is full, else "".

    `shutil.copytree` collects errors as text, without their numbers.
    """
    for number in _FULL:
        reason = os.strerror(number)
        if error.errno == number or (error.errno is None and reason in str(error)):
            return reason
    return ""
