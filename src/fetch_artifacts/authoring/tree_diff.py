"""The differences between two trees, entry by entry.

A tree is a folder, an archive, or an installed artifact. Only what counts for its hash
is compared: names, contents, the owner's execute bit and the targets of links. Folders
without files, anything called ``.git``, times and owners don't count.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.tree import read_archive_file
from fetch_artifacts.depot.artifacts import find_artifact
from fetch_artifacts.digests import TreeHash, is_tree_hash
from fetch_artifacts.errors import DepotError, NotAFolderError
from fetch_artifacts.git_tools.objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    sort_name,
    tree_digest,
)
from fetch_artifacts.git_tools.tree_hash import list_directory
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.limits import UnpackLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.git_tools.objects import TreeEntry

_TYPES: Final = {FILE: "blob", EXECUTABLE: "blob", LINK: "blob", FOLDER: "tree"}
_KINDS: Final = {FILE: "file", EXECUTABLE: "file", LINK: "link", FOLDER: "folder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The entries of a tree.

    Attributes:
        entries: The mode and digest of each path, in git's order.
        tree_hash: The tree's hash by the rules of Julia's Pkg.
    """

    entries: Mapping[bytes, tuple[bytes, bytes]]
    tree_hash: TreeHash

    @property
    def top_folder(self) -> tuple[bytes, TreeHash] | None:
        """The path and hash of the only entry at the top, if it is a folder."""
        top = [path for path in self.entries if b"/" not in path]
        if len(top) != 1 or self.entries[top[0]][0] != FOLDER:
            return None
        return top[0], TreeHash(self.entries[top[0]][1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An entry that differs between two trees.

    Attributes:
        path: Its path; bytes that are not UTF-8 are escaped.
        what: The difference.
    """

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def read_tree(place: str | os.PathLike[str]) -> Tree:
    """Read a folder, an archive of any kind, or an artifact by its hash.

    Args:
        place: A path, or a tree hash of 40 hex digits if there is no such path.

    Raises:
        DepotError: No depot has a tree of that hash.
        UnpackError: The archive is damaged, or is not an archive.
        UnhashableFileError: The folder holds what has no hash or can't be read.
        NotAFolderError: There is no such folder or file.
        OSError: It can't be read.
    """
    path = Path(place)
    if not path.exists():
        if not is_tree_hash(os.fspath(place)):
            msg = (
                f"{path}: expected a folder, an archive, the hash of an installed "
                "artifact or the name of one in an Artifacts.toml, found none of them"
            )
            raise NotAFolderError(msg, path=path)
        path = _installed(TreeHash.parse(os.fspath(place)))
    if path.is_dir():
        return _tree(list_directory(path))
    limits = UnpackLimits.of(Settings.from_environ())
    return _tree(read_archive_file(path, limits).entries())


def tree_lines(place: str | os.PathLike[str]) -> Iterator[str]:
    """Give a line for each entry of a tree, as ``git ls-tree -r -t`` prints them.

    Raises:
        FetchArtifactsError: As `read_tree`.
        OSError: As `read_tree`.
    """
    for path, (mode, digest) in read_tree(place).entries.items():
        yield f"{mode.decode():0>6} {_TYPES[mode]} {digest.hex()}\t{_printable(path)}"


def compare_trees(first: Tree, second: Tree) -> tuple[Difference, ...]:
    """List the differences between two trees, sorted by path."""
    found = (
        Difference(path=_printable(path), what=_difference(path, first, second))
        for path in sorted({*first.entries, *second.entries})
    )
    return tuple(difference for difference in found if difference.what)


def containment(first: Tree, second: Tree) -> str:
    """Say which tree contains the other in its only folder, "" if neither does."""
    for one, other, words in ((first, second, "second"), (second, first, "first")):
        top = other.top_folder
        if top and top[1] == one.tree_hash:
            return f"the {words} has the other in its folder {_printable(top[0])!r}"
    return ""


def _installed(tree_hash: TreeHash) -> Path:
    path = find_artifact(tree_hash)
    if path is None:
        msg = f"{tree_hash}: expected an installed artifact, found none in any depot"
        raise DepotError(msg)
    return path


def _tree(entries: Iterator[TreeEntry]) -> Tree:
    ordered = sorted(entries, key=lambda entry: sort_name(entry[0], entry[1]))
    top = [entry for entry in ordered if b"/" not in entry[1]]
    return Tree(
        entries={path: (mode, digest) for mode, path, digest in ordered},
        tree_hash=TreeHash(tree_digest(top, "git-sha1")),
    )


def _difference(path: bytes, first: Tree, second: Tree) -> str:
    """Describe the difference of an entry, "" if its children describe it."""
    old, new = first.entries.get(path), second.entries.get(path)
    if old == new:
        return ""
    if old is None or new is None:
        mode, _ = old or new or (b"", b"")
        # Its files are reported.
        return "" if mode == FOLDER else f"only in the {'first' if old else 'second'}"
    if _KINDS[old[0]] != _KINDS[new[0]]:
        return f"a {_KINDS[old[0]]} in the first, a {_KINDS[new[0]]} in the second"
    if old[0] == FOLDER:
        return ""
    parts = []
    if old[0] != new[0]:
        parts.append(f"mode {old[0].decode()} and {new[0].decode()}")
    if old[1] != new[1]:
        what = "target" if old[0] == LINK else "content"
        parts.append(f"different {what}: {old[1].hex()} and {new[1].hex()}")
    return ", ".join(parts)


def _printable(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]
