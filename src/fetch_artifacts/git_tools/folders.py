"""The folders of a tree, each as the git tree object that Pkg.GitTools makes of it.

A folder comes when it is hashed, so the innermost come first and the root last, and
only the open ones are held: the size of a tree does not matter. Paths and names are
bytes: a name that is no text hashes like any other.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fetch_artifacts.git_tools.files import hash_large_files, special_file, unreadable
from fetch_artifacts.git_tools.forks import files_at_once, hash_small_files
from fetch_artifacts.git_tools.objects import (
    DIGEST_SIZES,
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    blob_digest,
    link_digest,
    object_digest,
    tree_entry,
)
from fetch_artifacts.git_tools.tree_rules import GIT, is_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.digests import Algorithm

Digests: TypeAlias = tuple[bytes, bytes]
"""One by Julia's rule for links outside ASCII, one by git's; mostly they are equal."""


@dataclass(frozen=True, slots=True)
class HashedFolder:
    """A folder that is hashed.

    Attributes:
        path: The folder's path, which begins with that of the root and ends in a slash.
        body: Its tree object, for `objects.parse_tree`.
        digests: The tree object's hash by Julia's rule, and by git's.
    """

    path: bytes
    body: bytearray
    digests: Digests


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in a folder.

    Attributes:
        keys: The names in git's order, those of folders with a slash at the end.
        links: Those that are symbolic links.
        has_git: Whether there is a ``.git``, which is not among the names.
    """

    keys: list[bytes]
    links: set[bytes]
    has_git: bool


def list_folder(path: bytes) -> Listing:
    """List a folder in the order in which git hashes it.

    Raises:
        UnhashableFileError: It holds a FIFO, a socket or a device.
        OSError: It can't be listed.
    """
    keys: list[bytes] = []
    links: set[bytes] = set()
    has_git = False
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name == GIT:
                has_git = True
            elif entry.is_file(follow_symlinks=False):
                keys.append(name)
            elif entry.is_dir(follow_symlinks=False):
                keys.append(name + b"/")
            elif entry.is_symlink():
                keys.append(name)
                links.add(name)
            else:
                mode = entry.stat(follow_symlinks=False).st_mode
                raise special_file(entry.path, mode)
    keys.sort()
    return Listing(keys, links, has_git)


def list_subfolder(path: bytes) -> Listing:
    """List a folder that is not the root.

    Raises:
        UnhashableFileError: It holds a FIFO, a socket or a device, or can't be listed.
    """
    try:
        return list_folder(path)
    except OSError as error:
        raise unreadable(path, error) from error


def hash_link(path: bytes, algorithm: Algorithm) -> Digests:
    """Give the digests of a symbolic link.

    Raises:
        UnhashableFileError: It can't be read.
    """
    try:
        target = os.readlink(path)
    except OSError as error:
        raise unreadable(path, error) from error
    return link_digest(target, algorithm), blob_digest(target, algorithm)


def has_git_files(path: bytes) -> bool:
    """Whether the ``.git`` of a folder is, or holds, anything but folders.

    Args:
        path: The folder, with a slash at the end.

    Raises:
        UnhashableFileError: A folder in there can't be listed.
    """
    return _contains_files(path + GIT)


def hash_folders(
    root: bytes, algorithm: Algorithm, *, modes: bool = True
) -> Iterator[HashedFolder]:
    """Hash a tree, folder by folder.

    Folders are left out as `tree_rules.is_kept` says, but not the root. Small files are
    hashed many at a time; large ones wait until the small ones are done, and so do the
    folders that hold some at any depth, which come at the end.

    Args:
        root: The path of a folder, or of a link to one, with a slash at the end.
        algorithm: Which digests to make.
        modes: Whether execute bits count; without them no file is a program.

    Raises:
        UnhashableFileError: Something in it has no git hash, can't be read, or changes.
        OSError: The root is not a folder, or can't be listed.
    """
    walk = _Walk(_How(algorithm, modes, files_at_once()))
    folder: _OpenFolder | None = _OpenFolder(root, list_folder(root), walk.how)
    while folder:
        following = folder.read_entries(walk.files)
        if following is None:
            if folder.enters_parent():
                walk.left.append(folder)
            following = folder.parent
        if following is None or len(walk.files.paths) == walk.how.at_once:
            yield from walk.hash_small()
        folder = following
    yield from walk.hash_large()


class _How(NamedTuple):
    """How a tree is hashed.

    Attributes:
        algorithm: Which digests to make.
        modes: Whether execute bits count.
        at_once: How many files are collected before they are hashed.
    """

    algorithm: Algorithm
    modes: bool
    at_once: int


class _Files(NamedTuple):
    """Files, each with the folder that holds it, and the slot for its digest there."""

    paths: list[bytes]
    folders: list[_OpenFolder]
    slots: list[int]


class _Walk:
    """What a walk through a tree has come to.

    Attributes:
        how: How the tree is hashed.
        files: What comes next; some may turn out to be large.
        left: The folders that wait for these, the inner ones before the outer ones.
    """

    def __init__(self, how: _How) -> None:
        self.how = how
        self.files = _Files([], [], [])
        self.left: list[_OpenFolder] = []
        self._large: dict[bytes, tuple[_OpenFolder, int]] = {}
        self._waiting: list[_OpenFolder] = []

    def hash_small(self) -> Iterator[HashedFolder]:
        """Hash the files that come next, and the folders that wait for no others."""
        hashed = hash_small_files(self.files.paths, self.how.algorithm)
        for path, folder, slot, (mode, digest) in zip(*self.files, hashed, strict=True):
            if mode == EXECUTABLE and self.how.modes:
                folder.make_executable(slot, path)
            if digest:
                folder.body[slot : slot + len(digest)] = digest
            else:
                self._large[path] = folder, slot
                folder.waits = True
        self.files = _Files([], [], [])
        for folder in self.left:
            if not folder.waits:
                yield folder.finish()
                continue
            self._waiting.append(folder)
            if folder.parent:
                folder.parent.waits = True
        self.left.clear()

    def hash_large(self) -> Iterator[HashedFolder]:
        """Hash the large files, and the folders that wait for them."""
        digests = hash_large_files(self._large, self.how.algorithm)
        for path, digest in digests.items():
            folder, slot = self._large[path]
            folder.fill(slot, (digest, digest))
        for folder in self._waiting:
            yield folder.finish()


class _OpenFolder:
    """A folder whose tree object is being written, entry after entry in git's order.

    An entry whose digest is not known yet has zeros in its slot.
    """

    def __init__(
        self,
        path: bytes,
        listing: Listing,
        how: _How,
        *,
        name: bytes = b"",
        parent: _OpenFolder | None = None,
    ) -> None:
        self.parent = parent
        self.waits = False
        self._path = path
        self._name = name
        self._slot = 0  # where the parent has this folder's digest
        self._listing = listing
        self._keys = iter(listing.keys)
        self._how = how
        self._algorithm = how.algorithm
        self._empty = bytes(DIGEST_SIZES[how.algorithm])
        self.body = bytearray()
        self._git_digests: dict[int, bytes] = {}  # those that differ, by their slots

    def read_entries(self, files: _Files) -> _OpenFolder | None:
        """Take up files until there are enough; give the folder to go on with.

        That is this one, or the next one in it, or None where this one is at its end.
        """
        paths, folders, slots = files
        for key in self._keys:
            path = self._path + key
            if key.endswith(b"/"):
                return _OpenFolder(
                    path,
                    list_subfolder(path),
                    self._how,
                    name=key[:-1],
                    parent=self,
                )
            if key in self._listing.links:
                self.fill(self.reserve(LINK, key), hash_link(path, self._algorithm))
            else:
                paths.append(path)
                folders.append(self)
                slots.append(self.reserve(FILE, key))
                if len(paths) == self._how.at_once:
                    return self
        return None

    def enters_parent(self) -> bool:
        """Take a slot in the parent's tree; False where Pkg leaves this folder out."""
        if self.parent:
            git = partial(has_git_files, self._path) if self._listing.has_git else None
            if not is_kept(self.body, git):
                return False
            self._slot = self.parent.reserve(FOLDER, self._name)
        return True

    def reserve(self, mode: bytes, name: bytes) -> int:
        """Write an entry without its digest, and give the slot for that."""
        self.body += b"%b %b\0%b" % (mode, name, self._empty)  # faster than a call
        return len(self.body) - len(self._empty)

    def make_executable(self, slot: int, path: bytes) -> None:
        """Say so in the entry of a file, whose slot is reserved."""
        start = slot - len(tree_entry(FILE, path[len(self._path) :], b""))
        self.body[start : start + len(EXECUTABLE)] = EXECUTABLE

    def fill(self, slot: int, digests: Digests) -> None:
        """Write the digest of an entry whose slot is reserved."""
        digest, git_digest = digests
        self.body[slot : slot + len(digest)] = digest
        if digest != git_digest:
            self._git_digests[slot] = git_digest

    def finish(self) -> HashedFolder:
        """Hash the tree object, now that all its slots are filled."""
        digest = git_digest = object_digest(b"tree", self.body, self._algorithm)
        if self._git_digests:
            body = self.body.copy()
            for slot, other in self._git_digests.items():
                body[slot : slot + len(other)] = other
            git_digest = object_digest(b"tree", body, self._algorithm)
        if self.parent:
            self.parent.fill(self._slot, (digest, git_digest))
        return HashedFolder(self._path, self.body, (digest, git_digest))


def _contains_files(path: bytes) -> bool:
    pending = [path]
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return True
        while pending:
            path = pending.pop()
            with os.scandir(path) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        return True
                    pending.append(entry.path)
    except OSError as error:
        raise unreadable(path, error) from error
    return False
