"""Folders that are held open, so that work goes on in them wherever they are moved to.

In a folder that several users may write to, a path can lead elsewhere from one system
call to the next. What is done through a `Folder` is done in the folder that was opened,
and a link at its own end is never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import partial
from typing import IO, TYPE_CHECKING, Final, TypeVar

from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.files.regular import NO_FOLLOW, OPEN_FILE
from fetch_artifacts.files.removing import OPEN_FOLDER, remove_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

# Windows works with paths only; there, no user can write to another's folders anyway.
FROM_WITHIN: Final = os.mkdir in os.supports_dir_fd

# What systems say about a link that must not be followed.
_IS_LINK: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})


def outlast_stale(action: Callable[[], T], *, tries: int = 5) -> T:
    """Repeat an action if a network file system no longer finds a file (ESTALE).

    Args:
        action: What may be done again after it failed halfway.
        tries: How often to try at most.

    Raises:
        OSError: The last try failed, or one did for another reason.
        FetchArtifactsError: The same, where the action turns such errors into ours.
    """
    for _ in range(tries - 1):
        try:
            return action()
        except (OSError, FetchArtifactsError) as error:
            ours = isinstance(error, FetchArtifactsError)
            reason = error.__cause__ if ours else error
            if getattr(reason, "errno", None) != errno.ESTALE:
                raise
    return action()


class Folder(contextlib.AbstractContextManager["Folder"]):
    """A folder that is held open.

    Attributes:
        path: Where it was when it was opened, for messages and for other programs.
        handle: Its descriptor; None where the system works with paths only.
        prefix: What leads from the handle to a name in the folder: nothing, or the
            path where there is no handle.
    """

    def __init__(self, path: Path, handle: int | None) -> None:
        self.path = path
        self.handle = handle
        self.prefix = "" if handle is not None else os.path.join(path, "")

    @classmethod
    def hold(cls, path: Path) -> Folder:
        """Open a folder; links to it are followed.

        Raises:
            OSError: There is no folder, or it can't be opened.
        """
        if FROM_WITHIN:
            return cls(path, outlast_stale(lambda: os.open(path, OPEN_FOLDER)))
        if not path.is_dir():
            raise NotADirectoryError(f"{path}: expected a folder")
        return cls(path, None)

    @classmethod
    def hold_shared(cls, path: Path) -> Folder:
        """Open a folder that is in one that others may write to.

        Raises:
            PermissionError: It is another user's link; see `require_own_link`.
            OSError: There is no folder, or it can't be opened.
        """
        if FROM_WITHIN:
            try:
                flags = OPEN_FOLDER | NO_FOLLOW
                return cls(path, outlast_stale(lambda: os.open(path, flags)))
            except OSError as error:
                if error.errno not in _IS_LINK:
                    raise
        link = require_own_link(path)
        folder = cls.hold(path)
        if link is not None and not _is_still(path, link):
            folder.close()
            raise PermissionError(errno.EPERM, f"{path} is being replaced")
        return folder

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        handle, self.handle = self.handle, None
        if handle is not None:
            close(handle)

    def enter(self, name: str) -> Folder:
        """Open a folder in this one.

        Raises:
            OSError: There is none of that name; a link does not count.
        """
        path = self.path / name
        if self.handle is None:
            if path.is_symlink() or not path.is_dir():
                raise NotADirectoryError(f"{path}: expected a folder")
            return Folder(path, None)
        flags = OPEN_FOLDER | NO_FOLLOW
        enter = partial(os.open, name, flags, dir_fd=self.handle)
        return Folder(path, outlast_stale(enter))

    def make(self, name: str, mode: int = 0o777) -> None:
        """Make a folder in this one.

        Raises:
            OSError: It can't be made, or something of that name is there.
        """
        os.mkdir(self.prefix + name, mode, dir_fd=self.handle)

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file in this folder, and give its descriptor.

        Raises:
            OSError: It can't be opened; a link can't.
        """
        flags |= NO_FOLLOW | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self.prefix + name, flags, mode, dir_fd=self.handle)
        except OSError as error:
            error.filename = os.fspath(self.path / name)  # not the bare name
            raise

    def open_regular(self, name: str) -> int:
        """Open a file to read, whatever others may have put in its place.

        Raises:
            OSError: There is none, or no regular file, or one with several names.
        """
        flags = OPEN_FILE | NO_FOLLOW
        read = partial(os.open, self.prefix + name, flags, dir_fd=self.handle)
        try:
            handle = outlast_stale(read)
        except OSError as error:
            if error.errno in _IS_LINK | {errno.ENXIO}:  # which is said of sockets
                raise self._no_file(name, self.status(name)) from error
            error.filename = os.fspath(self.path / name)
            raise
        try:
            status = outlast_stale(lambda: os.fstat(handle))
        except OSError:
            close(handle)
            raise
        if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
            return handle
        close(handle)
        raise self._no_file(name, status)

    def _no_file(self, name: str, found: os.stat_result) -> OSError:
        fault = f"expected a file, found {kind_of(found)}; remove it"
        return OSError(errno.EINVAL, fault, os.fspath(self.path / name))

    def open_temporary(self) -> IO[bytes]:
        """Open a new file in this folder that nobody else can, gone once it is closed.

        Raises:
            OSError: It can't be made.
        """
        import secrets

        name = f"{secrets.token_hex(8)}.partial"  # what sweeps partial files removes it
        gone_when_closed = getattr(os, "O_TEMPORARY", 0)  # Windows
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | gone_when_closed
        file = os.fdopen(self.open(name, flags, 0o600), "w+b")
        if not gone_when_closed:
            self.unlink(name)
        return file

    def status(self, name: str) -> os.stat_result:
        """The status of what has that name in this folder; a link is not followed.

        Raises:
            OSError: Nothing has that name.
        """
        path, handle = self.prefix + name, self.handle
        return outlast_stale(
            lambda: os.stat(path, dir_fd=handle, follow_symlinks=False)
        )

    def own_status(self) -> os.stat_result:
        """The folder's own owner, mode and identity.

        Raises:
            OSError: It is gone, where the system works with paths only.
        """
        place = self.path if self.handle is None else self.handle
        return outlast_stale(lambda: os.stat(place))

    def has(self, name: str, same: os.stat_result) -> bool:
        """Whether that name leads to what was seen earlier."""
        try:
            return os.path.samestat(self.status(name), same)
        except OSError:
            return False

    def change_mode(self, mode: int) -> None:
        """Give the folder itself another mode.

        Raises:
            OSError: The file system refuses.
        """
        place = self.path if self.handle is None else self.handle
        outlast_stale(lambda: os.chmod(place, mode))

    def give_to_group(self, group: int) -> None:
        """Give the folder itself to a group, where systems have groups.

        Raises:
            OSError: The user is not in the group, or the file system refuses.
        """
        if self.handle is not None:
            os.chown(self.handle, -1, group)

    def names(self) -> list[str]:
        """The names of all that is in the folder.

        Raises:
            OSError: It can't be listed.
        """
        place = self.path if self.handle is None else self.handle
        return outlast_stale(lambda: os.listdir(place))

    def walk(self) -> Iterator[tuple[str, list[str], int | None]]:
        """Give the files of this folder and of each in it; no link is followed.

        Each item: what leads to a name, the names, and the descriptor to start from.

        Raises:
            OSError: The folder can't be listed.
        """
        if self.handle is None:
            for root, _, names in os.walk(self.path):
                yield os.path.join(root, ""), names, None
        else:
            for _, _, names, handle in os.fwalk(".", dir_fd=self.handle):
                yield "", names, handle

    def rename(self, name: str, target: Folder, new: str) -> None:
        """Rename what is in this folder into another, or into this one.

        Raises:
            OSError: The rename failed.
        """
        os.rename(
            self.prefix + name,
            target.prefix + new,
            src_dir_fd=self.handle,
            dst_dir_fd=target.handle,
        )

    def replace(self, name: str, new: str) -> None:
        """Rename a file within this folder, and replace what may be there.

        Raises:
            OSError: The rename failed.
        """
        os.replace(
            self.prefix + name,
            self.prefix + new,
            src_dir_fd=self.handle,
            dst_dir_fd=self.handle,
        )

    def unlink(self, name: str) -> None:
        """Remove a file or a link; a missing one is fine.

        Raises:
            OSError: It could not be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            gone = partial(os.unlink, self.prefix + name, dir_fd=self.handle)
            outlast_stale(gone)

    def remove(self, name: str) -> None:
        """Remove what has that name, with all that is in it; a missing name is fine.

        Raises:
            OSError: Something could not be removed.
        """
        remove_entry(self.prefix + name, self.handle, self.path / name)


def close(handle: int) -> None:
    """Close a file to which nothing was written; errors don't matter then."""
    with contextlib.suppress(OSError):
        os.close(handle)


def require_own_link(path: Path) -> os.stat_result | None:
    """Refuse a link that another user may have put there to send us elsewhere.

    Those of this user, of root, and of the owner of the folder are followed, as Linux
    does in sticky folders (``fs.protected_symlinks``).

    Returns:
        What is there, None for nothing.

    Raises:
        PermissionError: It is another user's link.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISLNK(status.st_mode) or os.name == "nt":
        return status
    trusted = {0, os.geteuid(), os.stat(os.path.dirname(path)).st_uid}
    if status.st_uid not in trusted:
        fault = (
            f"expected no link of another user's at {path}, found one of the user "
            f"{status.st_uid}"
        )
        raise PermissionError(errno.EPERM, fault, os.fspath(path))
    return status


def _is_still(path: Path, seen: os.stat_result) -> bool:
    try:
        now = os.lstat(path)
    except OSError:
        return False
    return os.path.samestat(now, seen) and now.st_ctime_ns == seen.st_ctime_ns


def kind_of(status: os.stat_result) -> str:
    """What something is, in words: "a folder", "a FIFO"."""
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    for is_kind, words in kinds:
        if is_kind(status.st_mode):
            return words
    return "a file with other names as well" if status.st_nlink > 1 else "a file"
