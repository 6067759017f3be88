"""Changing a file that others change as well: lock, read, change, write."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.pidlock import pid_lock
from fetch_artifacts.files.writing import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

_STALE_AGE: Final = 10.0  # seconds; a change takes milliseconds


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file that nobody else changes at this moment.

    Attributes:
        path: The file itself, with all symbolic links followed.
        content: Its bytes, None where there is no file.
    """

    path: Path
    content: bytes | None

    def replace(self, content: str | bytes) -> None:
        """Write new content in one step; text becomes UTF-8.

        Raises:
            OSError: The file could not be written; it is then as it was.
        """
        write_atomically(self.path, content)


@contextlib.contextmanager
def locked_file(
    path: str | os.PathLike[str],
    *,
    lock: Path | None = None,
    stale_age: float = _STALE_AGE,
    timeout: float | None = None,
) -> Iterator[LockedFile]:
    """Lock a file and read it; whoever replaces it in the block loses no change.

    Args:
        path: The file, which may be missing; its folder must exist.
        lock: The lock file; unless given, ``<file>.pid`` beside the file that `path`
            leads to, so that all who reach it through links exclude each other.
        stale_age: Seconds without a sign of life after which the lock is stale.
        timeout: Seconds to wait for the lock, None to wait as long as it takes.

    Raises:
        LockTimeoutError: The lock was not free in time.
        OSError: The file can't be read, or the lock can't be made.
    """
    target = Path(os.path.realpath(path))
    lock = lock or Path(f"{target}.pid")
    with pid_lock(lock, stale_age=stale_age, timeout=timeout):
        yield LockedFile(target, _content(target))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
