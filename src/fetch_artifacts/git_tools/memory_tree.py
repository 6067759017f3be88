"""A tree in memory, with the digests of its files in place of their content."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fetch_artifacts.git_tools.objects import (
    DIGEST_SIZES,
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    new_hash,
    tree_entry,
)
from fetch_artifacts.git_tools.tree_rules import GIT, is_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fetch_artifacts.digests import Algorithm
    from fetch_artifacts.git_tools.tree_rules import TreeRules

# A tree of 300,000 files has to fit in some 50 MB, so nodes are plain: a folder is a
# dict of names, and a leaf is one bytes object: a letter for what it is, then a file's
# digest or a symbolic link's target.
Leaf: TypeAlias = bytes
Folder: TypeAlias = "dict[bytes, Folder | Leaf]"
Node: TypeAlias = "Folder | Leaf"
# The id of the folder that a place is in, and its name.
PlaceKey: TypeAlias = tuple[int, bytes]

PLAIN: Final = b"p"
RUNNABLE: Final = b"x"
SYMLINK: Final = b"l"
# Files that came as hard links, which no other hard link may name.
LINKED_PLAIN: Final = b"P"
LINKED_RUNNABLE: Final = b"X"

_MODES: Final = {
    PLAIN: FILE,
    RUNNABLE: EXECUTABLE,
    LINKED_PLAIN: FILE,
    LINKED_RUNNABLE: EXECUTABLE,
}

# A folder that is being hashed: its name, itself, the subfolders that are still to
# come, and the digests of those that are done. Names end in a slash.
_Open: TypeAlias = (
    "tuple[bytes, Folder, Iterator[tuple[bytes, Folder]], dict[bytes, bytes]]"
)


def symlink_target(node: Node) -> bytes | None:
    """The target of a symbolic link; None for all else."""
    if isinstance(node, bytes) and node[:1] == SYMLINK:
        return node[1:]
    return None


def file_mode(leaf: Leaf) -> bytes:
    """The mode of a file in a git tree."""
    return _MODES[leaf[:1]]


class Place(NamedTuple):
    """A place in a tree, with the way to it.

    Attributes:
        above: The folder that it is in, None for the tree itself.
        name: Its name there.
        node: What is there.
    """

    above: Place | None
    name: bytes
    node: Node

    @property
    def folder(self) -> Folder:
        """What is in here; nothing in a file."""
        return self.node if isinstance(self.node, dict) else {}

    @property
    def key(self) -> PlaceKey:
        """What distinguishes this place from others."""
        return id(self.above and self.above.node), self.name

    @property
    def path(self) -> bytes:
        """The names on the way, with slashes."""
        names = []
        place: Place | None = self
        while place and place.above:
            names.append(place.name)
            place = place.above
        return b"/".join(reversed(names))


def symlinks(
    root: Folder, on_folder: Callable[[bytes], object] = len
) -> Iterator[tuple[bytes, Place]]:
    """Give the path and the place of every symbolic link in a tree.

    Args:
        root: The tree.
        on_folder: Called with the path of each folder, which ends in a slash, before
            what is in it is looked at.
    """
    # One path at a time: a tree of deep paths is much smaller than all its paths.
    path = b""
    opened = [(Place(None, b"", root), iter(root.items()))]
    while opened:
        here, entries = opened[-1]
        for name, node in entries:
            if isinstance(node, dict):
                path += name + b"/"
                on_folder(path)
                opened.append((Place(here, name, node), iter(node.items())))
                break
            if node[:1] == SYMLINK:
                yield path + name, Place(here, name, node)
        else:
            opened.pop()
            path = path[: len(path) - len(here.name) - 1]


def hash_tree(
    root: Folder, algorithm: Algorithm, rules: TreeRules
) -> Iterator[tuple[bytes, Folder, bytes]]:
    """Hash a tree, folder by folder, the innermost first and the root last.

    Gives each folder that counts: its path, which is empty for the root and else ends
    in a slash; the folder; and the digest of its tree object.

    Args:
        root: The tree.
        algorithm: Which hash to use at every level.
        rules: What counts.
    """
    # Only the folders on the way down are held, with the digests that they have so far.
    path = b""
    opened: list[_Open] = [(b"", root, _subfolders(root, rules), {})]
    while opened:
        name, folder, waiting, digests = opened[-1]
        if inner := next(waiting, None):
            name, subfolder = inner
            opened.append((name, subfolder, _subfolders(subfolder, rules), {}))
            path += name
            continue
        opened.pop()
        keys = _sorted_keys(folder, digests, rules)
        if not opened or not rules.skip_empty or _is_kept(keys, folder, rules):
            digest = _digest(folder, keys, digests, algorithm, rules)
            if opened:
                opened[-1][3][name] = digest
            yield path, folder, digest
        path = path[: len(path) - len(name)]


def root_digest(root: Folder, algorithm: Algorithm, rules: TreeRules) -> bytes:
    """Hash a tree, and give the digest of the whole; see `hash_tree`."""
    last = b""
    for *_, digest in hash_tree(root, algorithm, rules):
        last = digest
    return last


def _subfolders(folder: Folder, rules: TreeRules) -> Iterator[tuple[bytes, Folder]]:
    for name, node in folder.items():
        if isinstance(node, dict) and not (rules.skip_git and name == GIT):
            yield name + b"/", node


def _sorted_keys(
    folder: Folder, digests: dict[bytes, bytes], rules: TreeRules
) -> list[bytes]:
    """The names that count in git's order, those of folders with a slash at the end."""
    keys = [name for name, node in folder.items() if isinstance(node, bytes)]
    if rules.skip_git and isinstance(folder.get(GIT), bytes):
        keys.remove(GIT)
    keys += digests
    keys.sort()
    return keys


def _is_kept(keys: list[bytes], folder: Folder, rules: TreeRules) -> bool:
    git = folder.get(GIT) if rules.skip_git else None
    return is_kept(keys, None if git is None else partial(_holds_files, git))


def _holds_files(node: Node) -> bool:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, bytes):
            return True
        waiting += node.values()
    return False


def _digest(
    folder: Folder,
    keys: list[bytes],
    digests: dict[bytes, bytes],
    algorithm: Algorithm,
    rules: TreeRules,
) -> bytes:
    """Hash a folder's tree object without holding its body, which may be long."""
    hasher = new_hash(algorithm)
    hasher.update(b"tree %d\0" % _body_size(keys, algorithm))
    for key in keys:
        node = folder.get(key)
        if not isinstance(node, bytes):
            entry = tree_entry(FOLDER, key[:-1], digests[key])
        elif node[:1] == SYMLINK:
            entry = tree_entry(LINK, key, rules.link_digest(node[1:], algorithm))
        else:
            mode = _MODES[node[:1]] if rules.modes else FILE
            entry = tree_entry(mode, key, node[1:])
        hasher.update(entry)
    return hasher.digest()


def _body_size(keys: list[bytes], algorithm: Algorithm) -> int:
    each = len(b"100644 \0") + DIGEST_SIZES[algorithm]
    # A folder's mode has a digit less than a file's, and its slash does not count.
    return sum(len(key) + each - 2 * key.endswith(b"/") for key in keys)
