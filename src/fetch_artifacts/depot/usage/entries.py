"""Reading a usage log of any length and in any state, in bounded memory.

Both languages write the same form, which is read here without a TOML parser: a log may
have grown to megabytes, and each process reads it at its first look-up. A log in
another form is read as TOML up to a limit. Julia: ``write_env_usage`` (Pkg.jl
Types.jl:669-727) and ``gc`` (Pkg.jl API.jl:585).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, cast

from fetch_artifacts.files.regular import NO_FOLLOW, OPEN_FILE
from fetch_artifacts.files.toml_text import toml_loader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK: Final = 1 << 20
_BLOCK_AT_MOST: Final = 1 << 20  # bytes in which another block must begin
_PARSED_AT_MOST: Final = 1 << 20  # bytes of what is not in the usual form
_REPEATED: Final = 1000  # blocks more than files: written by Julia 1.8, or older

_PATH: Final = rb'[^"\\\x00-\x1f\x7f]*(?:\\.[^"\\\x00-\x1f\x7f]*)*'
_TIME: Final = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_ENTRY: Final = re.compile(
    rb'\s*\[\["(' + _PATH + rb')"\]\]\ntime = (' + _TIME + rb")Z\n"
)
# Compiled for the first log of another form.
_HEADER: Final = rb"(?m)^[ \t]*\["
_BLOCK: Final = r'(?m)(?=\[\[")|^(?=\[)'

# What a parser raises: RecursionError for values that are nested too deeply.
_UNREADABLE: Final = (ValueError, RecursionError)


class UsageEntries(NamedTuple):
    """What a usage log says.

    Attributes:
        latest: The moment of the latest use of each file, in local time.
        whole: Whether Julia can read all of it.
        condensed: Whether it is whole and has about one block for each file.
    """

    latest: dict[str, datetime]
    whole: bool
    condensed: bool


def read_all(log: Path, default: datetime) -> UsageEntries:
    """Read a usage log of any length; what can't be read of it is left out.

    Args:
        log: The log, which may be missing.
        default: The moment of an entry that has none.

    Raises:
        OSError: It is not a regular file, or can't be read.
    """
    # No log names that many files.
    return cast("UsageEntries", read_entries(log, default, at_most=sys.maxsize))


def read_entries(log: Path, default: datetime, *, at_most: int) -> UsageEntries | None:
    """Read a usage log, None if it names too many files.

    Args:
        log: The log, which may be missing.
        default: The moment of an entry that has none.
        at_most: How many files.

    Raises:
        OSError: It is not a regular file, or can't be read.
    """
    try:
        with open_log(log) as file:
            return _read(file, default, at_most)
    except FileNotFoundError:
        return UsageEntries({}, whole=True, condensed=True)


def read_end(log: Path, default: datetime) -> UsageEntries:
    """Read the end of a usage log that names too many files.

    Raises:
        OSError: It is not a regular file, or can't be read.
    """
    with open_log(log) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _CHUNK))
        file.readline()
        return cast("UsageEntries", _read(file, default, sys.maxsize))


@contextlib.contextmanager
def open_log(log: Path, flags: int = os.O_RDONLY) -> Iterator[IO[bytes]]:
    """Open a log that exists, unless it is a link, a FIFO or anything else.

    Raises:
        OSError: It is not a regular file, or can't be opened.
    """
    try:
        descriptor = os.open(log, flags | OPEN_FILE | NO_FOLLOW)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise _not_regular(log) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # os.fdopen's error for a folder names only its number
        raise _not_regular(log)
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    with os.fdopen(descriptor, "ab" if writes else "rb") as file:
        if os.fstat(descriptor).st_nlink > 1:
            raise _not_regular(log)
        yield file


def _not_regular(log: Path) -> OSError:
    return OSError(
        errno.EINVAL, "expected a regular file with one name, and no link", str(log)
    )


class _Scan:
    """What was found so far."""

    def __init__(self) -> None:
        self.latest: dict[bytes, bytes] = {}
        self.blocks = 0
        self.odd: list[bytes] = []
        self.odd_bytes = 0

    def take(self, buffer: bytes, *, last: bool) -> bytes:
        """Read the blocks at the start of a buffer; give what is not read yet."""
        position = 0
        while True:
            position = self._take_usual(buffer, position)
            if position >= len(buffer):
                return b""
            end = self._end_of_odd(buffer, position, last=last)
            if end is None:
                return buffer[position:]
            self._add_odd(buffer[position:end])
            position = end

    def _take_usual(self, buffer: bytes, start: int) -> int:
        """Read the blocks of the usual form that begin at a place; give their end."""
        match, latest = _ENTRY.match, self.latest
        while entry := match(buffer, start):
            path, moment = entry.groups()
            self.blocks += 1
            if moment > latest.get(path, b""):
                latest[path] = moment
            start = entry.end()
        return start

    def _end_of_odd(self, buffer: bytes, start: int, *, last: bool) -> int | None:
        """Where the next block may begin; None where more must be read to tell."""
        line = buffer.find(b"\n", start)
        header = re.compile(_HEADER).search(buffer, line + 1) if line >= 0 else None
        if header is not None:
            return header.start()
        return len(buffer) if last or len(buffer) - start > _BLOCK_AT_MOST else None

    def _add_odd(self, piece: bytes) -> None:
        if piece.strip():
            self.odd.append(piece[: max(0, _PARSED_AT_MOST - self.odd_bytes)])
            self.odd_bytes += len(piece)


def _read(file: IO[bytes], default: datetime, at_most: int) -> UsageEntries | None:
    scan, rest, start = _Scan(), b"", b""
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        start = start or chunk
        rest = scan.take(rest + chunk, last=False)
        if len(scan.latest) > at_most:
            return None
    scan.take(rest + b"\n", last=True)
    latest = _moments(scan)
    if not scan.odd_bytes and len(latest) == len(scan.latest):
        repeated = scan.blocks - len(latest) > _REPEATED
        return UsageEntries(latest, whole=True, condensed=not repeated)
    if size == len(start) and size <= _PARSED_AT_MOST:
        parsed = _parsed(start, default)
        if parsed is not None:
            return parsed
        scan.odd = [start]
    for piece in scan.odd:
        _join(latest, _salvaged(piece.decode("utf-8", "replace"), default))
    return UsageEntries(latest, whole=False, condensed=False)


def _moments(scan: _Scan) -> dict[str, datetime]:
    """The paths and moments of the usual form, except those that are not TOML."""
    load_toml = toml_loader()
    latest = {}
    for raw, moment in scan.latest.items():
        with contextlib.suppress(ValueError):
            path = raw.decode("utf-8")
            if "\\" in path:
                path = load_toml(f'p = "{path}"')["p"]
            latest[path] = datetime.fromisoformat(moment.decode())
    return latest


def _parsed(content: bytes, default: datetime) -> UsageEntries | None:
    """Read a log of another form; None where it is not TOML that Julia reads."""
    from fetch_artifacts.julia_toml.reader import loads

    try:
        latest, whole = _latest(loads(content), default)
    except _UNREADABLE:
        return None
    return UsageEntries(latest, whole=whole, condensed=whole)


def _salvaged(text: str, default: datetime) -> dict[str, datetime]:
    """The readable entries of a log that was cut short, or written by two at once."""
    load_toml = toml_loader()
    usage: dict[str, datetime] = {}
    for block in re.split(_BLOCK, text):
        # tomli accepts the offsets that Julia's reader rejects. Where a block goes
        # wrong after its first line, that still tells which file is in use.
        for part in (block, block.partition("\n")[0]):
            with contextlib.suppress(*_UNREADABLE):
                _join(usage, _latest(load_toml(part), default)[0])
                break
    return usage


def _join(usage: dict[str, datetime], others: dict[str, datetime]) -> None:
    for path, moment in others.items():
        usage[path] = max(moment, usage.get(path, moment))


def _latest(
    table: dict[str, Any], default: datetime
) -> tuple[dict[str, datetime], bool]:
    """The latest use of each file, and whether gc accepts the form of each entry."""
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
