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
  also where it would be in a container that has its own numbers. A process that has
  ended is dead, whether or not its parent has waited for it.
- A process that removes a dead one's file holds that lock, so that no two processes
  take a lock over at once.
- Anything but a lock file, such as a folder, a FIFO or a link, is an error, not a lock.

Nothing here needs hard links or ``flock``, which network file systems often lack.
A lock of an install only saves work: Julia 1.12 and older take none, so the result must
be correct without it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import LockTimeoutError
from fetch_artifacts.files.folder import Folder, close, outlast_stale
from fetch_artifacts.files.locks.lock_file import (
    hold_by_system,
    host_name,
    open_to_read,
    remove,
)
from fetch_artifacts.files.locks.waiting import Wait, log_wait

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from fetch_artifacts.files.locks.waiting import WaitReport

_log = logging.getLogger(__name__)

_READABLE: Final = 0o444  # whatever the umask is: others ask whether we are alive
_FIRST_PAUSE: Final = 0.002
# A thousand who look four times a second leave no core to the one they wait for. So who
# has waited long looks less often, and gets the lock a sixteenth of that later at most.
_LONGEST_PAUSE: Final = 0.25
_LONGEST_SHARE: Final = 1 / 16
_LONGEST_EVER: Final = 1.0


class LockLostError(OSError):
    """Another process has taken a lock that was held."""


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
        wait = Wait(path, folder, stale_age, on_wait or log_wait, stopped)
        lock = PidLock(folder, path.name, _acquire(wait, timeout))
        owner = os.getpid()
        try:
            with _refreshed(lock.descriptor, path, stale_age / 2):
                yield lock
        finally:
            if os.getpid() == owner:
                _release(lock)
            else:  # a child that was forked inside the block: it is its parent's
                close(lock.descriptor)


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
        """Whether nobody took the lock as stale, as after a pause of this process."""
        ours = outlast_stale(lambda: os.fstat(self.descriptor))
        return self.folder.has(self.name, ours)

    def require_ours(self) -> None:
        """Make sure that the lock is still held, right before something is replaced.

        Raises:
            LockLostError: Another process has taken it as stale.
        """
        if not self.is_ours():
            fault = (
                "another process took the lock while this one stood still; try again"
            )
            raise LockLostError(
                errno.EBUSY, fault, os.fspath(self.folder.path / self.name)
            )


def remove_abandoned(folder: Folder, *, stale_age: float) -> None:
    """Remove the lock files in a folder whose holders are gone.

    Args:
        folder: The folder.
        stale_age: As for `pid_lock`.
    """
    for name in folder.names():
        if name.endswith(".pid"):
            wait = Wait(folder.path / name, folder, stale_age, log_wait, None)
            with contextlib.suppress(OSError):  # perhaps it is not a lock file
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
            open_to_read(folder, path.name) as descriptor,
        ):
            wait = Wait(path, folder, stale_age, log_wait, None)
            return not wait.is_stale(folder.status(path.name), descriptor)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _acquire(wait: Wait, timeout: float | None) -> int:
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
        longest = min(max(_LONGEST_PAUSE, _LONGEST_SHARE * waited), _LONGEST_EVER)
        pause = min(1.5 * pause, longest)
    return descriptor


def _create(folder: Folder, name: str) -> int | None:
    """Make the lock file and write the holder into it; None if there is one already."""
    try:
        descriptor = folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, _READABLE)
    except FileExistsError:
        return None
    except PermissionError:
        # Windows: a file that was deleted, but is open somewhere, still has its name.
        if os.name == "nt" and os.path.lexists(folder.path / name):
            return None
        raise
    try:
        hold_by_system(descriptor)
        if os.chmod in os.supports_fd:
            with contextlib.suppress(OSError):  # some mounts refuse that
                os.chmod(descriptor, _READABLE)
        os.write(descriptor, f"{os.getpid()} {host_name()}".encode())
    except BaseException:
        _release(PidLock(folder, name, descriptor))
        raise
    return descriptor


def _release(lock: PidLock) -> None:
    """Remove the lock file if it is still ours.

    Where it can't be removed, as when a network file system no longer finds it, it is
    stale soon, and the work under the lock is done anyway.
    """
    path = lock.folder.path / lock.name
    try:
        try:
            ours = lock.is_ours()
            if ours and os.name != "nt":
                lock.folder.unlink(lock.name)
        finally:
            close(lock.descriptor)
        if not ours:
            _log.warning("%s: the lock was taken over by someone else meanwhile", path)
        elif os.name == "nt":  # which removes no open file
            remove(lock.folder, lock.name)
    except OSError as error:
        _log.warning("%s: the lock can't be removed: %s", path, error)


@contextlib.contextmanager
def _refreshed(descriptor: int, path: Path, seconds: float) -> Iterator[None]:
    """Set the file's time to now at an interval, from a thread."""
    import threading

    from fetch_artifacts.parallel.threads import start_thread

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
