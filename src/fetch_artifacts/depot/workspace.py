"""A user's own folder in a depot, where trees are made and removed.

``<depot>/.fetch_artifacts`` may be written by all who may write to ``artifacts``; it is
never removed, as another process may just be using it. In it each user has one folder
that nobody else can look into (mode 0700). It holds partial downloads and, for each
tree that is being made or removed, the tree and its lock; see
`fetch_artifacts.files.locks.slots`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.folder import Folder, kind_of
from fetch_artifacts.files.locks.pidlock import remove_abandoned
from fetch_artifacts.files.locks.slots import locked_slot, sweep_slots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

LOCK_STALE_AGE: Final = 20.0  # seconds, Pkg.jl Artifacts.jl:341 of 1.13
WORKSPACES: Final = ".fetch_artifacts"
_PRIVATE: Final = stat.S_IRWXU
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FILE_MODE: Final = stat.S_IRUSR | stat.S_IWUSR
_PLACES: Final = 8  # names to try where others' things are in the way
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL

# What file systems make of owners and modes; a program knows few depots.
_TRIED_OUT: Final[dict[tuple[object, ...], tuple[int, bool]]] = {}


class Workspace:
    """A user's own folder in a depot, from which a rename leads into ``artifacts``.

    Attributes:
        artifacts: The depot's folder of ``<hash>`` folders.
        folder: The user's own folder.
    """

    def __init__(self, artifacts: Folder, folder: Folder) -> None:
        self.artifacts = artifacts
        self.folder = folder

    @classmethod
    @contextlib.contextmanager
    def open(cls, artifacts: Path, depot: Path | None) -> Iterator[Workspace]:
        """Open it in the depot, or in ``artifacts`` if a rename from the depot fails.

        Args:
            artifacts: The folder of ``<hash>`` folders, which exists.
            depot: The depot, None for a folder of artifacts that is in none.

        Raises:
            OSError: Neither can be written.
        """
        with (
            Folder.hold_shared(artifacts) as target,
            _own_folder_of(target, depot) as own,
        ):
            yield cls(target, own)

    @contextlib.contextmanager
    def slot(self) -> Iterator[str]:
        """Give a free name for a tree, locked as in use.

        What has that name at the end is removed.

        Raises:
            OSError: The folder can't be written.
        """
        with locked_slot(self.folder) as name:
            yield name

    def new_tree(self, name: str) -> Folder:
        """Make an empty folder for a tree, with the group of a setgid ``artifacts``.

        What is made in the folder then inherits both.

        Raises:
            OSError: It can't be made.
        """
        self.folder.make(name, _PRIVATE)
        tree = self.folder.enter(name)
        _inherit_group(tree, self.artifacts)
        return tree

    def take_out(self, name: str) -> None:
        """Rename what is in ``artifacts`` to here in one step, and then remove it.

        Raises:
            OSError: It could not be taken out, or not be removed afterwards.
        """
        with self.slot() as slot:
            self.move_out(name, slot)
            try:
                self.folder.remove(slot)
            except OSError as error:
                error.filename = os.fspath(self.folder.path / slot)
                raise

    def move_out(self, name: str, slot: str) -> None:
        """Rename what is in ``artifacts`` to a slot; a missing name is fine.

        So nobody ever sees half of it. Only where the system refuses to rename the
        folder, as one from a lower layer of an overlay, it is removed in place.

        Args:
            name: Its name in ``artifacts``.
            slot: The name that `slot` gave; what it holds is removed at its end.

        Raises:
            OSError: It could not be taken out.
        """
        try:
            _rename_open(self.artifacts, name, self.folder, slot)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self.artifacts.remove(name)

    def sweep(self) -> None:
        """Remove what dead processes left here; what can't be removed stays.

        Raises:
            OSError: The folder can't be listed.
        """
        sweep_slots(self.folder)


def take_out(artifacts: Path, depot: Path | None, name: str) -> bool:
    """Remove an entry of a depot's ``artifacts`` so that nobody ever sees half of it.

    Args:
        artifacts: The folder of ``<hash>`` folders.
        depot: The depot, None for a folder of artifacts that is in none.
        name: What to remove there, usually a hash.

    Returns:
        Whether there was something.

    Raises:
        OSError: It could not be removed.
    """
    try:
        os.lstat(artifacts / name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    with Workspace.open(artifacts, depot) as workspace:
        workspace.sweep()
        workspace.take_out(name)
    return True


def not_removed(tree: Path, error: OSError) -> DepotError:
    """The error for a tree that can't be removed; it names the place that refuses."""
    place = error.filename
    where = ""
    if isinstance(place, str) and os.path.isabs(place) and place != os.fspath(tree):
        where = f" in {place}"
    fault = error.strerror or error
    return DepotError(f"{tree}: could not be removed: {fault}{where}")


def _own_folder_of(artifacts: Folder, depot: Path | None) -> Folder:
    """Open the user's own folder in a depot, else in ``artifacts``.

    Raises:
        OSError: Neither can be written.
    """
    if depot is not None:
        try:
            with Folder.hold(depot) as parent:
                return _own_folder(parent, artifacts)
        except OSError as error:
            _log.debug("%s: can't be used for new trees: %s", depot, error)
    return _own_folder(artifacts, artifacts)


def _own_folder(parent: Folder, artifacts: Folder) -> Folder:
    """Open the user's own folder below another; missing folders are made.

    Raises:
        OSError: It can't be made, or no rename leads from it into ``artifacts``.
    """
    with contextlib.suppress(FileExistsError):
        parent.make(WORKSPACES)
        with parent.enter(WORKSPACES) as shared:
            _open_to_all_of(shared, artifacts)
    with parent.enter(WORKSPACES) as shared:
        owner, keeps_modes = _ways_of(shared, artifacts)
        user = str(_user())
        for number in range(_PLACES):
            name = f"{user}.{number}" if number else user
            with contextlib.suppress(FileExistsError):
                shared.make(name, _PRIVATE)
            own = _private(shared, name, owner, keeps_modes=keeps_modes)
            if own is not None:
                _inherit_group(own, artifacts)
                return own
        fault = f"{shared.path / user} and {_PLACES - 1} more are in the way"
        raise FileExistsError(errno.EEXIST, fault)


def _open_to_all_of(shared: Folder, artifacts: Folder) -> None:
    """Let those who may write to ``artifacts`` make their folders, but move no other's.

    Errors are ignored: the system then decides who may write.
    """
    status = artifacts.own_status()
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode |= stat.S_ISVTX
    with contextlib.suppress(OSError):  # only members of a group may give it a file
        shared.give_to_group(status.st_gid)
    with contextlib.suppress(OSError):  # it is another user's
        shared.change_mode(mode)


def _ways_of(shared: Folder, artifacts: Folder) -> tuple[int, bool]:
    """What `_try_out` finds; tried once in a process, as long as both stay as they are.

    What dead processes left beside the trees is removed on that occasion, as to list
    all trees for each new one would take longer with each.

    Raises:
        OSError: No rename leads into ``artifacts``, or one of them can't be written.
    """
    both = _user(), *(_identity(folder) for folder in (shared, artifacts))
    if both not in _TRIED_OUT:
        owner, keeps_modes = _try_out(shared, artifacts)
        sweep_slots(shared, other=artifacts, owner=owner)  # of killed tries
        with contextlib.suppress(OSError):
            remove_abandoned(artifacts, stale_age=LOCK_STALE_AGE)
        _TRIED_OUT[both] = owner, keeps_modes
    return _TRIED_OUT[both]


def _identity(folder: Folder) -> tuple[Path, int, int, int, int, int]:
    now = folder.own_status()
    return folder.path, now.st_dev, now.st_ino, now.st_mode, now.st_uid, now.st_gid


def _user() -> int:
    return getattr(os, "geteuid", int)()


def _try_out(shared: Folder, artifacts: Folder) -> tuple[int, bool]:
    """Find out with a file how a file system treats owners, modes and renames.

    Returns:
        The owner that this user's files get, and whether they keep a private mode.

    Raises:
        OSError: No rename leads into ``artifacts``, or one of them can't be written.
    """
    with locked_slot(shared) as name:
        handle = shared.open(name, _NEW, _FILE_MODE)
        try:
            status = os.fstat(handle)
        finally:
            os.close(handle)
        shared.rename(name, artifacts, name)
        artifacts.unlink(name)
        if stat.S_IMODE(status.st_mode) != _FILE_MODE:
            _try_out_folders(shared, artifacts, name)
    return status.st_uid, not status.st_mode & _OTHERS


def _try_out_folders(shared: Folder, artifacts: Folder, name: str) -> None:
    """Find out whether a file system without modes can rename folders.

    Args:
        shared: The folder of the users' folders.
        artifacts: The folder of ``<hash>`` folders.
        name: The name of a slot in `shared`.

    Raises:
        OSError: What is in a folder is lost, as with fusefat.
    """
    inside = "inside"
    shared.make(name)
    with shared.enter(name) as folder:
        os.close(folder.open(inside, _NEW))
    try:
        shared.rename(name, artifacts, name)
        with artifacts.enter(name) as folder:
            found = folder.names()
    finally:
        artifacts.remove(name)
    if found != [inside]:
        fault = "this file system loses what is in a folder when that is renamed"
        raise OSError(errno.EIO, fault)


def _private(
    shared: Folder, name: str, owner: int, *, keeps_modes: bool
) -> Folder | None:
    """Open a folder that is this user's alone, None where that name is something else.

    Raises:
        OSError: The folder can't be opened.
    """
    found = shared.status(name)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        whose = f"{kind_of(found)} of user {found.st_uid}"
        place = shared.path / name
        _log.warning("%s: expected a folder of one's own, found %s", place, whose)
        return None
    own = shared.enter(name)
    status = own.own_status()
    if status.st_uid == owner:  # it may be another folder now
        if keeps_modes and status.st_mode & _OTHERS:
            own.change_mode(stat.S_IMODE(status.st_mode) & ~_OTHERS)
        return own
    own.close()
    return None


def _inherit_group(folder: Folder, artifacts: Folder) -> None:
    """Give a folder the group and the bit of a setgid ``artifacts``.

    Raises:
        PermissionError: The user is not in that group, and so can't set it.
    """
    wanted, status = artifacts.own_status(), folder.own_status()
    if not wanted.st_mode & stat.S_ISGID or (
        status.st_mode & stat.S_ISGID and status.st_gid == wanted.st_gid
    ):
        return
    folder.give_to_group(wanted.st_gid)
    folder.change_mode(_PRIVATE | stat.S_ISGID)
    if not folder.own_status().st_mode & stat.S_ISGID:
        raise PermissionError(errno.EPERM, "it can't be given to the depot's group")


def _rename_open(source: Folder, name: str, target: Folder, new: str) -> None:
    """Rename, and make a folder writable first where the system asks for that.

    Raises:
        OSError: The rename failed.
    """
    try:
        source.rename(name, target, new)
    except PermissionError:
        mode = source.status(name).st_mode
        if not stat.S_ISDIR(mode) or mode & stat.S_IRWXU == stat.S_IRWXU:
            raise
        with source.enter(name) as folder:
            folder.change_mode(stat.S_IMODE(mode) | stat.S_IRWXU)
        source.rename(name, target, new)
