"""The tree in an archive, made in memory: hashed in full, and nothing written."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.kind import of_file
from fetch_artifacts.archive.members import archive_members, limits_of_members
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.git_tools.memory_tree import (
    file_mode,
    hash_tree,
    root_digest,
    symlink_target,
)
from fetch_artifacts.git_tools.objects import FOLDER, LINK, link_digest
from fetch_artifacts.git_tools.tree_rules import (
    GIT,
    GIT_RULES,
    PKG_RULES,
    TAR_RULES,
)
from fetch_artifacts.streams import Arriving
from fetch_artifacts.tar.limits import DEFAULT_LIMITS, UnpackLimits
from fetch_artifacts.tar.member_tree import MemberTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.git_tools.memory_tree import Folder
    from fetch_artifacts.git_tools.objects import TreeEntry
    from fetch_artifacts.git_tools.tree_rules import TreeRules
    from fetch_artifacts.settings.environment import Settings

_ALGORITHM: Final = "git-sha1"
_CHUNK_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTree:
    """What an archive unpacks to.

    Attributes:
        kind: What the archive is.
        root: The folder with all that is in it.
        sparse: The first members that are sparse files in GNU's pax format: what Julia
            unpacks is not what they were made from.
    """

    kind: ArchiveKind
    root: Folder
    sparse: tuple[bytes, ...] = ()

    @property
    def tree_hash(self) -> TreeHash:
        """The hash by which Pkg knows the unpacked folder."""
        return self._hash(PKG_RULES)

    @property
    def git_hash(self) -> TreeHash:
        """The same with git's rule for links whose target is not ASCII."""
        return self._hash(GIT_RULES)

    @property
    def tar_hash(self) -> TreeHash:
        """What ``Tar.tree_hash`` gives: folders without files and ``.git`` count."""
        return self._hash(TAR_RULES)

    @property
    def top_folder(self) -> tuple[str, ArchiveTree] | None:
        """The name and the tree of the one folder that everything is in, if so."""
        if len(self.root) != 1:
            return None
        [(name, node)] = self.root.items()
        if not isinstance(node, dict):
            return None
        text = name.decode("utf-8", "backslashreplace")
        return text, replace(self, root=node)

    def entries(self) -> Iterator[TreeEntry]:
        """Give mode, path and digest of all that counts for `tree_hash`.

        As `fetch_artifacts.git_tools.tree_hash.list_directory` does for a folder.
        """
        for path, folder, digest in hash_tree(self.root, _ALGORITHM, PKG_RULES):
            if path:
                yield FOLDER, path.removesuffix(b"/"), digest
            for name, node in folder.items():
                if name == GIT or isinstance(node, dict):
                    continue
                if (target := symlink_target(node)) is not None:
                    yield LINK, path + name, link_digest(target, _ALGORITHM)
                else:
                    yield file_mode(node), path + name, node[1:]

    def _hash(self, rules: TreeRules) -> TreeHash:
        return TreeHash(root_digest(self.root, _ALGORITHM, rules))


def read_archive(
    chunks: Iterable[bytes], limits: UnpackLimits = DEFAULT_LIMITS
) -> ArchiveTree:
    """Read an archive of any kind, by its first bytes.

    The same archives are refused as by
    `fetch_artifacts.archive.unpack.unpack_archive`, but for those that only a certain
    file system can't store.

    Raises:
        UnpackError: It is damaged, no archive at all, or asks for what is not allowed.
    """
    with archive_members(chunks, limits) as (kind, members):
        tree = MemberTree(limits=limits_of_members(kind, limits))
        for member in members:
            tree.add(member)
    return ArchiveTree(kind=kind, root=tree.root, sparse=tuple(tree.sparse))


def archive_reader(settings: Settings) -> Callable[[Iterable[bytes]], ArchiveTree]:
    """Give `read_archive` with the limits that the user has set."""

    def read(chunks: Iterable[bytes]) -> ArchiveTree:
        prove = chunks.prove if isinstance(chunks, Arriving) else None
        return read_archive(chunks, UnpackLimits.of(settings, prove=prove))

    return read


def read_archive_file(path: Path, limits: UnpackLimits = DEFAULT_LIMITS) -> ArchiveTree:
    """Read an archive that is a file, as `read_archive`.

    Raises:
        UnpackError: As `read_archive`.
        OSError: The file can't be read.
    """
    with open_regular(path) as file:
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        try:
            return read_archive(chunks, limits)
        except UnpackError as error:
            size = os.fstat(file.fileno()).st_size
            raise of_file(error).at(str(path), size) from error
