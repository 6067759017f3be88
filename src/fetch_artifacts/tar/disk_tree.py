"""An archive's tree, made in a folder on a disk and in memory at the same time.

The folder starts empty and nobody else writes to it, so memory knows what is in it and
the disk is never asked: a small file costs three system calls.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from typing import TYPE_CHECKING, Final

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.files.folder import FROM_WITHIN
from fetch_artifacts.files.regular import NO_FOLLOW, OPEN_FILE
from fetch_artifacts.files.removing import OPEN_FOLDER, empty_folder, remove_entry
from fetch_artifacts.git_tools.memory_tree import root_digest, symlink_target
from fetch_artifacts.git_tools.objects import blob_hasher
from fetch_artifacts.git_tools.tree_rules import PKG_RULES
from fetch_artifacts.tar.file_modes import FileModes, KeptTree
from fetch_artifacts.tar.limits import FOLDER_BYTES
from fetch_artifacts.tar.member import printable, refusal
from fetch_artifacts.tar.member_tree import MemberTree, whole_content
from fetch_artifacts.tar.symlink_copies import plan_copies, with_copies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.git_tools.memory_tree import Node
    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Buffer, Member

_log = logging.getLogger(__name__)

_WRITE_NEW: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | NO_FOLLOW
)
_OPEN_FOLDER: Final = OPEN_FOLDER | NO_FOLLOW
_COPY_BYTES: Final = 1 << 20
# Each system call walks its path from the start, so a folder at a depth that is a
# multiple of this is held open once many members are in it. Few trees are that deep.
_MANY_FOLDERS: Final = 32
_MANY_MEMBERS: Final = 16
_MOST_HELD: Final = 8

# What a system says to a name that it can't store, and to symbolic links.
_NAME_ERRORS: Final = frozenset({errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL})
_LINK_ERRORS: Final = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
)


class DiskTree(MemberTree):
    """A tree of members that is also made in an empty folder.

    All is done through the held folder, even if its path leads elsewhere meanwhile.
    """

    def __init__(
        self,
        directory: Folder,
        *,
        read_only: bool,
        limits: UnpackLimits,
        copy_symlinks: bool | None,
    ) -> None:
        super().__init__(limits=limits)
        if limits.room is not None:
            self._most_occupied = min(limits.max_size, limits.room)
        self._directory = directory
        self._prefix = os.fsencode(directory.prefix)
        self._handle = directory.handle  # None: the prefix is a path
        # By path, those used last at the end: the folder once it is held, before that
        # how many members it had.
        self._deep: dict[bytes, Folder | int] = {}
        self._modes = FileModes.probe(directory, read_only=read_only)
        self._copy_symlinks = copy_symlinks
        self._links_lost = False
        self._copies: list[tuple[bytes, bytes]] = []
        if not self._modes.kept:
            _log.log(
                logging.INFO if os.name == "nt" else logging.WARNING,
                "%s: this file system keeps no execute bits, so which files are "
                "programs is lost",
                printable(os.fsencode(directory.path)),
            )

    def fill(self, members: Iterable[Member]) -> None:
        """Put all members in their places, in memory and on the disk.

        Raises:
            UnpackError: A member is what Tar.jl calls a possible attack, a limit is
                exceeded, or the file system can't store a name.
            OSError: The disk is full, or can't be written for another reason.
        """
        path = b""
        try:
            for member in members:
                path = member.path
                self.add(member)
            if self._links_lost:
                self._copies = plan_copies(self.root, self.hold)
                for path, source in self._copies:
                    self._copy(source, path)
        except OSError as error:
            _refuse_name(path, error)
            raise
        finally:
            self._leave(b"")

    def kept(self) -> KeptTree | None:
        """What is on the disk, where that is not all; None where it is.

        In memory as well, copies are then where the links were.
        """
        if self._modes.kept and not self._links_lost:
            return None
        if self._links_lost:
            with_copies(self.root, self._copies)
        rules = PKG_RULES._replace(modes=self._modes.kept)
        digest = root_digest(self.root, self.algorithm, rules)
        return KeptTree(TreeHash(digest), self._modes.kept)

    def clear(self) -> None:
        """Make the folder on the disk empty again."""
        empty_folder(self._directory.path, self._handle)

    def put_folder(self, path: bytes) -> None:
        """Make a folder."""
        place, handle = self._place(path)
        os.mkdir(place, dir_fd=handle)

    def put_folders(self, above: bytes, names: list[bytes]) -> None:
        """Make folders, each in the one before.

        Many are made from within: a path of n folders costs the system n steps.
        """
        path = above + b"/" if above else b""
        if len(names) < _MANY_FOLDERS or not FROM_WITHIN:
            for name in names:
                self.put_folder(path + name)
                path += name + b"/"
            return
        _make_nested(self._prefix + path or b".", names, self._handle)

    def put_file(self, member: Member) -> bytes:
        """Write a file; return its digest as a blob."""
        path, mode = self._prefix + member.path, self._modes.of(member)
        hasher = blob_hasher(member.size, self.algorithm)
        place, parent = self._place(member.path)
        handle = os.open(place, _WRITE_NEW, mode, dir_fd=parent)
        try:
            for piece in whole_content(member):
                _write(handle, piece, path)
                hasher.update(piece)
            if self._modes.explicit:
                os.fchmod(handle, mode)
        finally:
            os.close(handle)
        return hasher.digest()

    def put_copy(self, member: Member) -> None:
        """Copy the file that a hard link names, as Tar.jl does (extract.jl:115).

        The copy has a mode of its own.
        """
        mode = self._modes.of(member)
        if member.link == member.path:
            if self._modes.kept:
                place, parent = self._place(member.path)
                os.chmod(place, mode, dir_fd=parent)
            return
        self._copy_file(member.link, member.path, mode)

    def put_symlink(self, member: Member) -> None:
        """Make a symbolic link, or remember that a copy has to stand for it."""
        if self._copy_symlinks:
            self._links_lost = True
            return
        try:
            place, parent = self._place(member.path)
            os.symlink(member.link, place, dir_fd=parent)
        except OSError as error:
            no_links = error.errno in _LINK_ERRORS or os.name == "nt"
            if self._copy_symlinks is False or not no_links:
                raise
            _log.warning(
                "%s: symbolic links can't be made here (%s), so they become copies",
                printable(os.fsencode(self._directory.path)),
                error.strerror,
            )
            self._copy_symlinks = self._links_lost = True

    def remove(self, path: bytes, node: Node) -> None:
        """Remove what was made for an earlier member."""
        if isinstance(node, dict):
            self._leave(path)
            place, parent = self._place(path)
            remove_entry(os.fsdecode(place), parent, self._directory.path)
        elif not (self._copy_symlinks and symlink_target(node)):
            _unlink(*self._place(path))

    def _place(self, path: bytes) -> tuple[bytes, int | None]:
        """What a path is to the system, and the folder that it begins in."""
        above = path.count(b"/")
        if above < _MANY_FOLDERS or not FROM_WITHIN:
            return self._prefix + path, self._handle
        whole = above - above % _MANY_FOLDERS
        rest = path.split(b"/", whole)[whole]
        folder = self._far_down(path[: -len(rest) - 1])
        return (self._prefix + path, self._handle) if folder is None else (rest, folder)

    def _far_down(self, path: bytes) -> int | None:
        """The descriptor of a folder, None where it had too few members to hold it."""
        known = self._deep.pop(path, 0)
        if isinstance(known, int):
            known += 1
            if known == _MANY_MEMBERS:
                known = self._directory.enter(os.fsdecode(path))
        self._deep[path] = known
        if len(self._deep) > _MOST_HELD:
            self._let_go(next(iter(self._deep)))
        return None if isinstance(known, int) else known.handle

    def _leave(self, path: bytes) -> None:
        """Close the folders that are held at a path and below; "" is all."""
        inside = path + b"/" if path else b""
        for held in [each for each in self._deep if (each + b"/").startswith(inside)]:
            self._let_go(held)

    def _let_go(self, path: bytes) -> None:
        folder = self._deep.pop(path)
        if not isinstance(folder, int):
            folder.close()

    def _copy(self, source: bytes, path: bytes) -> None:
        """Copy what is on the disk, a file or a folder, all of it inside ours."""
        waiting = [iter([(source, path)])]
        while waiting:
            old, new = next(waiting[-1], (b"", b""))
            if not old:
                waiting.pop()
                continue
            self.count(path, 1)
            place, parent = self._place(old)
            mode = os.lstat(place, dir_fd=parent).st_mode
            if not stat.S_ISDIR(mode):
                self._copy_file(old, new, stat.S_IMODE(mode))
                continue
            self.occupy(path, FOLDER_BYTES)
            self.put_folder(new)
            waiting.append(_inside(self._names(old), old, new))

    def _names(self, path: bytes) -> list[bytes]:
        place, parent = self._place(path)
        if parent is None:
            return os.listdir(place)
        handle = os.open(place, _OPEN_FOLDER, dir_fd=parent)
        try:
            return [os.fsencode(name) for name in os.listdir(handle)]
        finally:
            os.close(handle)

    def _copy_file(self, source: bytes, path: bytes, mode: int) -> None:
        place, parent = self._place(source)
        read = os.open(place, OPEN_FILE | NO_FOLLOW, dir_fd=parent)
        with open(read, "rb", buffering=0) as file:
            size = os.fstat(read).st_size
            self.size += size
            self.occupy(path, size)
            place, parent = self._place(path)
            handle = os.open(place, _WRITE_NEW, mode, dir_fd=parent)
            try:
                while piece := file.read(_COPY_BYTES):
                    _write(handle, piece, self._prefix + path)
                if self._modes.explicit:
                    os.fchmod(handle, mode)
            finally:
                os.close(handle)

    def occupy(self, path: bytes, size: int) -> None:
        """Charge what something occupies on the disk, before it is written.

        Raises:
            UnpackError: The archive unpacks to more than it may.
            OSError: The disk has no room for it.
        """
        super().occupy(path, size)
        room = self._limits.room
        if room is not None and self._occupied > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(path))


def _inside(
    names: Iterable[bytes], old: bytes, new: bytes
) -> Iterator[tuple[bytes, bytes]]:
    """The paths of what is in a folder, and those of the copies, one at a time."""
    for name in names:
        yield old + b"/" + name, new + b"/" + name


def _make_nested(path: bytes, names: list[bytes], parent: int | None) -> None:
    """Make folders inside each other, where the deepest has a path that can be used."""
    with contextlib.suppress(FileNotFoundError):
        # So a path that is too long fails first.
        os.lstat(os.path.join(path, *names), dir_fd=parent)
    handle = os.open(path, _OPEN_FOLDER, dir_fd=parent)
    try:
        for name in names:
            os.mkdir(name, dir_fd=handle)
            inner = os.open(name, _OPEN_FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
    finally:
        os.close(handle)


def _unlink(path: bytes, parent: int | None) -> None:
    if os.name == "nt":
        os.chmod(path, stat.S_IWRITE)  # read-only files can't be removed there
    os.unlink(path, dir_fd=parent)


def _write(handle: int, data: Buffer, path: bytes) -> None:
    try:
        written = os.write(handle, data)
        while written < len(data):  # a disk is filling up, perhaps
            data = memoryview(data)[written:]
            written = os.write(handle, data)
    except OSError as error:
        error.filename = os.fsdecode(path)
        raise


def _refuse_name(path: bytes, error: OSError) -> None:
    """Refuse a member whose name is what an error of ours is about.

    Raises:
        UnpackError: The file system can't store the name.
    """
    if not isinstance(error.filename, bytes):  # a text: an error of writing or reading
        return
    if isinstance(error, FileExistsError):
        fault = (
            "this file system takes the name for that of an earlier member: "
            "it ignores case, or changes how letters are encoded"
        )
        raise refusal(path, fault) from error
    if error.errno in _NAME_ERRORS:
        fault = f"this file system can't store it ({error.strerror})"
        raise refusal(path, fault) from error
