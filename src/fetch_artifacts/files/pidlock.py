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

Beyond the protocol:

- A holder also locks its file with the system (``flock``), where file systems can do
  that. If the process that a file names is not on this host any more, and nobody holds
  that lock, the file is removed at once: the system knows that the process is dead,
  also where it would be in a container that has its own numbers.
- Who removes a dead one's file holds that lock, so no two take a lock over at once.
- What is no lock file, as a folder, a FIFO or a link, is an error, not a lock.

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
from fetch_artifacts.files.folder import Folder, kind_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

_PATIENCE: Final = 5  # Pidfile: what is not known to be dead is stale this much later
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.25
# What Julia's `tryparse(Cuint, text)` reads: no sign, blanks around it.
_PID: Final = re.compile(r"\s*(?:(0x[0-9A-Fa-f]+|0o[0-7]+|0b[01]+)|[0-9]+)\s*")
_LONGEST: Final = 512  # bytes that are read of a lock file
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


class LockLostError(OSError):
    """A lock that was held is another's."""


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
    shared: bool = False,
) -> Iterator[PidLock]:
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
        shared: Whether the folder is in one that others may write to: their links are
            refused.

    Raises:
        LockTimeoutError: The time is up.
        CancelledError: The wait is over because `stopped` was set.
        OSError: The file could not be made, as in a read-only or missing folder, or
            the path is empty, or what is there is no lock file.
    """
    if not path.name:  # else the folder itself would be waited for
        raise FileNotFoundError(errno.ENOENT, "expected a lock file's name", str(path))
    hold = Folder.hold_shared if shared else Folder.hold
    with hold(path.parent) as folder:
        # The folder's real path: the lock must be found again after a chdir.
        path = Path(os.path.realpath(path.parent), path.name)
        wait = _Wait(path, folder, stale_age, on_wait or _log_wait, stopped)
        lock = PidLock(folder, path.name, _acquire(wait, timeout))
        owner = os.getpid()
        try:
            with _refreshed(lock.descriptor, path, stale_age / 2):
                yield lock
        finally:
            if os.getpid() == owner:
                _release(lock)
            else:  # a child that was forked inside the block: it is its parent's
                os.close(lock.descriptor)


@dataclass(frozen=True, slots=True)
class PidLock:
    """A lock that is held.

    Attributes:
        folder: The folder of the lock file.
        name: Its name there.
        descriptor: The file, open.
    """

    folder: Folder
    name: str
    descriptor: int

    def is_ours(self) -> bool:
        """Whether nobody took the lock for stale, as after a pause of this process."""
        return self.folder.has(self.name, os.fstat(self.descriptor))

    def require_ours(self) -> None:
        """Make sure that the lock is still held, right before something is replaced.

        Raises:
            LockLostError: Another process took it for stale.
        """
        if not self.is_ours():
            fault = "others took the lock while this process did not run; start anew"
            raise LockLostError(
                errno.ESTALE, fault, os.fspath(self.folder.path / self.name)
            )


def remove_abandoned(folder: Folder, *, stale_age: float) -> None:
    """Remove the lock files in a folder whose holders are gone.

    Args:
        folder: The folder.
        stale_age: As for `pid_lock`.
    """
    for name in folder.names():
        if name.endswith(".pid"):
            wait = _Wait(folder.path / name, folder, stale_age, _log_wait, None)
            with contextlib.suppress(OSError):  # it is no lock file, perhaps
                wait.is_over()


def is_held(path: Path, *, stale_age: float) -> bool:
    """Whether somebody holds a lock, as far as one look can tell.

    Args:
        path: The lock file.
        stale_age: As for `pid_lock`.
    """
    try:
        with (
            Folder.hold(path.parent) as folder,
            _open_to_read(folder, path.name) as descriptor,
        ):
            wait = _Wait(path, folder, stale_age, _log_wait, None)
            return not wait.is_stale(folder.status(path.name), descriptor)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _acquire(wait: _Wait, timeout: float | None) -> int:
    pause = _FIRST_PAUSE
    while (descriptor := _create(wait.folder, wait.path.name)) is None:
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


def _create(folder: Folder, name: str) -> int | None:
    """Make the lock file and write the holder into it; None if there is one already."""
    try:
        descriptor = folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o444)
    except FileExistsError:
        return None
    except PermissionError:
        # Windows: a file that was deleted, but is open somewhere, still has its name.
        if os.name == "nt" and os.path.lexists(folder.path / name):
            return None
        raise
    try:
        hold_by_system(descriptor)
        os.write(descriptor, f"{os.getpid()} {_host()}".encode())
    except BaseException:
        _release(PidLock(folder, name, descriptor))
        raise
    return descriptor


def _release(lock: PidLock) -> None:
    """Remove the lock file if it is still ours."""
    try:
        ours = lock.is_ours()
        if ours and os.name != "nt":
            lock.folder.unlink(lock.name)
    finally:
        os.close(lock.descriptor)
    if not ours:
        path = lock.folder.path / lock.name
        _log.warning("%s: the lock was taken over by someone else meanwhile", path)
    elif os.name == "nt":  # which removes no open file
        _remove(lock.folder, lock.name)


def _remove(folder: Folder, name: str) -> None:
    if sys.platform == "win32":
        with contextlib.suppress(FileNotFoundError):
            os.chmod(folder.path / name, stat.S_IWRITE)  # nor a read-only one,
        for _ in range(50):  # nor one that someone is just reading
            with contextlib.suppress(PermissionError):
                return folder.unlink(name)
            time.sleep(0.01)
    return folder.unlink(name)


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


class _Wait:
    """One wait for a lock, with what was seen of the lock so far."""

    def __init__(
        self,
        path: Path,
        folder: Folder,
        stale_age: float,
        on_wait: WaitReport,
        stopped: threading.Event | None,
    ) -> None:
        self.path = path
        self.folder = folder
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
        pid, host = read_holder(self.folder, self.path.name) or (0, "")
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
        """Whether the lock is free now; a stale one is removed, once.

        Raises:
            FileExistsError: What is there is no lock file.
        """
        try:
            status = self.folder.status(self.path.name)
        except FileNotFoundError:
            return True
        except OSError as error:  # a network file system in trouble
            _log.debug("%s: can't look at the lock: %s", self.path, error)
            return False
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            fault = f"expected a lock file, found {kind_of(status)}; remove it"
            raise FileExistsError(errno.EEXIST, fault, os.fspath(self.path))
        if not self._may_remove:
            return False
        try:
            return self._remove_stale(status)
        except FileNotFoundError:
            return True
        except OSError as error:
            _log.debug("%s: can't look at the lock: %s", self.path, error)
            return False

    def _remove_stale(self, status: os.stat_result) -> bool:
        """Remove the file if its holder is gone; tells whether it did.

        Raises:
            OSError: It can't be removed.
        """
        name = self.path.name
        with _open_to_read(self.folder, name) as descriptor:
            if not self.is_stale(status, descriptor):
                return False
            holder = self.holder()
            # Another process may have removed it meanwhile and made its own.
            same = self.folder.status(name)
            if _identity(same) != self._seen or (
                descriptor is not None
                and not os.path.samestat(same, os.fstat(descriptor))
            ):
                return False
            if os.name != "nt":
                self.folder.unlink(name)
        if os.name == "nt":
            _remove(self.folder, name)
        self._may_remove = False
        _log.warning("removed the stale lock %s of %s", self.path, holder)
        return True

    def is_stale(self, status: os.stat_result, descriptor: int | None) -> bool:
        """Whether the holder of the lock must be gone.

        Args:
            status: The lock file's.
            descriptor: The file, None where the user may not read it.
        """
        self._look(status)
        age = self._age(status)
        if age > _PATIENCE * self._stale_age:
            return True
        holder = self.holder()
        # Who has just made the file has not written into it yet.
        young = not holder.pid and age <= self._stale_age
        if young or descriptor is None or may_be_alive(holder.pid, holder.host):
            return False
        return hold_by_system(descriptor) is not False

    def _age(self, status: os.stat_result) -> float:
        """Seconds since the last sign of life."""
        # With a file server whose clock is ahead the lock never looks old (Julia waits
        # it out), so the time for which it was watched counts as well.
        watched = time.monotonic() - self._unchanged_since
        return max(time.time() - status.st_mtime, watched)

    def _look(self, status: os.stat_result) -> None:
        seen = _identity(status)
        if seen[:2] != self._seen[:2]:
            self._held_since = status.st_mtime
        if seen != self._seen:
            self._seen = seen
            self._unchanged_since = time.monotonic()


@contextlib.contextmanager
def _open_to_read(folder: Folder, name: str) -> Iterator[int | None]:
    """Open a lock file of someone else; None where the user may not read it."""
    try:
        descriptor = folder.open_regular(name)
    except PermissionError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


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
        os.close(descriptor)


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
