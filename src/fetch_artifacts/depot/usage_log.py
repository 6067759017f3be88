"""The log that keeps Julia's ``Pkg.gc`` from deleting what Python uses.

``<depot>/logs/artifact_usage.toml`` lists the Artifacts.toml files in use. gc keeps the
artifacts that the existing files among them bind, and deletes all others (Pkg.jl
API.jl:585, Pkg.jl #2874). It ignores the times, so an entry that is less than a day
old is left alone rather than rewriting a shared file whenever a process starts.

Failing to write the log is never an error: it is a debug message in a read-only depot
and a warning elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.julia_toml.reader import loads
from fetch_artifacts.julia_toml.writer import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_log = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)
_LOCK_STALE_AGE: Final = 3.0  # Pkg.jl Types.jl:685
_LOCK_TIMEOUT: Final = 30.0  # twice what a dead process on another host can cost
_BLOCK: Final = re.compile(r'(?=\[\[")|^(?=\[)', re.MULTILINE)
_READ_ONLY: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

# When this process last logged a depot's file, by the monotonic clock. Without it each
# look-up of an artifact would read the log.
_seen: Final[dict[tuple[str, str], float]] = {}


def mark_used(toml: str, stack: DepotStack | None = None) -> None:
    """Log that an Artifacts.toml is in use, unless this process did so today.

    Julia's gc then keeps what the file binds. Nothing is logged where
    `with_artifacts_directory` chose a folder: no gc goes there.

    Args:
        toml: The file, as an absolute path.
        stack: The depots, whose first has the log; the present ones unless given.
    """
    root = (stack or DepotStack.present()).root
    if root is not None and not marked_lately(root, toml):
        write_usage(Path(root), [Path(toml)])


def marked_lately(depot: Path | str, toml: Path | str) -> bool:
    """Whether this process logged a file within the last day, without file access.

    Args:
        depot: The depot, spelled as for `write_usage`.
        toml: The Artifacts.toml, spelled as for `write_usage`.
    """
    seen = _seen.get((str(depot), str(toml)))
    return seen is not None and time.monotonic() - seen < _DAY.total_seconds()


def write_usage(depot: Path, tomls: Iterable[Path]) -> None:
    """Log that each Artifacts.toml is in use.

    Julia: ``write_env_usage`` (Pkg.jl Types.jl:669-727), under the same lock. Files
    that do not exist are left out. An old log with a block for each use, as Julia 1.8
    and older append them, is condensed to one block for each file.
    """
    # gc would drop a file that does not exist.
    files = {str(toml): os.path.abspath(toml) for toml in tomls if toml.is_file()}
    if not files:
        return
    log = depot / "logs" / "artifact_usage.toml"
    try:
        _record(log, tuple(files.values()))
    except (OSError, ValueError, OverflowError) as error:
        quiet = isinstance(error, OSError) and error.errno in _READ_ONLY
        level = logging.DEBUG if quiet else logging.WARNING
        _log.log(level, "%s: can't log the use of %s: %s", log, ", ".join(files), error)
    moment = time.monotonic()
    _seen.update({(str(depot), toml): moment for toml in files})


def _record(log: Path, files: Sequence[str]) -> None:
    if _is_recorded(log, files):
        return
    from fetch_artifacts.files.rewriting import locked_file

    log.parent.mkdir(parents=True, exist_ok=True)
    lock = log.with_name(f"{log.name}.pid")  # Julia's, even where the log is a link
    with locked_file(
        log, lock=lock, stale_age=_LOCK_STALE_AGE, timeout=_LOCK_TIMEOUT
    ) as file:
        now = _now()
        usage, whole = _parse(file.content, now)
        if file.content is not None and not whole:
            _keep_aside(log, file.content, now)
        usage.update(dict.fromkeys(files, now))
        file.replace(
            dumps({path: [{"time": moment}] for path, moment in usage.items()})
        )


def _is_recorded(log: Path, files: Sequence[str]) -> bool:
    now = _now()
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return False
    usage, whole = _parse(content, now - _DAY)
    return whole and all(file in usage and now - usage[file] < _DAY for file in files)


def _now() -> datetime:
    """Julia's ``now()``: local time without a zone."""
    return datetime.now(timezone.utc).astimezone().replace(tzinfo=None)


def _keep_aside(log: Path, content: bytes, now: datetime) -> None:
    copy = log.with_name(f"{log.name}.damaged-{now:%Y%m%dT%H%M%S}")
    copy.write_bytes(content)
    _log.warning(
        "%s is damaged; what could be read of it is kept, and all of it is in %s",
        log,
        copy,
    )


def _parse(
    content: bytes | None, default: datetime
) -> tuple[dict[str, datetime], bool]:
    """The latest use of each file, and whether the log could be read as a whole.

    Args:
        content: The log, None where there is none.
        default: The time of an entry without one.
    """
    if content is None:
        return {}, True
    try:
        return _latest(loads(content), default)
    except ValueError:
        return _salvaged(content.decode("utf-8", "replace"), default), False


def _salvaged(text: str, default: datetime) -> dict[str, datetime]:
    """The readable entries of a log that was cut short, or written by two at once."""
    import tomli

    usage: dict[str, datetime] = {}
    for block in _BLOCK.split(text):
        with contextlib.suppress(ValueError):
            # tomli accepts the offsets that Julia's reader rejects.
            for path, moment in _latest(tomli.loads(block), default)[0].items():
                usage[path] = max(moment, usage.get(path, moment))
    return usage


def _latest(
    table: dict[str, Any], default: datetime
) -> tuple[dict[str, datetime], bool]:
    usage: dict[str, datetime] = {}
    whole = True
    for path, entries in table.items():
        uses = entries if isinstance(entries, list) else [entries]
        whole = whole and uses is entries
        times = [_moment(use.get("time"), default) for use in uses if type(use) is dict]
        if times:
            usage[path] = max(times)
    return usage, whole and len(usage) == len(table)


def _moment(value: object, default: datetime) -> datetime:
    """A time as Julia reads it: ``Z`` ends local time (Pkg.jl Types.jl:669-727)."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.removesuffix("Z"))
        except ValueError:
            return default
    if isinstance(value, datetime):
        # No Julia writes or reads an offset, but the time is clear.
        local = value.astimezone() if value.utcoffset() else value
        return local.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, datetime.min.time())
    return default
