"""The tree that an archive's members make.

Every consumer of an archive puts its members in here, one after the other, so what
Tar.jl calls an attack is refused whoever asked (Tar.jl extract.jl:344-416): a path that
runs through a symbolic link, a hard link to anything but an earlier plain file. What
``Tar.extract`` can't make is refused as well, except by a `HashTree`.
"""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Final

from fetch_artifacts.git_tools.memory_tree import (
    LINKED_PLAIN,
    LINKED_RUNNABLE,
    PLAIN,
    RUNNABLE,
    SYMLINK,
    symlinks,
)
from fetch_artifacts.git_tools.objects import blob_hasher
from fetch_artifacts.tar.limits import DEFAULT_LIMITS, FOLDER_BYTES, link_bytes
from fetch_artifacts.tar.member import printable, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.digests import Algorithm
    from fetch_artifacts.errors import UnpackError
    from fetch_artifacts.git_tools.memory_tree import Folder, Leaf, Node
    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Buffer, Member

# What CPython needs at most for an entry beside the bytes of its name: the name and the
# leaf, as objects of multiples of 16 bytes; for a folder in place of the leaf, the dict
# with room for five entries, and what hashing the folder that it is in adds meanwhile.
_LEAF_BYTES: Final = 112
_FOLDER_BYTES: Final = 320
# A full dict of n entries gives way to one for 2 n: three words each, and indices.
_SLOT_BYTES: Final = 30
_FULL: Final = frozenset((1 << power) // 3 for power in range(4, 40))
_LINK_BYTES: Final = 80  # for the path of a link, where those are gathered
_SPARSE_SHOWN: Final = 3


class MemberTree:
    """The tree of the members so far; later ones replace earlier ones.

    A subclass overrides the methods ``put_*`` and `remove` to make the tree elsewhere
    too, such as on a disk; here they only hash the contents of files.

    Attributes:
        root: The folder that everything is in.
        size: Bytes in all files so far.
        files: Files and links so far.
        sparse: The first members whose content is GNU's form of a sparse file.
        plain_links: The targets of all symbolic links are ASCII.
    """

    def __init__(
        self,
        algorithm: Algorithm = "git-sha1",
        *,
        limits: UnpackLimits = DEFAULT_LIMITS,
    ) -> None:
        self.root: Folder = {}
        self.algorithm: Algorithm = algorithm
        self.size = 0
        self.files = 0
        self.sparse: list[bytes] = []
        self.plain_links = True
        self._limits = limits
        # Compared once a member, where a call would cost more than all the rest.
        self._most_members = limits.max_members
        self._most_held = limits.max_names
        self._most_occupied = limits.max_size
        self._members = 0  # and the folders that they imply
        self._occupied = 0  # bytes on a disk
        self._held = 0  # bytes of memory
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
        self._members += 1
        if self._members > self._most_members:
            self.count(path, 0)
        if not path:  # "./", the root itself; only a directory gets this far
            return
        parent, _, name = path.rpartition(b"/")
        if parent != self._parent_path:
            self._enter(parent, member)
        folder = self._parent
        if self._lost_links:
            self._lost_links.discard(path)
        old = folder.get(name)
        if old is None:
            self._held += _LEAF_BYTES + len(name)
            if len(folder) in _FULL:
                self._grow(path, folder)
            if self._held > self._most_held:
                self.hold(path, 0)
        if member.kind == "directory":
            if not isinstance(old, dict):
                if old is not None:
                    self._clear(path, old)
                folder[name] = {}
                self.hold(path, _FOLDER_BYTES + len(name))
                self.occupy(path, FOLDER_BYTES)
                self.put_folder(path)
        else:
            folder[name] = self._put_leaf(member, old)

    def put_folder(self, path: bytes) -> None:
        """A folder is new, by a member of its own."""

    def put_folders(self, above: bytes, names: list[bytes]) -> None:
        """Folders are new, for a member inside them: each is in the one before."""

    def put_file(self, member: Member) -> bytes:
        """Take a file's content; return its digest as a blob.

        Raises:
            UnpackError: There is more of it, or less, than the archive says.
        """
        hasher = blob_hasher(member.size, self.algorithm)
        for piece in whole_content(member):
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
        parts = path.split(b"/") if path else []
        try:  # there already, as a rule, and paths of 2,000 folders may be many
            known: Node = reduce(getitem, parts, self.root)  # type: ignore[arg-type]
        except (KeyError, TypeError):  # nothing there, or a leaf
            known = b""
        if not isinstance(known, dict):
            known = self._make_parents(parts, member)
        self._parent_path, self._parent = path, known

    def _make_parents(self, parts: list[bytes], member: Member) -> Folder:
        """Make the folders that are missing on the way to a member; return the last."""
        folder = self.root
        for count, part in enumerate(parts):
            node = folder.get(part)
            if not isinstance(node, dict):
                self._make_way(b"/".join(parts[: count + 1]), node, member)
                path_bytes = sum(map(len, parts[count:]))
                new = len(parts) - count
                self.count(member.path, new)
                each = _LEAF_BYTES + _FOLDER_BYTES
                self.hold(member.path, new * each + 2 * path_bytes)
                if len(folder) in _FULL:
                    self._grow(member.path, folder)
                self.occupy(member.path, new * FOLDER_BYTES)
                for name in parts[count:]:
                    child: Folder = {}
                    folder[name] = child
                    folder = child
                self.put_folders(b"/".join(parts[:count]), parts[count:])
                break
            folder = node
        return folder

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
            self.files += 1
            if old is not None and member.link != member.path:
                self._clear(member.path, old)
            self.put_copy(member)
            return (LINKED_RUNNABLE if member.executable else LINKED_PLAIN) + digest
        if old is not None:
            self._clear(member.path, old)
        self.files += 1
        if member.kind == "symlink":
            self.hold(member.path, len(member.link))
            self.occupy(member.path, link_bytes(member.link))
            self.plain_links &= member.link.isascii()
            self.put_symlink(member)
            return SYMLINK + member.link
        self.size += member.size
        self._occupied += member.size
        if self._occupied > self._most_occupied:
            self.occupy(member.path, 0)
        if member.sparse and len(self.sparse) < _SPARSE_SHOWN:
            self.sparse.append(member.path)
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
        if isinstance(node, bytes):
            what = "symbolic link" if node[:1] == SYMLINK else "hard link"
            fault = (
                f"hard link to the {what} {printable(member.link)}, which Julia can't "
                "unpack; `fetch-artifacts create` stores each link by itself"
            )
            raise refusal(member.path, fault)
        fault = f"hard link to {printable(member.link)}, which is no earlier plain file"
        raise refusal(member.path, f"{fault}; this may be an attack")

    def _clear(self, path: bytes, old: Node) -> None:
        if isinstance(old, dict):
            self._parent_path, self._parent = b"", self.root
            for name, _ in symlinks(old):
                self.hold(path, _LINK_BYTES + len(path) + len(name))
                self._lost_links.add(path + b"/" + name)
        self.remove(path, old)

    def _grow(self, path: bytes, folder: Folder) -> None:
        """Charge that a full folder gets longer: for a moment, it is there twice."""
        before = len(folder) * _SLOT_BYTES
        self.hold(path, 2 * before)
        self._held -= before

    def occupy(self, path: bytes, size: int) -> None:
        """Charge what something occupies on a disk, before it is written.

        Raises:
            UnpackError: The archive unpacks to more than it may.
        """
        self._occupied += size
        if self._occupied > self._limits.max_size:
            fault = (
                f"with it the archive unpacks to {self._occupied} bytes, expected at "
                f"most {self._limits.max_size}"
            )
            raise refusal(path, fault, todo=_raise_it("MAX_SIZE"))

    def count(self, path: bytes, members: int) -> None:
        """Charge members, or folders that one implies.

        Raises:
            UnpackError: The archive has more than it may.
        """
        self._members += members
        if self._members > self._limits.max_members:
            fault = (
                "with it there are more files and folders than "
                f"{self._limits.max_members}"
            )
            raise refusal(path, fault, todo=_raise_it("MAX_MEMBERS"))

    def hold(self, path: bytes, size: int) -> None:
        """Charge memory that an entry needs until the archive's end.

        Raises:
            UnpackError: The archive needs more than it may.
        """
        self._held += size
        if self._held > self._most_held:
            self._limits = self._limits.proven()
            self._most_held = self._limits.max_names
        if self._held > self._most_held:
            fault = (
                "with it the names, links and folders need more than "
                f"{self._most_held} bytes of memory"
            )
            raise refusal(path, fault, todo=_raise_it("MAX_NAMES"))


class HashTree(MemberTree):
    """A tree that is never made: what `Tar.tree_hash` takes, though not ``extract``."""

    def check_ancestor(self, path: bytes, member: Member) -> None:
        """A file gives way to a folder, wherever it is."""

    def check_source(self, member: Member) -> None:
        """The digest of the file that is replaced is known already."""


def _raise_it(limit: str) -> str:
    return f"if you trust the archive, set FETCH_ARTIFACTS_{limit} to more"


def whole_content(member: Member) -> Iterator[Buffer]:
    """Give the content of a file, in pieces.

    Raises:
        UnpackError: There is more of it, or less, than the archive says.
    """
    left = member.size
    for piece in member.pieces:
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        found = f"at least {member.size - left}" if left < 0 else member.size - left
        fault = f"its content has {found} bytes, the archive says {member.size}"
        raise refusal(member.path, fault)


def _runs_through(path: bytes, member: Member) -> UnpackError:
    fault = f"path runs through the symbolic link {printable(path)}"
    return refusal(member.path, f"{fault}; this may be an attack")
