"""A cache of values computed from files, each kept until its file changes."""

from __future__ import annotations

import os
import time
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_Stamp: TypeAlias = "tuple[int, int, int, int] | None"

# A file that changes again within one tick of the clock that dates it keeps its mtime.
# The coarsest clocks in use tick 64 times a second. Some file systems keep less: whole
# seconds (ext4 with inodes of 128 bytes, HFS+), or two of them (FAT).
_UNSETTLED: Final = 50_000_000  # nanoseconds
_SECOND: Final = 1_000_000_000
_UNSETTLED_SECONDS: Final = 3 * _SECOND
_UNKNOWN: Final = (-1, -1, -1, -1)  # never settled, so nothing is kept under it


class Remembered(Generic[T]):
    """A cache of values computed from files, by path, inode, size, mtime and ctime.

    Any thread may use it. Two threads that ask at once may both compute the value.

    Args:
        make: Computes the value of a path, at which there may be nothing.
        at_most: How many values are kept; the oldest is dropped first.
    """

    def __init__(self, make: Callable[[str], T], *, at_most: int = 64) -> None:
        self._make = make
        self._at_most = at_most
        self._kept: dict[str, tuple[_Stamp, T]] = {}
        self._lock = Lock()

    def get(self, path: str) -> T:
        """Give the value of the file as it is now."""
        kept = self._kept.get(path)
        stamp: _Stamp
        try:
            status = os.stat(path)
            stamp = (
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_ino,
                status.st_size,
            )
        except (FileNotFoundError, NotADirectoryError):
            stamp = None
        except OSError:  # nothing tells whether it is still the same later
            stamp = _UNKNOWN
        if kept is not None and kept[0] == stamp:
            return kept[1]
        value = self._make(path)
        if _settled(stamp):
            with self._lock:
                self._kept.pop(path, None)
                while len(self._kept) >= self._at_most:
                    del self._kept[next(iter(self._kept))]
                self._kept[path] = stamp, value
        return value

    def forget(self) -> None:
        """Forget all values; the next `get` computes anew."""
        with self._lock:
            self._kept.clear()


def _settled(stamp: _Stamp) -> bool:
    if stamp is None:
        return True
    if stamp == _UNKNOWN:
        return False
    now = time.time_ns()
    return all(
        abs(now - moment) > (_UNSETTLED if moment % _SECOND else _UNSETTLED_SECONDS)
        for moment in stamp[:2]
    )
