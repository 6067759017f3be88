"""Unpacking an archive of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.archive.members import archive_members, limits_of_members
from fetch_artifacts.tar.extract import Unpacked, unpack_members
from fetch_artifacts.tar.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from typing_extensions import Unpack

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.tar.extract import UnpackOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedArchive(Unpacked):
    """What came out of an archive of any kind.

    Attributes:
        kind: What the archive was.
    """

    kind: ArchiveKind


def unpack_archive(
    chunks: Iterable[bytes],
    directory: Path | Folder,
    **options: Unpack[UnpackOptions],
) -> UnpackedArchive:
    """Unpack an archive of any kind, by its first bytes.

    Args:
        chunks: The archive, in pieces of any size.
        directory: An empty folder that nobody else writes to, or its path.
        **options: See `UnpackOptions`.

    Raises:
        UnpackError: The archive is damaged, is not one, or asks for something that is
            not allowed. The folder is empty again.
        OSError: The folder can't be written. It is empty again.
    """
    limits = options.get("limits", DEFAULT_LIMITS)
    with archive_members(chunks, limits) as (kind, members):
        options["limits"] = limits_of_members(kind, limits)
        unpacked = unpack_members(members, directory, **options)
    return UnpackedArchive(
        tree_hash=unpacked.tree_hash,
        git_hash=unpacked.git_hash,
        files=unpacked.files,
        size=unpacked.size,
        sparse=unpacked.sparse,
        kept=unpacked.kept,
        kind=kind,
    )
