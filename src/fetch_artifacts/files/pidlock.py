"""Julia's pid lock files, so that either language waits for the other.

The protocol is that of Julia's ``FileWatching.Pidfile`` (pidfile.jl of 1.12):

- A lock is a file that was created with ``O_EXCL``. It holds ``<pid> <host>`` without
  a newline; with one, Julia would take the host for a foreign one.
- Its holder sets the file's time to now, twice in each stale age.
- A process that waits may remove a file that was not refreshed for the stale age if
  its process is dead, and for five times as long if that is unknown: the process is on
  another host, or lives but does not refresh. An empty file (its creator died at once)
  counts as a dead process's. A process removes at most one file in one wait.
- The holder removes the file only if it is still the one that the holder made.

Nothing here needs hard links or ``flock``, which network file systems often lack.
A lock of an install only saves work: Julia 1.12 and older take none, so the result must
be correct without it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.errors import LockTimeoutError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

_PATIENCE: Final = 5  # Pidfile: what is not known to be dead is stale this much later
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.25
# What Julia's `tryparse(Cuint, text)` reads: no sign, blanks around it.
_PID: Final = re.compile(r"\s*(?:(0x[0-9A-Fa-f]+|0o[0-7]+|0b[01]+)|[0-9]+)\s*")
_SAID_AFTER: Final = 2.0  # seconds; Pkg.jl Artifacts.jl (1.13) waits as long
_SAID_EVERY: Final = 10.0


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
        named = f"process {self.pid} on {self.host}"
        who = named if self.host else "an unknown process"
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"{who} (since {moment} or earlier)"


WaitReport: TypeAlias = "Callable[[Path, LockHolder, float], object]"
"""Called with the lock file, who holds it, and the seconds waited so far."""


@contextlib.contextmanager
def pid_lock(
    path: Path,
    *,
    stale_age: float,
    on_wait: WaitReport | None = None,
    timeout: float | None = None,
    stopped: threading.Event | None = None,
) -> Iterator[None]:
    """Hold a lock file for the length of a ``with`` block.

    Threads exclude each other as processes do, so a thread must not take a lock that
    it holds. A forked child does not inherit the lock.

    Args:
        path: The lock file; its folder must exist.
        stale_age: Seconds without a sign of life after which a lock is stale.
        on_wait: Called after two seconds of waiting, and every ten seconds from then
            on; logs a warning unless given.
        timeout: Seconds to wait at most, None for no limit.
        stopped: Ends the wait once it is set.

    Raises:
        LockTimeoutError: The time is up.
        CancelledError: The wait is over because `stopped` was set.
        OSError: The file could not be made, as in a read-only or missing folder, or
            the path is empty.
    """
    if not path.name:  # else the folder itself would be waited for
        raise FileNotFoundError(errno.ENOENT, "expected a lock file's name", str(path))
    # The folder's real path: the lock must be found again after a chdir.
    path = Path(os.path.realpath(path.parent), path.name)
    wait = _Wait(path, stale_age, on_wait or _log_wait, stopped)
    descriptor = _acquire(wait, timeout)
    owner = os.getpid()
    try:
        with _refreshed(descriptor, path, stale_age / 2):
            yield
    finally:
        if os.getpid() == owner:
            _release(path, descriptor)
        else:  # a child that was forked inside the block: the file is its parent's
            os.close(descriptor)


def is_held(path: Path, *, stale_age: float) -> bool:
    """Whether somebody holds a lock, as far as one look can tell.

    Args:
        path: The lock file.
        stale_age: As for `pid_lock`.
    """
    wait = _Wait(path, stale_age, _log_wait, None)
    try:
        return not wait.is_stale(path.stat())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _acquire(wait: _Wait, timeout: float | None) -> int:
    pause = _FIRST_PAUSE
    while (descriptor := _create(wait.path)) is None:
        if wait.is_over():
            continue
        waited = wait.seconds()
        if timeout is not None and waited >= timeout:
            msg = (
                f"{wait.path}: expected the lock within {timeout:g} s, but it is held "
                f"by {wait.holder()}; wait for that process, or delete the file if "
                "you know that it is gone"
            )
            raise LockTimeoutError(msg, path=wait.path)
        wait.pause(pause if timeout is None else min(pause, timeout - waited))
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    return descriptor


def _log_wait(path: Path, holder: LockHolder, seconds: float) -> None:
    _log.warning("waiting for %s to give up %s, %.0f s so far", holder, path, seconds)


def _create(path: Path) -> int | None:
    """Make the lock file and write the holder into it; None if there is one already."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o444)
    except FileExistsError:
        return None
    except PermissionError:
        # Windows: a file that was deleted, but is open somewhere, still has its name.
        if os.name == "nt" and os.path.lexists(path):
            return None
        raise
    try:
        os.write(descriptor, f"{os.getpid()} {_host()}".encode())
    except BaseException:
        _release(path, descriptor)
        raise
    return descriptor


def _release(path: Path, descriptor: int) -> None:
    """Remove the lock file if it is still ours."""
    try:
        ours = os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        ours = False
    os.close(descriptor)  # first: Windows removes no open file
    if ours:
        with contextlib.suppress(FileNotFoundError):
            _remove(path)
    else:
        _log.warning("%s: the lock was taken over by someone else meanwhile", path)


def _remove(path: Path) -> None:
    if sys.platform == "win32":
        path.chmod(stat.S_IWRITE)  # Windows removes no read-only file,
        for _ in range(50):  # and none that someone is just reading
            with contextlib.suppress(PermissionError):
                return path.unlink()
            time.sleep(0.01)
    return path.unlink()


class _Wait:
    """One wait for a lock, with what was seen of the lock so far."""

    def __init__(
        self,
        path: Path,
        stale_age: float,
        on_wait: WaitReport,
        stopped: threading.Event | None,
    ) -> None:
        self.path = path
        self._stale_age = stale_age
        self._on_wait = on_wait
        self._stopped = stopped
        self._reported_at = _SAID_AFTER
        self._may_remove = True
        self._began = time.monotonic()
        self._seen = (-1, -1, -1)
        self._unchanged_since = self._began
        self._held_since = time.time()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def holder(self) -> LockHolder:
        pid, host = _read(self.path) or (0, "")
        return LockHolder(pid=pid, host=host, since=self._held_since)

    def pause(self, seconds: float) -> None:
        """Let some time pass, and report where that is due."""
        waited = self.seconds()
        if waited >= self._reported_at:
            self._reported_at = waited + _SAID_EVERY
            self._on_wait(self.path, self.holder(), waited)
        if self._stopped is None:
            time.sleep(seconds)
        elif self._stopped.wait(seconds):
            from concurrent.futures import CancelledError

            raise CancelledError

    def is_over(self) -> bool:
        """Whether the lock is free now; a stale one is removed, once."""
        try:
            status = self.path.stat()
            if not self._may_remove or not self.is_stale(status):
                return False
            holder = self.holder()
            # Another process may have removed it meanwhile and made its own.
            if _identity(self.path.stat()) == self._seen:
                _remove(self.path)
                self._may_remove = False
                _log.warning("removed the stale lock %s of %s", self.path, holder)
        except FileNotFoundError:
            return True
        except OSError as error:  # a network file system in trouble
            _log.debug("%s: can't look at the lock: %s", self.path, error)
            return False
        return True

    def is_stale(self, status: os.stat_result) -> bool:
        """Whether the lock is so old that its holder must be gone."""
        self._look(status)
        age = time.time() - status.st_mtime
        # With a file server whose clock is ahead the lock never looks old (Julia waits
        # it out), so the time for which it was watched counts as well.
        age = max(age, time.monotonic() - self._unchanged_since)
        if age <= self._stale_age:
            return False
        content = _read(self.path)
        if content is None:
            return False
        return age > _PATIENCE * self._stale_age or not may_be_alive(*content)

    def _look(self, status: os.stat_result) -> None:
        seen = _identity(status)
        if seen[:2] != self._seen[:2]:
            self._held_since = status.st_mtime
        if seen != self._seen:
            self._seen = seen
            self._unchanged_since = time.monotonic()


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _read(path: Path) -> tuple[int, str] | None:
    """The pid and the host in a lock file; None where it can't be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return parse_holder(content)


def parse_holder(content: bytes) -> tuple[int, str]:
    """Read what a lock file says as Pidfile's ``parse_pidfile`` does.

    Returns:
        The pid, 0 where there is none that Julia reads as a ``Cuint``, and all behind
        the first blank as the host.
    """
    digits, _, host = content.decode("utf-8", "replace").partition(" ")
    pid = int(digits, 0 if match[1] else 10) if (match := _PID.fullmatch(digits)) else 0
    return pid if pid < 2**32 else 0, host


def _host() -> str:
    import socket

    return socket.gethostname()


def may_be_alive(pid: int, host: str) -> bool:
    """Pidfile's ``isvalidpid``: whether a process exists or its state is unknown."""
    if host not in {"", _host()}:
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
    return True


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


@contextlib.contextmanager
def _refreshed(descriptor: int, path: Path, seconds: float) -> Iterator[None]:
    """Set the file's time to now at an interval, from a thread."""
    import threading

    from fetch_artifacts.threads import start_thread

    done = threading.Event()
    target = descriptor if os.utime in os.supports_fd else path

    def refresh() -> None:
        # If this fails others take the lock for stale; see _release.
        with contextlib.suppress(OSError):
            while not done.wait(seconds):
                os.utime(target)

    thread = start_thread(refresh, name=f"refresh {path.name}")
    try:
        yield
    finally:
        done.set()
        thread.join()  # it uses the descriptor, which will be closed
