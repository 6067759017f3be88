"""Waiting for a lock: when it is stale, and who is told of the wait."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.files.folder import kind_of
from fetch_artifacts.files.locks.lock_file import (
    LockHolder,
    hold_by_system,
    identity,
    may_be_alive,
    open_to_read,
    read_holder,
    remove,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from fetch_artifacts.files.folder import Folder

_log = logging.getLogger(__name__)

_PATIENCE: Final = 5  # Pidfile: stale ages to wait where the holder may be alive
_SAID_AFTER: Final = 2.0  # seconds; Pkg.jl Artifacts.jl (1.13) waits as long
_SAID_EVERY: Final = 10.0

WaitReport: TypeAlias = "Callable[[Path, LockHolder, float], object]"
"""Called with the lock file, who holds it, and the seconds waited so far."""


def log_wait(path: Path, holder: LockHolder, seconds: float) -> None:
    """Log who holds the lock: the default report."""
    _log.warning("waiting for %s to give up %s, %.0f s so far", holder, path, seconds)


class Wait:
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
        """Return the time waited so far."""
        return time.monotonic() - self._began

    def holder(self) -> LockHolder:
        """Read who holds the lock now."""
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
        """Remove the file if its holder is gone; return whether it did.

        Raises:
            OSError: It can't be removed.
        """
        name = self.path.name
        with open_to_read(self.folder, name) as descriptor:
            if not self.is_stale(status, descriptor):
                return False
            holder = self.holder()
            # Another process may have removed it meanwhile and made its own.
            same = self.folder.status(name)
            if identity(same) != self._seen or (
                descriptor is not None
                and not os.path.samestat(same, os.fstat(descriptor))
            ):
                return False
            if os.name != "nt":
                self.folder.unlink(name)
        if os.name == "nt":
            remove(self.folder, name)
        self._may_remove = False
        # A holder on another host may only have been paused.
        doubtful = may_be_alive(holder.pid, holder.host)
        level = logging.WARNING if doubtful else logging.INFO
        _log.log(level, "removed the stale lock %s of %s", self.path, holder)
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
        # A process that has just made the file has not written into it yet.
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
        seen = identity(status)
        if seen[:2] != self._seen[:2]:
            self._held_since = status.st_mtime
        if seen != self._seen:
            self._seen = seen
            self._unchanged_since = time.monotonic()
