"""The log that keeps Julia's ``Pkg.gc`` from deleting what Python uses.

``<depot>/logs/artifact_usage.toml`` lists the Artifacts.toml files in use. gc keeps the
artifacts that the existing files among them bind, and deletes all others (Pkg.jl
API.jl:585, Pkg.jl #2874). It ignores the times, so an entry that is less than a day
old is left alone rather than rewriting a shared file whenever a process starts.

Failing to write the log is never an error: it is a debug message in a read-only depot
and a warning elsewhere. `entries` reads it.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.artifacts_toml.file import READ_AT
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.paths import absolute, hindrance, make_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from fetch_artifacts.depot.usage.entries import UsageEntries
    from fetch_artifacts.files.locks.pidlock import PidLock

USAGE_TOML: Final = "artifact_usage.toml"
DAMAGED: Final = ".damaged-"
"""What follows the log's name in that of a copy of a damaged log."""
_DAY: Final = 24 * 60 * 60.0  # seconds
_LOCK_STALE_AGE: Final = 3.0  # Pkg.jl Types.jl:685
_STARTS: Final = 3  # where this process is paused for longer than a lock lives
_LOCK_TIMEOUT: Final = 30.0  # twice what a dead process on another host can cost
_NEW_FOR: Final = 60.0  # seconds; a gc holds the lock for less
_FILES_AT_MOST: Final = 50_000  # of a log that is read at a look-up; gc reads any
_PLAIN: Final = r"/[A-Za-z0-9_/.@+ -]*"  # what needs no look at each letter
_READ_ONLY: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class _Logged(NamedTuple):
    """What this process last logged about a file.

    Attributes:
        moment: When, by the monotonic clock.
        file: What the log names.
        log: The log as it was afterwards; None where it could not be written.
        read_only: Whether that was because the depot was read-only.
    """

    moment: float
    file: str
    log: tuple[int, ...] | None
    read_only: bool


# By depot and file. Without it each look-up of an artifact would read the log.
_seen: Final[dict[tuple[str, str], _Logged]] = {}


def mark_used(
    toml: str, stack: DepotStack | None = None, *, anew: bool = False
) -> bool:
    """Log that an Artifacts.toml is in use, unless this process did so today.

    Either gc then keeps what the file binds. Nothing is logged where
    `with_artifacts_directory` chose a folder: no gc goes there. A file that is gone
    when the program ends is represented by one that stays, see `packages`.

    Args:
        toml: The file, as an absolute path.
        stack: The depots, whose first has the log; the present ones unless given.
        anew: Whether to read the log even if this process did so today. After a change
            of the file this makes sure that a gc has seen the change, or is over.

    Returns:
        Whether the log was read. What was installed before may then be gone.
    """
    try:
        root = (stack or DepotStack.present()).root
    except SettingsError:  # whatever needs a depot reports it
        return False
    if root is None:
        return False
    if not anew and marked_lately(root, toml) and _is_still_logged(root, toml):
        return False
    from fetch_artifacts.depot.usage.packages import stable_record

    record = stable_record(root, toml)
    write_usage(Path(root), [Path(record or toml)], anew=anew)
    if record is not None and (root, record) in _seen:
        _seen[root, toml] = _seen[root, record]
    return True


def marked_lately(depot: str, toml: str) -> bool:
    """Whether this process logged a file within the last day, as `marked_until`."""
    return time.monotonic() < marked_until(depot, toml)


def marked_until(depot: str, toml: str) -> float:
    """Give until when this process need not log a file again, without file access.

    That is a day after it did so, by the monotonic clock; a moment that has passed if
    it did not, or if the file was read again since then: if it was gone for a while, a
    gc has dropped it from the log. The log may have been removed since then, with its
    depot.

    Args:
        depot: The depot, spelled as for `write_usage`.
        toml: The Artifacts.toml, spelled as for `write_usage`.
    """
    seen = _seen.get((depot, toml))
    if seen is None or seen.moment < READ_AT.get(toml, 0):
        return -math.inf
    return seen.moment + _DAY


def write_usage(depot: Path, tomls: Iterable[Path], *, anew: bool = False) -> None:
    """Log that each Artifacts.toml is in use.

    Julia: ``write_env_usage`` (Pkg.jl Types.jl:669-727), under the same lock. Files
    that do not exist are left out. An old log with a block for each use, as Julia 1.8
    and older append them, is condensed to one block for each file.

    Args:
        depot: The depot that has the log.
        tomls: The files.
        anew: Whether the lock is taken even where the log names the files already, as
            it is for files that were changed within the last minute: a gc may have
            read them before.
    """
    log, tomls = depot / "logs" / USAGE_TOML, tuple(tomls)
    files: dict[str, str] = {}
    stamp, read_only = None, False
    try:
        # gc would drop a file that does not exist.
        files = {str(toml): absolute(toml) for toml in tomls if toml.is_file()}
        if not files:
            return
        anew = anew or any(map(_is_new, files.values()))
        _record_surely(log, tuple(files.values()), anew=anew)
        stamp = _stamp(log)
    except (OSError, ValueError, OverflowError) as error:
        import logging

        read_only = isinstance(error, OSError) and error.errno in _READ_ONLY
        level = logging.DEBUG if read_only else logging.WARNING
        why = hindrance(log.parent, error)
        logging.getLogger(__name__).log(
            level,
            "%s: can't log the use of %s: %s",
            log,
            ", ".join(map(str, tomls)),
            why,
        )
    moment = time.monotonic()
    for toml, file in files.items():
        _seen[str(depot), toml] = _Logged(moment, file, stamp, read_only)


@contextlib.contextmanager
def locked_log(log: Path) -> Iterator[PidLock]:
    """Hold the lock of a usage log, as Julia does; its folder is made.

    Raises:
        LockTimeoutError: It is not free within half a minute.
        OSError: It can't be made.
    """
    from fetch_artifacts.files.locks.pidlock import pid_lock

    make_folders(log.parent)
    lock = log.with_name(f"{log.name}.pid")
    with pid_lock(
        lock, stale_age=_LOCK_STALE_AGE, timeout=_LOCK_TIMEOUT, shared=True
    ) as held:
        yield held


def replace_log(
    log: Path,
    found: UsageEntries,
    latest: Mapping[str, datetime],
    lock: PidLock,
) -> None:
    """Write a log anew, under its lock; a damaged one is copied first.

    Args:
        log: The log.
        found: What was read of it.
        latest: The moment of the latest use of each file.
        lock: The lock, which must still be ours right before the log is replaced.

    Raises:
        LockLostError: Another process took it.
        OSError: It can't be written.
        ValueError: A path is not text.
    """
    from fetch_artifacts.files.writing import replacing

    if not found.whole:
        keep_aside(log)
    blocks = [_block(path, moment) for path, moment in sorted(latest.items())]
    with replacing(log, before=lock.require_ours, shared=True) as file:
        file.write("\n".join(blocks).encode())


def local_now() -> datetime:
    """Julia's ``now()``: local time without a zone."""
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).astimezone().replace(tzinfo=None)


def _is_still_logged(depot: str, toml: str) -> bool:
    """Whether the log is as this process left it, or names the file all the same.

    A depot may be removed and filled again while a process runs, or become writable.
    """
    log, logged = Path(depot, "logs", USAGE_TOML), _seen[depot, toml]
    if logged.log is None:
        return not (logged.read_only and os.access(depot, os.W_OK))
    with contextlib.suppress(OSError, ValueError, OverflowError):
        stamp = _stamp(log)
        if stamp == logged.log:
            return True
        if _is_recorded(log, [logged.file]):
            _seen[depot, toml] = logged._replace(log=stamp)
            return True
    return False


def _stamp(log: Path) -> tuple[int, ...]:
    """What changes when a log does; a new log with an old inode has another ctime."""
    status = os.stat(log)
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _record_surely(log: Path, files: Sequence[str], *, anew: bool) -> None:
    if not anew and _is_recorded(log, files):
        return None
    from fetch_artifacts.files.locks.pidlock import LockLostError

    for _ in range(_STARTS):
        with contextlib.suppress(LockLostError):
            return _record(log, files)
    return _record(log, files)


def _record(log: Path, files: Sequence[str]) -> None:
    from fetch_artifacts.depot.usage.entries import read_entries

    with locked_log(log) as lock:
        now = local_now()
        found = read_entries(log, now, at_most=_FILES_AT_MOST)
        if found is None:
            if not _is_recorded(log, files):
                _append(log, files, now)
            return
        if found.condensed and _are_recent(found.latest, files, now):
            return
        replace_log(log, found, {**found.latest, **dict.fromkeys(files, now)}, lock)


def _is_new(file: str) -> bool:
    status = os.stat(file)
    return time.time() - max(status.st_mtime, status.st_ctime) < _NEW_FOR


def _is_recorded(log: Path, files: Sequence[str]) -> bool:
    from datetime import timedelta

    from fetch_artifacts.depot.usage.entries import read_end, read_entries

    now = local_now()
    yesterday = now - timedelta(seconds=_DAY)
    found = read_entries(log, yesterday, at_most=_FILES_AT_MOST)
    if found is None:
        found = read_end(log, yesterday)
    elif not found.condensed:
        return False
    return _are_recent(found.latest, files, now)


def _are_recent(
    latest: Mapping[str, datetime], files: Sequence[str], now: datetime
) -> bool:
    """Whether each file was logged within the last day."""
    return all(
        file in latest and (now - latest[file]).total_seconds() < _DAY for file in files
    )


def _append(log: Path, files: Sequence[str], now: datetime) -> None:
    """Add to a log that is too long to be read at a look-up; gc shortens it."""
    import logging

    from fetch_artifacts.depot.usage.entries import open_log

    logging.getLogger(__name__).warning(
        "%s: over %d files; `fetch-artifacts gc` drops those that are gone",
        log,
        _FILES_AT_MOST,
    )
    with open_log(log, os.O_WRONLY | os.O_APPEND) as end:
        end.write("".join(f"\n{_block(file, now)}" for file in files).encode())


def _block(path: str, moment: datetime) -> str:
    """What the log says of one file, in the bytes of Julia's writer."""
    from fetch_artifacts.julia_toml.writer import dump_key

    key = f'"{path}"' if re.fullmatch(_PLAIN, path) else dump_key(path)
    return f"[[{key}]]\ntime = {moment.isoformat(timespec='milliseconds')}Z\n"


def keep_aside(log: Path) -> None:
    """Copy a log that is damaged before it is written anew, and say so.

    Raises:
        OSError: It can't be copied.
    """
    import logging
    import shutil

    from fetch_artifacts.depot.usage.entries import open_log

    copy = log.with_name(f"{log.name}{DAMAGED}{local_now():%Y%m%dT%H%M%S}")
    with open_log(log) as source, copy.open("xb") as target:
        shutil.copyfileobj(source, target)
    logging.getLogger(__name__).warning(
        "%s is damaged; what could be read of it is kept, and all of it is in %s",
        log,
        copy,
    )
