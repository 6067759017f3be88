"""Writing files and moving folders in one step, so that no reader sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

# Pkg.jl Artifacts.jl:70-103: virus scanners hold new files for a while.
_RETRIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
_RETRIES: Final = 20
_LONGEST_PAUSE: Final = 5.0
_NAME_PART: Final = 50  # characters; with all of a long name it would be too long


def rename_directory(source: Path, target: Path) -> bool:
    """Rename a folder, and tell whether it was done; not if the target is a folder.

    This never copies, so the target is complete as soon as it exists. While another
    program holds the source open it retries for up to a minute, as Julia does (Pkg.jl
    Artifacts.jl:70-103).

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
    """Give a file to write, which replaces the one at a path when the block succeeds.

    Symbolic links are followed. An existing file keeps its mode; a new one gets 0666
    less the umask. A device or a FIFO is written to, not replaced.

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
        error.filename = os.fspath(path)  # not that of the temporary file
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
    """The mode of the file to write, None for a device or a FIFO."""
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
