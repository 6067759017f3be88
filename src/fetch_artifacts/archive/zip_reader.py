"""Zip archives as members, by the same rules as tar archives. Julia can't install them.

What tar archives hold and zip archives do not say is taken from the Unix attributes
that zip programs add: symbolic links and execute bits.
"""

from __future__ import annotations

import contextlib
import stat
from typing import IO, TYPE_CHECKING, Final

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.member import LONGEST_PATH, make_member, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zipfile import ZipFile, ZipInfo

    from fetch_artifacts.tar.member import Member

_UTF8_NAME: Final = 0x800
_PIECE_BYTES: Final = 1 << 20


@contextlib.contextmanager
def spooled(chunks: Iterable[bytes]) -> Iterator[IO[bytes]]:
    """A temporary file with all of an archive, which is gone afterwards."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.writelines(chunks)
        file.seek(0)
        yield file


def read_zip_members(file: IO[bytes]) -> Iterator[Member]:
    """Give the members of a zip archive, in the order of its directory.

    A member's `pieces` must be read before the next member is asked for.

    Raises:
        UnpackError: The archive is damaged or encrypted, or a member is not allowed.
    """
    import zipfile

    with _one_error(), zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            yield _member(archive, entry)


@contextlib.contextmanager
def _one_error() -> Iterator[None]:
    """Turn the many errors that a zip archive can lead to into one."""
    import lzma
    import zipfile
    import zlib

    damaged = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, UnicodeError)
    # zipfile says so of a missing password, and of what it can't decompress.
    unreadable = (RuntimeError, NotImplementedError)
    try:
        yield
    except (*damaged, *unreadable) as error:
        msg = f"the zip archive can't be read ({error}); download or make it again"
        raise UnpackError(msg) from error


def _member(archive: ZipFile, entry: ZipInfo) -> Member:
    encoding = "utf-8" if entry.flag_bits & _UTF8_NAME else "cp437"
    path = entry.orig_filename.encode(encoding)
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
