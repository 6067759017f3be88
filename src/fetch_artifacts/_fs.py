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
    from collections.abc import Callable

# Pkg.jl Artifacts.jl:70-103: virus scanners hold new files for a while.
_RETRIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
_RETRIES: Final = 20
_LONGEST_PAUSE: Final = 5.0


def _make_removable(function: Callable[..., object], path: str, _error: object) -> None:
    """Open up what stood in the way of a removal, and try again."""
    with contextlib.suppress(OSError):
        parent = os.path.dirname(path)  # noqa: PTH120
        for folder in (parent, path):
            if os.path.isdir(folder) and not os.path.islink(folder):  # noqa: PTH112, PTH114
                os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
        if os.name == "nt":
            os.chmod(path, stat.S_IWRITE)  # noqa: PTH101
    if function in {os.unlink, os.rmdir, os.remove}:
        with contextlib.suppress(FileNotFoundError):
            function(path)
    else:  # listing or opening a folder failed: its contents are still there
        remove_tree(Path(path))


def remove_tree(path: Path) -> None:
    """Remove a folder with read-only files and folders in it; missing is fine.

    Raises:
        OSError: Something could not be removed all the same.
    """
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    import shutil

    shutil.rmtree(path, onerror=_make_removable)


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
    """Replace a file's contents in one step, through any symbolic link to it.

    An existing file keeps its mode; a new one gets 0666 less the umask.

    Raises:
        OSError: The file could not be written; it is then as it was.
    """
    import tempfile

    target = Path(os.path.realpath(path))
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = 0o666 & ~current_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
        staged.chmod(mode)
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


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
