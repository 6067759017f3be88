"""Unpacking an archive of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.archive.members import archive_members
from fetch_artifacts.tar.extract import DEFAULT_LIMITS, Unpacked, unpack_members

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.tar.disk_tree import UnpackLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedArchive(Unpacked):
    """What came out of an archive of any kind.

    Attributes:
        kind: What the archive was.
    """

    kind: ArchiveKind


def unpack_archive(
    chunks: Iterable[bytes],
    directory: Path,
    *,
    read_only: bool = False,
    limits: UnpackLimits = DEFAULT_LIMITS,
    copy_symlinks: bool | None = None,
) -> UnpackedArchive:
    """Unpack an archive of any kind, told by its first bytes.

    Args:
        chunks: The archive, in pieces of any size.
        directory: An empty folder that nobody else writes to.
        read_only: Give files the modes of an installed artifact, without write bits.
        limits: How much the archive may unpack to.
        copy_symlinks: Make copies in place of symbolic links; None: only where the
            file system has none.

    Raises:
        UnpackError: The archive is damaged, none at all, or asks for something that is
            not allowed. The folder is empty again.
        OSError: The folder can't be written. It is empty again.
    """
    with archive_members(chunks) as (kind, members):
        unpacked = unpack_members(
            members,
            directory,
            read_only=read_only,
            limits=limits,
            copy_symlinks=copy_symlinks,
        )
    return UnpackedArchive(
        tree_hash=unpacked.tree_hash,
        git_hash=unpacked.git_hash,
        files=unpacked.files,
        size=unpacked.size,
        faithful=unpacked.faithful,
        kind=kind,
    )
