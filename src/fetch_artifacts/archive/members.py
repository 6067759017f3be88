"""The members of an archive of any kind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fetch_artifacts.archive.decompression import decompress
from fetch_artifacts.archive.formats import FORMATS
from fetch_artifacts.archive.kind import peek, require_tar
from fetch_artifacts.archive.zip_reader import read_zip_members, spooled
from fetch_artifacts.tar.extract import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Member


@contextlib.contextmanager
def archive_members(
    chunks: Iterable[bytes], limits: UnpackLimits
) -> Iterator[tuple[ArchiveKind, Iterator[Member]]]:
    """Give the kind of an archive, by its first bytes, and its members.

    A member's `pieces` must be read before the next member is asked for. Zip archives
    can't be read from the front, so they are kept in a temporary file meanwhile.

    Raises:
        UnpackError: It is damaged, no archive at all, or a member is not allowed.
    """
    kind, chunks = peek(chunks)
    if kind == "zip":
        with spooled(chunks, limits) as file:
            yield kind, read_zip_members(file, limits)
        return
    plain = decompress(kind, chunks, limits)
    with read_ahead(require_tar(kind, plain)) as members:
        yield kind, members


def limits_of_members(kind: ArchiveKind, limits: UnpackLimits) -> UnpackLimits:
    """What is left of some limits for the members of an archive of a kind."""
    return limits.beside_window() if FORMATS[kind].windowed else limits
