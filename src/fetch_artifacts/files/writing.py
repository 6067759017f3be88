"""Writing files in one step, so that no reader and no power cut sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.flushing import flush_file
from fetch_artifacts.files.folder import Folder, require_own_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_UNSUPPORTED: Final = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Numbers of errors for lack of space; the system names no file with them."""

_NAME_PART: Final = 50  # characters; with all of a long name it would be too long


def write_atomically(path: Path, data: str | bytes, *, shared: bool = False) -> None:
    """Replace a file's contents in one step, as `replacing` does.

    Raises:
        OSError: The file could not be written; it is then as it was.
    """
    with replacing(path, shared=shared) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


@contextlib.contextmanager
def replacing(
    path: Path,
    *,
    before: Callable[[], object] | None = None,
    keep_names: bool = False,
    shared: bool = False,
) -> Iterator[IO[bytes]]:
    """Give a file to write, which replaces the one at a path when the block succeeds.

    What was written is flushed to the disk first. Symbolic links are followed. An
    existing file keeps its owner, mode and extended attributes where that is allowed; a
    new one gets 0666 less the umask. A device or a FIFO is written to, not replaced.

    Args:
        path: The file.
        before: Called at the last moment; what it raises leaves the file as it is.
        keep_names: Whether a file that has other names as well (hard links), or can't
            keep its owner, gets the new bytes in place, in one write.
        shared: Whether others may write to the folder: their links are refused.

    Raises:
        OSError: The file could not be written; it is then as it was.
    """
    if shared:
        require_own_link(path)
    old = _old_output(path)
    if old is not None and not stat.S_ISREG(old.st_mode):
        with naming_what_is_full(path), path.open("wb") as file:
            yield file
        return
    target = path if shared and not path.is_symlink() else Path(os.path.realpath(path))
    staged = f".{target.name[:_NAME_PART]}.{os.urandom(6).hex()}"
    with contextlib.ExitStack() as stack:
        try:
            hold = Folder.hold_shared if shared else Folder.hold
            folder = stack.enter_context(hold(target.parent))
            handle = folder.open(staged, _NEW, 0o666 if old is None else 0o600)
        except OSError as error:
            error.filename = os.fspath(path)  # not that of the temporary file
            raise
        stack.callback(_forget, folder, staged)
        stack.enter_context(naming_what_is_full(path))
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            keeps_all = old is None or _take_after(handle, target, old)
            flush_file(handle)
        if before is not None:
            before()
        in_place = keep_names and not keeps_all
        if not in_place or not _overwrite(folder, target.name, staged):
            folder.replace(staged, target.name)


@contextlib.contextmanager
def naming_what_is_full(path: Path) -> Iterator[None]:
    """Let an error for lack of space, which names no file, name what was written."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in OF_SPACE:
            error.filename = os.fspath(path)
        raise


def _take_after(handle: int, target: Path, old: os.stat_result) -> bool:
    """Give a new file an old one's owner, mode and attributes; return if it got all."""
    new = os.fstat(handle)
    try:
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.chown(handle, old.st_uid, old.st_gid)
        for name in _attributes(target):
            os.setxattr(handle, name, os.getxattr(target, name))
    except OSError:
        return False
    finally:
        if os.chmod in os.supports_fd:
            with contextlib.suppress(OSError):  # some mounts refuse that
                os.chmod(handle, stat.S_IMODE(old.st_mode))
    return old.st_nlink <= 1


def _attributes(path: Path) -> list[str]:
    """The names of a file's extended attributes, none where there are no such things.

    Raises:
        OSError: They can't be read.
    """
    if not hasattr(os, "listxattr"):
        return []
    try:
        return os.listxattr(path)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return []


def _overwrite(folder: Folder, name: str, staged: str) -> bool:
    """Write the bytes of one file into another; False if that can't be written to.

    Raises:
        OSError: It could not all be written; never ESTALE once a part may have been, as
            a caller would then start again from a damaged file.
    """
    try:
        target = folder.open(name, os.O_WRONLY)
    except PermissionError:
        return False
    with os.fdopen(target, "wb", buffering=0) as file:
        source = folder.open(staged, os.O_RDONLY)
        with os.fdopen(source, "rb") as new:
            data = memoryview(new.read())
        try:
            while data:
                data = data[file.write(data) :]
            if os.fstat(target).st_size > file.tell():
                file.truncate()
            flush_file(target)
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            fault = "it may be incomplete: the file system lost it during the write"
            raise OSError(errno.EIO, fault, os.fspath(folder.path / name)) from error
    return True


def _forget(folder: Folder, name: str) -> None:
    with contextlib.suppress(OSError):  # the first error says more
        folder.unlink(name)


def _old_output(path: Path) -> os.stat_result | None:
    """What is at a path now, None for nothing."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(
            errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path)
        )
    return status


def free_bytes(path: Path) -> int | None:
    """The free bytes on the disk of a folder, None where that is unknown."""
    import shutil

    try:
        return shutil.disk_usage(path).free or None  # some file systems say 0 for that
    except OSError:
        return None


def current_umask() -> int:
    """The umask of this process; changed for a moment where the system can't tell."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        return int(status.split("\nUmask:", 1)[1].split(None, 1)[0], 8)
    except (OSError, IndexError, ValueError):
        mask = os.umask(0o022)
        os.umask(mask)
        return mask
