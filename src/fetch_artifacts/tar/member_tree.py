"""The tree that an archive's members make, and its hash.

Every consumer of an archive puts its members in here, one after the other, so what
Tar.jl calls an attack is refused whoever asked (Tar.jl extract.jl:344-416): a path that
runs through a symbolic link, a hard link to anything but an earlier plain file. What
``Tar.extract`` can't make is refused as well, but by `HashTree`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.git_tools.objects import (
    DIGEST_SIZES,
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    blob_digest,
    blob_hasher,
    new_hash,
    tree_entry,
)
from fetch_artifacts.tar.member import refusal, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fetch_artifacts.digests import Algorithm
    from fetch_artifacts.errors import UnpackError
    from fetch_artifacts.tar.member import Member

# A tree of 200,000 files has to fit in some 30 MB, so nodes are plain: a folder is a
# dict of names, and a leaf is one bytes object: a letter for what it is, then a file's
# digest or a symbolic link's target.
Leaf: TypeAlias = bytes
Folder: TypeAlias = "dict[bytes, Folder | Leaf]"
Node: TypeAlias = "Folder | Leaf"

_PLAIN: Final = b"p"
_EXECUTABLE: Final = b"x"
_SYMLINK: Final = b"l"
# Files that came as hard links, which no other hard link may name.
_LINKED_PLAIN: Final = b"P"
_LINKED_EXECUTABLE: Final = b"X"

_MODES: Final = {
    _PLAIN: FILE,
    _EXECUTABLE: EXECUTABLE,
    _LINKED_PLAIN: FILE,
    _LINKED_EXECUTABLE: EXECUTABLE,
}


class MemberTree:
    """The tree of the members so far; later ones replace earlier ones.

    The methods ``put_*`` and `remove` are what a subclass overrides to do the same
    elsewhere, on a disk say; here they do nothing but hash the files' contents.

    Attributes:
        root: The folder that everything is in.
    """

    def __init__(self, algorithm: Algorithm = "git-sha1") -> None:
        self.root: Folder = {}
        self.algorithm: Algorithm = algorithm
        # Most members are in the same folder as the one before.
        self._parent_path = b""
        self._parent = self.root
        # Links that went with their folder: to Tar.jl they are links still, until a
        # member takes their place (it keeps one flat table of paths, extract.jl:367).
        self._lost_links: set[bytes] = set()

    def add(self, member: Member) -> None:
        """Put the next member in its place, and read its content.

        Raises:
            UnpackError: The member is what Tar.jl calls a possible attack.
        """
        path = member.path
        if not path:  # "./", the root itself; only a directory gets this far
            return
        parent, _, name = path.rpartition(b"/")
        if parent != self._parent_path:
            self._enter(parent, member)
        folder = self._parent
        if self._lost_links:
            self._lost_links.discard(path)
        old = folder.get(name)
        if member.kind == "directory":
            if not isinstance(old, dict):
                if old is not None:
                    self._clear(path, old)
                folder[name] = {}
                self.put_folder(path)
        else:
            folder[name] = self._put_leaf(member, old)

    def put_folder(self, path: bytes) -> None:
        """A folder is new, by a member of its own."""

    def put_folders(self, above: bytes, names: list[bytes]) -> None:
        """Folders are new, for a member inside them: each is in the one before."""

    def put_file(self, member: Member) -> bytes:
        """Take a file's content; gives its digest as a blob."""
        hasher = blob_hasher(member.size, self.algorithm)
        for piece in member.pieces:
            hasher.update(piece)
        return hasher.digest()

    def put_copy(self, member: Member) -> None:
        """A hard link stands for a copy of the file that it names, or for itself."""

    def put_symlink(self, member: Member) -> None:
        """A symbolic link is new."""

    def remove(self, path: bytes, node: Node) -> None:
        """Something gives way to a later member."""

    def check_ancestor(self, path: bytes, member: Member) -> None:
        """A file at `path` is in the way of a member that is not directly in it.

        Tar.jl removes a file in the place of the parent folder, but fails to unpack
        where it is further up (extract.jl:98, ``mkpath``).
        """
        raise refusal(member.path, f"path runs through the file {shown(path)}")

    def check_source(self, member: Member) -> None:
        """A hard link is about to take the place of whatever is at its path.

        Tar.jl removes that first, and then fails when the file was in there.
        """
        if member.link.startswith(member.path + b"/"):
            raise refusal(member.path, "hard link to a file that it replaces")

    def _enter(self, path: bytes, member: Member) -> None:
        """Make a member's parent the current folder, and make it if it is missing."""
        folder = self.root
        parts = path.split(b"/") if path else []
        for count, part in enumerate(parts):
            node = folder.get(part)
            if not isinstance(node, dict):
                self._make_way(b"/".join(parts[: count + 1]), node, member)
                for name in parts[count:]:
                    below: Folder = {}
                    folder[name] = below
                    folder = below
                self.put_folders(b"/".join(parts[:count]), parts[count:])
                break
            folder = node
        self._parent_path, self._parent = path, folder

    def _make_way(self, here: bytes, node: Leaf | None, member: Member) -> None:
        """Let a member pass `here`, where there is no folder, and further down."""
        if node and node[:1] == _SYMLINK:
            raise _runs_through(here, member)
        parent = member.path.rpartition(b"/")[0]
        if self._lost_links:
            end = len(here)
            while end > 0:
                if parent[:end] in self._lost_links:
                    raise _runs_through(parent[:end], member)
                end = parent.find(b"/", end + 1)
            if parent in self._lost_links:
                raise _runs_through(parent, member)
        if node is not None:
            if here != parent:
                self.check_ancestor(here, member)
            self._clear(here, node)

    def _put_leaf(self, member: Member, old: Node | None) -> Leaf:
        if member.kind == "hardlink":
            digest = self._target_digest(member)
            self.check_source(member)
            if old is not None and member.link != member.path:
                self._clear(member.path, old)
            self.put_copy(member)
            return (_LINKED_EXECUTABLE if member.executable else _LINKED_PLAIN) + digest
        if old is not None:
            self._clear(member.path, old)
        if member.kind == "symlink":
            self.put_symlink(member)
            return _SYMLINK + member.link
        return (_EXECUTABLE if member.executable else _PLAIN) + self.put_file(member)

    def _target_digest(self, member: Member) -> bytes:
        """The digest of what a hard link names.

        Tar.jl also takes a path that was a file once and is a folder now: it copies the
        folder, and then writes through the symbolic links in the copy, even to places
        outside. Only its ``tree_hash`` fails, as this does.
        """
        node: Node | None = self.root
        for part in member.link.split(b"/"):
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, bytes) and node[:1] in {_PLAIN, _EXECUTABLE}:
            return node[1:]
        fault = f"hard link to {shown(member.link)}, which is no earlier plain file"
        raise refusal(member.path, f"{fault}; this may be an attack")

    def _clear(self, path: bytes, old: Node) -> None:
        if isinstance(old, dict):
            self._parent_path, self._parent = b"", self.root
            for name, _ in symlinks(old):
                self._lost_links.add(path + b"/" + name)
        self.remove(path, old)


class HashTree(MemberTree):
    """A tree that is never made: what `Tar.tree_hash` takes, though not ``extract``."""

    def check_ancestor(self, path: bytes, member: Member) -> None:
        """A file gives way to a folder, wherever it is."""

    def check_source(self, member: Member) -> None:
        """The digest of the file that is replaced is known already."""


def _runs_through(path: bytes, member: Member) -> UnpackError:
    fault = f"path runs through the symbolic link {shown(path)}"
    return refusal(member.path, f"{fault}; this may be an attack")


def symlink_target(node: Node) -> bytes | None:
    """The target of a symbolic link; None for all else."""
    if isinstance(node, bytes) and node[:1] == _SYMLINK:
        return node[1:]
    return None


def file_mode(leaf: Leaf) -> bytes:
    """The mode of a file in a git tree."""
    return _MODES[leaf[:1]]


def symlinks(root: Folder) -> Iterator[tuple[bytes, bytes]]:
    """Give the path and the target of every symbolic link in a tree."""
    waiting = [(b"", root)]
    while waiting:
        prefix, folder = waiting.pop()
        for name, node in folder.items():
            if isinstance(node, dict):
                waiting.append((prefix + name + b"/", node))
            elif node[:1] == _SYMLINK:
                yield prefix + name, node[1:]


def hash_tree(
    root: Folder,
    algorithm: Algorithm,
    *,
    link_digest: Callable[[bytes, Algorithm], bytes] = blob_digest,
    skip_empty: bool = False,
    skip_git: bool = False,
    found: dict[int, bytes] | None = None,
) -> bytes:
    """Hash a tree as git would, or with the exceptions that Tar.jl and Pkg make.

    Args:
        root: The tree.
        algorithm: Which hash to use at every level.
        link_digest: What gives the digest of a symbolic link's target.
        skip_empty: Leave out folders with no file at any depth.
        skip_git: Leave out whatever is called ``.git``. It still makes the folder that
            it is in count as one with files, as in Pkg (Pkg.jl GitTools.jl:300-310).
        found: Gets the digests of all folders that count, by their ``id``.
    """
    # Only the folders on the way down are held, with the digests that they have so far.
    opened = [(b"", root, _subfolders(root), dict[bytes, bytes]())]
    while True:
        name, folder, waiting, digests = opened[-1]
        if waiting:
            name, below = waiting.pop()
            opened.append((name, below, _subfolders(below), {}))
            continue
        opened.pop()
        keys = _sorted_keys(folder, digests)
        counts = bool(keys) or not skip_empty
        if skip_git:
            keys = [key for key in keys if key not in {b".git", b".git/"}]
        hasher = new_hash(algorithm)
        hasher.update(b"tree %d\0" % _tree_size(keys, algorithm))
        for key in keys:
            entry_name = key.rstrip(b"/")
            node = folder[entry_name]
            if isinstance(node, dict):
                entry = tree_entry(FOLDER, entry_name, digests[entry_name])
            elif node[:1] == _SYMLINK:
                entry = tree_entry(LINK, entry_name, link_digest(node[1:], algorithm))
            else:
                entry = tree_entry(_MODES[node[:1]], entry_name, node[1:])
            hasher.update(entry)
        digest = hasher.digest()
        if not opened:
            return digest
        if counts:
            opened[-1][3][name] = digest
            if found is not None:
                found[id(folder)] = digest


def _subfolders(folder: Folder) -> list[tuple[bytes, Folder]]:
    return [(name, node) for name, node in folder.items() if isinstance(node, dict)]


def _sorted_keys(folder: Folder, digests: dict[bytes, bytes]) -> list[bytes]:
    """The names in git's order: those of folders count with a slash at the end.

    Folders without a digest are left out.
    """
    return sorted(
        name + b"/" if isinstance(node, dict) else name
        for name, node in folder.items()
        if name in digests or not isinstance(node, dict)
    )


def _tree_size(keys: list[bytes], algorithm: Algorithm) -> int:
    """How long a tree object is, whose body is too long to hold where it matters."""
    each = len(b"100644 \0") + DIGEST_SIZES[algorithm]
    # A folder's mode has a digit less than a file's, and its slash does not count.
    return sum(len(key) + each - 2 * key.endswith(b"/") for key in keys)
