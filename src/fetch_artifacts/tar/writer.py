"""A folder as a tar archive, byte for byte as Tar.jl's ``create`` makes it.

Names in the order of their bytes, each folder right before what is in it, no owners, no
times, modes 0644 and 0755, no blocks at the end (Tar.jl create.jl:12-118). So the same
tree gives the same archive on every machine.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.errors import ArchiveError, UnhashableFileError
from fetch_artifacts.files.regular import NO_FOLLOW, OPEN_FILE
from fetch_artifacts.git_tools.files import is_executable, special_file, unreadable
from fetch_artifacts.streams import gathered
from fetch_artifacts.tar.header import file_record, folder_record, link_record
from fetch_artifacts.tar.member import require_portable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    StrPath: TypeAlias = str | os.PathLike[str]

_READ_BYTES: Final = 1 << 20
_LOSS: Final = "can't be archived"


def require_folder(directory: StrPath) -> None:
    """Make sure that there is something to archive.

    Raises:
        ArchiveError: It is not a folder.
    """
    if not os.path.isdir(directory):
        found = "something else" if os.path.lexists(directory) else "nothing"
        where = os.fspath(directory) or "the path ''"
        msg = f"{where}: Not a directory: expected a folder, found {found}"
        raise ArchiveError(msg)


def require_outside(directory: Path, archive_path: Path) -> None:
    """Make sure that an archive will not be in the folder that it is made of.

    Raises:
        ArchiveError: It would.
    """
    if archive_path.resolve().is_relative_to(directory.resolve()):
        msg = (
            f"{archive_path}: expected a file outside {directory}, or the archive "
            "would have to hold itself; write it elsewhere"
        )
        raise ArchiveError(msg)


def tar_chunks(
    directory: Path,
    *,
    portable: bool = False,
    predicate: Callable[[Path], bool] | None = None,
    follow_symlinks: bool = False,
) -> Iterator[bytes]:
    """Give the tar archive of what is in a folder, in pieces.

    Julia: ``Tar.create``. The archive ends without blocks of zeros; an empty folder
    makes one record, for itself.

    Args:
        directory: The folder.
        portable: Refuse names that Windows can't store.
        predicate: Whether a path belongs into the archive; where a folder doesn't,
            nothing in it does. None: all do.
        follow_symlinks: Archive what links lead to in their place.

    Raises:
        NotADirectoryError: It is not a folder.
        UnhashableFileError: It holds something that is neither file nor folder nor
            link, that can't be read, or that changes meanwhile; or a link that is to
            be followed leads nowhere, or back to a folder that it is in.
        UnportableNameError: A name can't be stored on Windows.
    """
    root = os.fsencode(directory)
    if not os.path.isdir(root):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory)
    records = _records(
        root, portable=portable, predicate=predicate, follow_symlinks=follow_symlinks
    )
    yield from gathered(records)


def _records(
    root: bytes,
    *,
    portable: bool,
    predicate: Callable[[Path], bool] | None,
    follow_symlinks: bool,
) -> Iterator[bytes]:
    waiting = _children(root, b"", predicate)
    if not waiting:
        yield folder_record(b".")
    while waiting:
        path = waiting.pop()
        full = root + b"/" + path
        if portable:
            require_portable(path, full)
        if follow_symlinks and os.path.islink(full):
            full = _target(root, path)
        try:
            status = os.lstat(full)
            link = os.readlink(full) if stat.S_ISLNK(status.st_mode) else b""
        except OSError as error:
            raise unreadable(full, error, _LOSS) from error
        if stat.S_ISREG(status.st_mode):
            size, runs = status.st_size, is_executable(full, status)
            yield from file_record(path, size, _content(full, size), executable=runs)
        elif link:
            yield link_record(path, link)
        elif stat.S_ISDIR(status.st_mode):
            yield folder_record(path)
            waiting += _children(full, path + b"/", predicate)
        else:
            raise special_file(full, status.st_mode, _LOSS)


def _target(root: bytes, path: bytes) -> bytes:
    """Where a link leads, which is no folder that the path runs through."""
    names = path.split(b"/")
    above = [b"/".join((root, *names[:count])) for count in range(len(names))]
    target = os.path.realpath(root + b"/" + path)
    leads_back = os.path.islink(target) or target in map(os.path.realpath, above)
    if leads_back or not os.path.lexists(target):
        where = Path(os.fsdecode(root + b"/" + path))
        gone = f"to {os.fsdecode(target)}, which does not exist"
        end = "back to where it is" if leads_back else gone
        msg = (
            f"{where}: expected a link that can be followed, found one that leads "
            f"{end}; remove it, or keep links as links"
        )
        raise UnhashableFileError(msg, path=where)
    return target


def _children(
    folder: bytes, prefix: bytes, predicate: Callable[[Path], bool] | None
) -> list[bytes]:
    """The paths in a folder that belong into the archive, the last one first."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise unreadable(folder, error, _LOSS) from error
    if predicate is not None:
        here = Path(os.fsdecode(folder))
        names = [name for name in names if predicate(here / os.fsdecode(name))]
    return [prefix + name for name in sorted(names, reverse=True)]


def _content(path: bytes, size: int) -> Iterator[bytes]:
    """A file's content, which has to be `size` bytes."""
    left = size
    try:
        handle = os.open(path, OPEN_FILE | NO_FOLLOW)
        try:
            while left >= 0:
                asked = min(left + 1, _READ_BYTES)  # one more, to see the end
                piece = os.read(handle, asked)
                left -= len(piece)
                if left >= 0 and piece:
                    yield piece
                # Network file systems give less than was asked for, now and then.
                if not piece or (not left and len(piece) < asked):
                    break
        finally:
            os.close(handle)
    except OSError as error:
        raise unreadable(path, error, _LOSS) from error
    if left:
        where = Path(os.fsdecode(path))
        found = f"at least {size - left}" if left < 0 else f"{size - left}"
        msg = (
            f"{where}: expected {size} bytes, found {found}: something writes to this "
            "file; archive the folder when it is complete"
        )
        raise UnhashableFileError(msg, path=where)
