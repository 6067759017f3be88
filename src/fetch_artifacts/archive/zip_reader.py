"""Zip archives as members, by the same rules as tar archives. Julia can't install them.

What tar archives hold and zip archives do not say is taken from the Unix attributes
that zip programs add: symbolic links and execute bits.
"""

from __future__ import annotations

import contextlib
import errno
import io
import stat
from typing import IO, TYPE_CHECKING, Final

from fetch_artifacts.errors import FetchArtifactsError, UnpackError
from fetch_artifacts.files.scratch import naming_the_place
from fetch_artifacts.tar.member import LONGEST_PATH, make_member, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zipfile import ZipFile, ZipInfo

    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Member

_UTF8_NAME: Final = 0x800
_PIECE_BYTES: Final = 1 << 20
_ENTRY: Final = b"PK\x01\x02"  # what each entry of the directory begins with
_ENTRY_BYTES: Final = 900  # of memory that zipfile takes for an entry, beside its texts
_TEXT_COPIES: Final = 3  # of its name
# File systems whose programs write names with backslashes, as Windows' own does: FAT,
# HPFS, NTFS, VFAT (.ZIP specification, 4.4.2.2).
_BACKSLASHES: Final = frozenset({0, 6, 10, 14})
# Known to every zipfile; later ones (zstd in Python 3.14) have windows without bound.
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_METHODS: Final = frozenset({_STORED, _DEFLATED, _BZIP2, _LZMA})


@contextlib.contextmanager
def spooled(chunks: Iterable[bytes], limits: UnpackLimits) -> Iterator[IO[bytes]]:
    """A temporary file with all of an archive, which is gone afterwards.

    Raises:
        UnpackError: It is larger than what it may unpack to.
        DepotError: There is no place for temporary files, or it is full.
    """
    import tempfile

    size = 0
    with contextlib.ExitStack() as stack:
        with naming_the_place():
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        for chunk in chunks:
            size += len(chunk)
            if size > limits.max_size:
                msg = (
                    f"the zip archive has more than {limits.max_size} bytes, as many "
                    "as it may unpack to; if you trust it, set "
                    "FETCH_ARTIFACTS_MAX_SIZE to more"
                )
                raise UnpackError(msg)
            with naming_the_place():
                _write_all(file, chunk)
        file.seek(0)
        yield stack.enter_context(io.BufferedReader(file))


def _write_all(file: io.FileIO, chunk: bytes) -> None:
    data = memoryview(chunk)
    while data:
        data = data[file.write(data) :]


def read_zip_members(file: IO[bytes], limits: UnpackLimits) -> Iterator[Member]:
    """Give the members of a zip archive, in the order of its directory.

    A member's `pieces` must be read before the next member is asked for.

    Raises:
        UnpackError: The archive is damaged or encrypted, or a member is not allowed.
    """
    import zipfile

    bounded = _BoundedFile(file, limits)
    with _one_error(), zipfile.ZipFile(bounded) as archive:
        for entry in archive.infolist():
            _require_window(file, entry, limits)
            yield _member(archive, entry)


class _BoundedFile:
    """A file whose directory zipfile reads at once, if it fits into memory."""

    def __init__(self, file: IO[bytes], limits: UnpackLimits) -> None:
        self._limits = limits
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read from the file.

        Raises:
            UnpackError: It is a directory of more entries than memory is for.
        """
        data = self._file.read(size)
        if len(data) > _PIECE_BYTES:  # contents are read in smaller pieces
            count = data.count(_ENTRY)
            needed = count * _ENTRY_BYTES + len(data) * _TEXT_COPIES
            most = self._limits.max_names
            if needed > most and needed > (most := self._limits.proven().max_names):
                msg = (
                    f"the zip archive's directory of {count} entries needs more than "
                    f"{most} bytes of memory; if you trust it, set "
                    "FETCH_ARTIFACTS_MAX_NAMES to more"
                )
                raise UnpackError(msg)
        return data


@contextlib.contextmanager
def _one_error() -> Iterator[None]:
    """Turn the many errors that a zip archive can lead to into one."""
    try:
        yield
    except FetchArtifactsError:
        raise
    except Exception as error:
        if not _is_of_archive(error):
            raise
        msg = f"the zip archive can't be read ({error}); download or make it again"
        raise UnpackError(msg) from error


def _is_of_archive(error: Exception) -> bool:
    """Whether an error is about the archive's bytes, not about a disk or memory."""
    import lzma
    import struct
    import zipfile
    import zlib

    if isinstance(error, OSError):
        # bz2 raises it without a number, and a place before the file gives EINVAL.
        return error.errno in {None, errno.EINVAL}
    damaged = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError)
    # What zipfile says of passwords, of unknown methods, and of odd values.
    other = (RuntimeError, NotImplementedError, ValueError, LookupError, OverflowError)
    return isinstance(error, (*damaged, *other))


def _require_window(file: IO[bytes], entry: ZipInfo, limits: UnpackLimits) -> None:
    """Make sure that the memory that an entry needs is allowed.

    Raises:
        UnpackError: It is more, or can't be known.
    """
    if entry.compress_type not in _METHODS:
        fault = f"its compression, method {entry.compress_type}, is not supported"
        raise refusal(entry.orig_filename.encode("utf-8", "replace"), fault)
    if entry.compress_type != _LZMA:
        return
    # The local header, then two bytes of version, two of length, one of properties.
    place = file.tell()
    file.seek(entry.header_offset + 26)
    lengths = file.read(4)
    start = 30 + int.from_bytes(lengths[:2], "little")
    start += int.from_bytes(lengths[2:], "little")
    file.seek(entry.header_offset + start + 5)
    dictionary = int.from_bytes(file.read(4), "little")
    file.seek(place)
    most = limits.max_window
    if dictionary > most and dictionary > (most := limits.proven().max_window):
        fault = (
            f"it needs {dictionary >> 20} MiB of memory to be decompressed, expected "
            f"at most {most >> 20} MiB where no sha256 vouches for it; if you trust "
            f"it, set FETCH_ARTIFACTS_MAX_WINDOW to {dictionary}"
        )
        raise refusal(entry.orig_filename.encode("utf-8", "replace"), fault)


def _member(archive: ZipFile, entry: ZipInfo) -> Member:
    encoding = "utf-8" if entry.flag_bits & _UTF8_NAME else "cp437"
    path = entry.orig_filename.encode(encoding)
    if entry.create_system in _BACKSLASHES:
        path = path.replace(b"\\", b"/")
    mode = entry.external_attr >> 16
    if path.endswith(b"/"):
        return make_member(path, "directory", mode, 0, b"")
    if stat.S_ISLNK(mode):
        if entry.file_size > LONGEST_PATH:
            raise refusal(path, f"symbolic link with {entry.file_size} bytes of target")
        return make_member(path, "symlink", mode, 0, archive.read(entry))
    pieces = _content(archive, entry)
    return make_member(path, "file", mode & 0o7777, entry.file_size, b"", pieces)


def _content(archive: ZipFile, entry: ZipInfo) -> Iterator[bytes]:
    with _one_error(), archive.open(entry) as content:
        while piece := content.read(_PIECE_BYTES):
            yield piece
