"""A folder as an archive file: which compression, and the same bytes on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.formats import FORMATS, compressions
from fetch_artifacts.errors import ArchiveError
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.streams import HashedChunks
from fetch_artifacts.tar.writer import require_folder, require_outside, tar_chunks

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.archive.formats import Compression
    from fetch_artifacts.digests import Sha256

# Names that promise what is neither read nor written here.
_FOREIGN_ENDINGS: Final = frozenset({".7z", ".rar"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive that was written.

    Attributes:
        path: The file.
        sha256: The hash of the file's bytes.
        size: The file's length in bytes.
    """

    path: Path
    sha256: Sha256
    size: int


def choose_compression(
    archive_path: Path | None, wish: str | None = "auto"
) -> Compression | None:
    """Give the compression that is wished for, if the archive's name allows it.

    Args:
        archive_path: The file to be written, None where it has no name yet.
        wish: A compression, None for none, or ``"auto"``: what the name promises, else
            gzip, which every Julia can unpack.

    Raises:
        ArchiveError: There is no such compression, or the name promises another one.
    """
    if wish is not None and wish not in ("auto", *compressions()):
        names = ", ".join(map(repr, ("auto", *compressions())))
        msg = f"compression: expected {names} or None, found {wish!r}"
        raise ArchiveError(msg)
    ending = archive_path.suffix.lower() if archive_path else ""
    promised = next(
        (kind for kind, row in FORMATS.items() if ending in row.endings), None
    )
    chosen = (promised or "gz") if wish == "auto" else (wish or "tar")
    is_written = chosen in ("tar", *compressions()) and ending not in _FOREIGN_ENDINGS
    if not is_written or promised not in {None, chosen}:
        fitting = f"the compression {wish!r}"
        if wish == "auto":
            fitting = f"a compression ({', '.join(compressions())})"
        msg = (
            f"{archive_path}: expected a name that fits {fitting}, found one in "
            f"{ending}; choose another name or another compression"
        )
        raise ArchiveError(msg)
    return None if chosen == "tar" else cast("Compression", chosen)


def usual_ending(compression: Compression | None) -> str:
    """What the name of an archive with this compression ends in."""
    return ".tar" + FORMATS[compression].endings[0] if compression else ".tar"


def archive_directory(
    directory: Path, archive_path: Path, compression: Compression | None
) -> Archive:
    """Write a reproducible archive of a folder's contents, at the archive's top level.

    The same tree gives the same bytes on any machine: no owners, no times, names in
    the order of Julia's ``Tar.create``. An existing file is replaced once the new one
    is complete.

    Args:
        directory: The folder whose contents are archived.
        archive_path: The file to write.
        compression: One of `formats.compressions`, or None for a plain tar.

    Raises:
        ArchiveError: It is not a folder, or the archive would be in it.
        OSError: The file can't be written.
        UnhashableFileError: The tree holds what a tarball can't or what can't be read.
    """
    require_folder(directory)
    require_outside(directory, archive_path)
    chunks = HashedChunks(compressed(tar_chunks(directory), compression))
    with replacing(archive_path) as file:
        file.writelines(chunks)
    return Archive(path=archive_path, sha256=chunks.sha256(), size=chunks.size)
