"""Unpacking an archive in one pass: checked, written and hashed at the same time.

By the rules of Tar.jl's extract (Tar.jl extract.jl:81-207), with the hash that Pkg's
GitTools gives for the folder afterwards.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.decompression import decompress, peek
from fetch_artifacts.archive.zip_reader import read_zip_members, spooled
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.git_tools.memory_tree import root_digest, symlinks
from fetch_artifacts.git_tools.tree_rules import GIT_RULES, PKG_RULES
from fetch_artifacts.streams import gathered, prefetched
from fetch_artifacts.tar.disk_tree import DiskTree, UnpackLimits
from fetch_artifacts.tar.reader import read_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from fetch_artifacts.archive.kind import ArchiveKind
    from fetch_artifacts.git_tools.tree_rules import TreeRules
    from fetch_artifacts.tar.member import Member

DEFAULT_LIMITS: Final = UnpackLimits()
_DEPTH: Final = 2  # chunks to be ahead; each has half a megabyte or more


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What came out of an archive.

    Attributes:
        tree_hash: The hash by which Pkg knows the folder.
        git_hash: The hash that git would give it; it differs only where symbolic links
            have targets outside ASCII.
        files: How many files and links were written.
        size: How many bytes were written to files.
        faithful: The folder is what the archive says. Where it is not, because the
            file system keeps no execute bits or no symbolic links, the hashes are
            those of the archive.
        kind: What the archive was.
    """

    tree_hash: TreeHash
    git_hash: TreeHash
    files: int
    size: int
    faithful: bool
    kind: ArchiveKind


def unpack(
    chunks: Iterable[bytes],
    directory: Path,
    *,
    read_only: bool = False,
    limits: UnpackLimits = DEFAULT_LIMITS,
    copy_symlinks: bool | None = None,
) -> Unpacked:
    """Unpack an uncompressed tar archive.

    A thread reads, and so decompresses, the chunks ahead.

    Args:
        chunks: The archive, in pieces of any size.
        directory: An empty folder that nobody else writes to.
        read_only: Give files the modes of an installed artifact, without write bits.
        limits: How much the archive may unpack to.
        copy_symlinks: Make copies in place of symbolic links; None: only where the
            file system has none.

    Raises:
        UnpackError: The archive is damaged, or asks for something that is not allowed.
            The folder is empty again.
        OSError: The folder can't be written. It is empty again.
    """
    tree = _new_tree(
        directory, read_only=read_only, limits=limits, copy_symlinks=copy_symlinks
    )
    with contextlib.closing(prefetched(gathered(chunks), depth=_DEPTH)) as ahead:
        return _fill(tree, read_members(ahead), "tar")


def unpack_archive(
    chunks: Iterable[bytes],
    directory: Path,
    *,
    read_only: bool = False,
    limits: UnpackLimits = DEFAULT_LIMITS,
    copy_symlinks: bool | None = None,
) -> Unpacked:
    """Unpack an archive of any kind, told by its first bytes; otherwise as `unpack`.

    Zip archives can't be read from the front, so they are kept in a temporary file
    meanwhile. Julia can install neither them nor uncompressed tar archives.

    Raises:
        UnpackError: As `unpack`; also for bytes that are no archive at all.
        OSError: The folder can't be written. It is empty again.
    """
    tree = _new_tree(
        directory, read_only=read_only, limits=limits, copy_symlinks=copy_symlinks
    )
    kind, chunks = peek(chunks)
    if kind == "zip":
        with spooled(chunks) as file:
            return _fill(tree, read_zip_members(file), kind)
    plain = gathered(decompress(kind, chunks))
    with contextlib.closing(prefetched(plain, depth=_DEPTH)) as ahead:
        return _fill(tree, read_members(ahead), kind)


def _new_tree(
    directory: Path,
    *,
    read_only: bool,
    limits: UnpackLimits,
    copy_symlinks: bool | None,
) -> DiskTree:
    try:
        return DiskTree(
            os.fsencode(directory),
            read_only=read_only,
            limits=limits,
            copy_symlinks=copy_symlinks,
        )
    except OSError as error:
        error.filename = os.fspath(directory)  # not a file that is only for a try
        raise


def _fill(tree: DiskTree, members: Iterator[Member], kind: ArchiveKind) -> Unpacked:
    try:
        tree.fill(members)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error says more
            tree.clear()
        if isinstance(error, OSError) and isinstance(error.filename, bytes):
            error.filename = os.fsdecode(error.filename)
        raise
    tree_hash = git_hash = _hash(tree, PKG_RULES)
    if not all(target.isascii() for _, target in symlinks(tree.root)):
        git_hash = _hash(tree, GIT_RULES)
    return Unpacked(
        tree_hash=tree_hash,
        git_hash=git_hash,
        files=tree.files,
        size=tree.size,
        faithful=tree.faithful,
        kind=kind,
    )


def _hash(tree: DiskTree, rules: TreeRules) -> TreeHash:
    return TreeHash(root_digest(tree.root, tree.algorithm, rules))
