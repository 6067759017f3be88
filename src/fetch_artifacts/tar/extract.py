"""Unpacking members in one pass: checked, written and hashed at the same time.

By the rules of Tar.jl's extract (Tar.jl extract.jl:81-207), with the hash that Pkg's
GitTools gives for the folder afterwards.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.git_tools.memory_tree import root_digest
from fetch_artifacts.git_tools.tree_rules import GIT_RULES, PKG_RULES
from fetch_artifacts.streams import gathered, prefetched
from fetch_artifacts.tar.disk_tree import DiskTree
from fetch_artifacts.tar.limits import DEFAULT_LIMITS
from fetch_artifacts.tar.reader import read_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from typing_extensions import Unpack

    from fetch_artifacts.git_tools.tree_rules import TreeRules
    from fetch_artifacts.tar.file_modes import KeptTree
    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Member

_DEPTH: Final = 2  # chunks read ahead; each has half a megabyte or more


class UnpackOptions(TypedDict, total=False):
    """How to unpack; each may be left out.

    Attributes:
        read_only: Give files the modes of an installed artifact, without write bits.
        limits: How much the archive may unpack to.
        copy_symlinks: Make copies in place of symbolic links; None: only where the
            file system has none.
    """

    read_only: bool
    limits: UnpackLimits
    copy_symlinks: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What came out of an archive.

    Attributes:
        tree_hash: The hash by which Pkg knows the folder.
        git_hash: The hash that git would give it; it differs only where symbolic links
            have targets outside ASCII.
        files: How many files and links were written.
        size: How many bytes were written to files.
        sparse: The first members that are sparse files in GNU's pax format: what is
            written is not what they were made from.
        kept: What the folder is, where the file system keeps no execute bits or no
            symbolic links, or copies were asked for; the hashes are those of the
            archive. None: it is what the archive says.
    """

    tree_hash: TreeHash
    git_hash: TreeHash
    files: int
    size: int
    sparse: tuple[bytes, ...]
    kept: KeptTree | None


def unpack(
    chunks: Iterable[bytes],
    directory: Path | Folder,
    **options: Unpack[UnpackOptions],
) -> Unpacked:
    """Unpack an uncompressed tar archive.

    A thread reads, and so decompresses, the chunks ahead.

    Args:
        chunks: The archive, in pieces of any size.
        directory: An empty folder that nobody else writes to, or its path.
        **options: See `UnpackOptions`.

    Raises:
        UnpackError: The archive is damaged, or asks for something that is not allowed.
            The folder is empty again.
        OSError: The folder can't be written. It is empty again.
    """
    with read_ahead(chunks) as members:
        return unpack_members(members, directory, **options)


@contextlib.contextmanager
def read_ahead(chunks: Iterable[bytes]) -> Iterator[Iterator[Member]]:
    """Give the members of a tar archive, whose chunks a thread reads ahead."""
    with contextlib.closing(prefetched(gathered(chunks), depth=_DEPTH)) as ahead:
        yield read_members(ahead)


def unpack_members(
    members: Iterable[Member],
    directory: Path | Folder,
    **options: Unpack[UnpackOptions],
) -> Unpacked:
    """Fill a folder with the given members; all else is as for `unpack`.

    Raises:
        UnpackError: A member asks for something that is not allowed. The folder is
            empty again.
        OSError: The folder can't be written. It is empty again.
    """
    with contextlib.ExitStack() as stack:
        if not isinstance(directory, Folder):
            directory = stack.enter_context(Folder.hold(directory))
        tree = _new_tree(directory, **options)
        try:
            tree.fill(members)
        except BaseException as error:
            with contextlib.suppress(OSError):  # the first error says more
                tree.clear()
            if isinstance(error, OSError) and error.filename is not None:
                name = os.fsdecode(error.filename)
                error.filename = os.path.join(directory.path, name)
            raise
        return _outcome(tree)


def _new_tree(
    directory: Folder,
    *,
    read_only: bool = False,
    limits: UnpackLimits = DEFAULT_LIMITS,
    copy_symlinks: bool | None = None,
) -> DiskTree:
    try:
        return DiskTree(
            directory,
            read_only=read_only,
            limits=limits,
            copy_symlinks=copy_symlinks,
        )
    except OSError as error:
        error.filename = os.fspath(directory.path)  # not that of the probe file
        raise


def _outcome(tree: DiskTree) -> Unpacked:
    tree_hash = git_hash = _hash(tree, PKG_RULES)
    if not tree.plain_links:
        git_hash = _hash(tree, GIT_RULES)
    return Unpacked(
        tree_hash=tree_hash,
        git_hash=git_hash,
        files=tree.files,
        size=tree.size,
        sparse=tuple(tree.sparse),
        kept=tree.kept(),
    )


def _hash(tree: DiskTree, rules: TreeRules) -> TreeHash:
    return TreeHash(root_digest(tree.root, tree.algorithm, rules))
