"""The tree that an archive's members make.

Every consumer of an archive puts its members in here, one after the other, so what
Tar.jl calls an attack is refused whoever asked (Tar.jl extract.jl:344-416): a path that
runs through a symbolic link, a hard link to anything but an earlier plain file. What
``Tar.extract`` can't make is refused as well, but by `HashTree`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.git_tools.memory_tree import (
    LINKED_PLAIN,
    LINKED_RUNNABLE,
    PLAIN,
    RUNNABLE,
    SYMLINK,
    symlinks,
)
from fetch_artifacts.git_tools.objects import blob_hasher
from fetch_artifacts.tar.member import printable, refusal

if TYPE_CHECKING:
    from fetch_artifacts.digests import Algorithm
    from fetch_artifacts.errors import UnpackError
    from fetch_artifacts.git_tools.memory_tree import Folder, Leaf, Node
    from fetch_artifacts.tar.member import Member


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
        raise refusal(member.path, f"path runs through the file {printable(path)}")

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
                    child: Folder = {}
                    folder[name] = child
                    folder = child
                self.put_folders(b"/".join(parts[:count]), parts[count:])
                break
            folder = node
        self._parent_path, self._parent = path, folder

    def _make_way(self, here: bytes, node: Leaf | None, member: Member) -> None:
        """Let a member pass `here`, where there is no folder, and further down."""
        if node and node[:1] == SYMLINK:
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
            return (LINKED_RUNNABLE if member.executable else LINKED_PLAIN) + digest
        if old is not None:
            self._clear(member.path, old)
        if member.kind == "symlink":
            self.put_symlink(member)
            return SYMLINK + member.link
        return (RUNNABLE if member.executable else PLAIN) + self.put_file(member)

    def _target_digest(self, member: Member) -> bytes:
        """The digest of what a hard link names.

        Tar.jl also takes a path that was a file once and is a folder now: it copies the
        folder, and then writes through the symbolic links in the copy, even to places
        outside. Only its ``tree_hash`` fails, as this does.
        """
        node: Node | None = self.root
        for part in member.link.split(b"/"):
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, bytes) and node[:1] in {PLAIN, RUNNABLE}:
            return node[1:]
        fault = f"hard link to {printable(member.link)}, which is no earlier plain file"
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
    fault = f"path runs through the symbolic link {printable(path)}"
    return refusal(member.path, f"{fault}; this may be an attack")
