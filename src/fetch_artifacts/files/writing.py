"""Moving, writing and removing files so that nothing is ever seen half done."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

# Pkg.jl Artifacts.jl:70-103: virus scanners hold new files for a while.
_RETRIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
_RETRIES: Final = 20
_LONGEST_PAUSE: Final = 5.0

OPEN_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_DEEPEST: Final = 32  # folders open at the same time while a tree is removed
_NAME_PART: Final = 50  # characters; with all of a long name it would be too long


def remove_tree(path: Path) -> None:
    """Remove a folder with read-only files and folders in it; missing is fine.

    Raises:
        OSError: Something could not be removed all the same.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            empty_folder(path)
            path.rmdir()


def empty_folder(path: Path) -> None:
    """Remove all that is in a folder, however deep, and never through a link.

    Raises:
        OSError: Something could not be removed.
    """
    if os.name == "nt":
        _empty_by_path(path)
        return
    folder = os.fsencode(path)
    try:
        _open_up(folder, path.stat().st_mode)
        handle = os.open(folder, OPEN_FOLDER)
        try:
            while _empty(handle, handle, _DEEPEST):
                pass
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = os.fspath(path)  # it may be deeper than a path can tell
        raise


def _empty(folder: int, top: int, levels: int) -> bool:
    """Empty an open folder; tells whether some of it was moved to the top instead.

    That is what lies more than `levels` below: so neither Python's stack, nor the
    number of open files, nor the length of paths limits how deep a tree may be.
    Descriptors in place of paths: whoever puts a link where a folder was can't lead
    this out of the tree.
    """
    with os.scandir(folder) as entries:
        found = list(entries)
    moved = False
    for entry in found:
        name = entry.name
        with contextlib.suppress(FileNotFoundError):  # somebody else removes it as well
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(name, dir_fd=folder)
                continue
            _open_up(name, entry.stat(follow_symlinks=False).st_mode, folder)
            if not levels:
                new = os.urandom(8).hex()
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
                moved = True
                continue
            inner = os.open(name, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            try:
                moved |= _empty(inner, top, levels - 1)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
    return moved


def _open_up(path: bytes | str, mode: int, parent: int | None = None) -> None:
    """Let the owner of a folder of this mode list and change it."""
    if ~mode & stat.S_IRWXU:
        with contextlib.suppress(OSError):  # not the owner, who may not need it
            os.chmod(path, stat.S_IRWXU, dir_fd=parent)


def _empty_by_path(path: Path) -> None:
    """Empty a folder on Windows, where only read-only files stand in the way."""
    import shutil

    def retry(function: Callable[[str], object], name: str, _error: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(name, stat.S_IWRITE)
            function(name)

    for child in path.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, onerror=retry)
        else:
            if not child.is_symlink():
                child.chmod(stat.S_IWRITE)
            child.unlink(missing_ok=True)


def rename_directory(source: Path, target: Path) -> bool:
    """Rename a folder; False where the target is a folder already.

    Only ever one rename, never a copy, so the target is complete from its first
    moment on. Waits up to a minute for whoever holds the source open, as Julia does
    (Pkg.jl Artifacts.jl:70-103).

    Raises:
        OSError: The rename failed for another reason.
    """
    pause = 0.01
    for attempt in range(_RETRIES + 1):
        if target.is_dir():
            return False
        try:
            source.rename(target)
        except OSError as error:
            if target.is_dir():
                return False
            if error.errno not in _RETRIED or attempt == _RETRIES:
                raise
            if not os.access(target.parent, os.W_OK):
                raise  # waiting won't help a read-only depot
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return True
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def write_atomically(path: Path, data: str | bytes) -> None:
    """Replace a file's contents in one step, as `replacing` does.

    Raises:
        OSError: The file could not be written; it is then as it was.
    """
    with replacing(path) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which is at a path only when the block has ended well.

    Through any symbolic link there. An existing file keeps its mode; a new one gets
    0666 less the umask. A device or a FIFO is written to, not replaced.

    Raises:
        OSError: The file could not be written; it is then as it was.
    """
    import tempfile

    mode = _mode_of_output(path)
    if mode is None:
        with path.open("wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name[:_NAME_PART]}.", dir=target.parent
        )
    except OSError as error:
        error.filename = os.fspath(path)  # rather than a name that nobody knows
        raise
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        staged.chmod(mode)
        staged.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error says more
            staged.unlink()
        raise


def _mode_of_output(path: Path) -> int | None:
    """The mode of the file that is to be at a path, None for what is no such file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return 0o666 & ~current_umask()
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path)
        )
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def free_bytes(path: Path) -> int | None:
    """The room left on the disk of a folder, None where it does not tell."""
    import shutil

    try:
        return shutil.disk_usage(path).free or None  # some file systems say 0 for that
    except OSError:
        return None


def current_umask() -> int:
    """The umask of this process, without changing it where the system can tell."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        return int(status.split("\nUmask:", 1)[1].split(None, 1)[0], 8)
    except (OSError, IndexError, ValueError):
        mask = os.umask(0o022)
        os.umask(mask)
        return mask
