"""What a lock file says, whether its process lives, and how it is read and removed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.folder import close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.files.folder import Folder

# What Julia's `tryparse(Cuint, text)` reads: no sign, but blanks around the number.
_PID: Final = re.compile(r"\s*(?:(0x[0-9A-Fa-f]+|0o[0-7]+|0b[01]+)|[0-9]+)\s*")
_LONGEST: Final = 512  # bytes that are read of a lock file
_HOST_SHOWN: Final = 64  # characters, as many as Linux lets a host's name have


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who holds a lock, as far as its file tells.

    Attributes:
        pid: The process id, 0 where the file names none.
        host: The host it runs on, "" where the file names none.
        since: The file's time when it was first seen, in seconds since the epoch;
            the lock may be older.
    """

    pid: int
    host: str
    since: float

    def __str__(self) -> str:
        more = "..." if len(self.host) > _HOST_SHOWN else ""
        named = f"process {self.pid} on {self.host[:_HOST_SHOWN]}{more}"
        who = named if self.host else "an unknown process"
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{who} (since {moment} or earlier)"


def read_holder(folder: Folder, name: str) -> tuple[int, str] | None:
    """The pid and the host in a lock file; None where it can't be read."""
    try:
        descriptor = folder.open_regular(name)
    except OSError:
        return None
    try:
        return parse_holder(os.read(descriptor, _LONGEST))
    except OSError:
        return None
    finally:
        close(descriptor)


def parse_holder(content: bytes) -> tuple[int, str]:
    """Read what a lock file says as Pidfile's ``parse_pidfile`` does.

    Returns:
        The pid, 0 where there is none that Julia reads as a ``Cuint``, and all after
        the first blank as the host.
    """
    digits, _, host = content.decode("utf-8", "replace").partition(" ")
    pid = int(digits, 0 if match[1] else 10) if (match := _PID.fullmatch(digits)) else 0
    return pid if pid < 2**32 else 0, host


def may_be_alive(pid: int, host: str) -> bool:
    """Pidfile's ``isvalidpid``: whether a process exists or its state is unknown.

    Unlike there, a process that has ended does not count, although its parent has not
    waited for it, as happens for long in containers.
    """
    if host not in {"", host_name()}:
        return True
    if sys.platform == "win32":
        return pid != 0 and _exists_on_windows(pid)
    if not 0 < pid < 2**31:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process is a zombie, as far as Linux tells."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state == b"Z"


if sys.platform == "win32":

    def _exists_on_windows(pid: int) -> bool:
        # os.kill(pid, 0) would send Ctrl-C there. The numbers are those of winbase.h.
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel32.OpenProcess(0x100000, 0, pid))  # SYNCHRONIZE
        if not handle:
            return ctypes.get_last_error() != 87  # ERROR_INVALID_PARAMETER
        running = kernel32.WaitForSingleObject(handle, 0) == 258  # WAIT_TIMEOUT
        kernel32.CloseHandle(handle)
        return running


def host_name() -> str:
    """Name this host as Julia's ``gethostname`` does."""
    import socket

    return socket.gethostname()


def hold_by_system(descriptor: int) -> bool | None:
    """Lock an open file until it is closed, or its process ends.

    Returns:
        False if another holds the lock, None where files have no such locks.
    """
    try:
        import fcntl
    except ImportError:
        return None  # Windows: an open file can't be removed there
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextlib.contextmanager
def open_to_read(folder: Folder, name: str) -> Iterator[int | None]:
    """Open a lock file of someone else; None where the user may not read it."""
    try:
        descriptor = folder.open_regular(name)
    except PermissionError:
        yield None
        return
    try:
        yield descriptor
    finally:
        close(descriptor)


def identity(status: os.stat_result) -> tuple[int, int, int]:
    """Tell one lock from another, and a refreshed one from what it was before."""
    return status.st_dev, status.st_ino, status.st_mtime_ns


def remove(folder: Folder, name: str) -> None:
    """Remove a lock file, on Windows once nobody reads it any more."""
    if sys.platform == "win32":
        with contextlib.suppress(FileNotFoundError):
            os.chmod(folder.path / name, stat.S_IWRITE)  # nor a read-only one,
        for _ in range(50):  # nor one that someone is just reading
            with contextlib.suppress(PermissionError):
                return folder.unlink(name)
            time.sleep(0.01)
    return folder.unlink(name)
