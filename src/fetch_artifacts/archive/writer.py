"""A folder as an archive file: which compression, and the same bytes on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.decompression import compressed
from fetch_artifacts.errors import ArchiveError
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.streams import HashedChunks
from fetch_artifacts.tar.writer import require_folder, require_outside, tar_chunks

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.archive.decompression import Compression
    from fetch_artifacts.archive.kind import ArchiveKind
    from fetch_artifacts.digests import Sha256

_COMPRESSIONS: Final[dict[str, Compression | None]] = {
    "gz": "gz",
    "xz": "xz",
    "bz2": "bz2",
    "zst": "zst",
    "tar": None,
}

# What the endings of names promise to whoever reads them.
_ENDINGS: Final = {
    "gz": (".gz", ".tgz"),
    "xz": (".xz", ".txz"),
    "bz2": (".bz2", ".tbz", ".tbz2"),
    "zst": (".zst", ".tzst"),
    "tar": (".tar",),
    "what is never written here": (".zip", ".7z", ".rar", ".lzma"),
}

_TROUBLE: Final[dict[ArchiveKind, str]] = {
    "tar": "no Julia can unpack an archive that is not compressed",
    "zip": "no Julia can unpack a zip archive",
    "zst": "only Julia 1.13 and later can unpack zstd",
}


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
    known = ("auto", *(name for name in _COMPRESSIONS if name != "tar"))
    if wish is not None and wish not in known:
        names = ", ".join(map(repr, known))
        msg = f"compression: expected {names} or None, found {wish!r}"
        raise ArchiveError(msg)
    ending = archive_path.suffix.lower() if archive_path else ""
    promised = next((kind for kind, all_ in _ENDINGS.items() if ending in all_), None)
    chosen = (promised or "gz") if wish == "auto" else (wish or "tar")
    if chosen not in _COMPRESSIONS or promised not in {None, chosen}:
        msg = (
            f"{archive_path}: expected a name that fits the compression {wish!r}, "
            f"found one in {ending}; choose another name or another compression"
        )
        raise ArchiveError(msg)
    return _COMPRESSIONS[chosen]


def usual_ending(compression: Compression | None) -> str:
    """What the name of an archive with this compression ends in."""
    return f".tar.{compression}" if compression else ".tar"


def julia_trouble(kind: ArchiveKind | None) -> str:
    """Say why Julia can't unpack archives of some kind, "" where it can.

    Args:
        kind: The kind, or a compression; None is a plain tar.
    """
    return _TROUBLE.get(kind or "tar", "")


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
        compression: ``"gz"``, ``"xz"``, ``"bz2"``, ``"zst"``, or None for a plain tar.

    Raises:
        ArchiveError: It is no folder, or the archive would be in it.
        OSError: The file can't be written.
        UnhashableFileError: The tree holds what a tarball can't or what can't be read.
    """
    require_folder(directory)
    require_outside(directory, archive_path)
    chunks = HashedChunks(compressed(tar_chunks(directory), compression))
    with replacing(archive_path) as file:
        file.writelines(chunks)
    return Archive(path=archive_path, sha256=chunks.sha256(), size=chunks.size)
