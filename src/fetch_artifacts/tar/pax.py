"""The payload of pax headers: the records that Tar.jl heeds (Tar.jl extract.jl:510)."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.header import LARGEST_SIZE
from fetch_artifacts.tar.member import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.tar.member import Buffer

_RECORD: Final = re.compile(rb"0*([0-9]{1,18}) ([^=]*)=")
SPARSE: Final = b"GNU.sparse."
_KEYS: Final = frozenset({b"path", b"linkpath", b"size"})
_BASES: Final = {b"0x": 16, b"0o": 8, b"0b": 2}
_SIZE_DIGITS: Final = 64  # in base 2
# Records that count are held in memory; real ones have a few hundred bytes.
_LONGEST_RECORD: Final = 1 << 20


def read_pax(content: Iterable[Buffer], size: int) -> dict[bytes, bytes]:
    """Give the values of the records that count, by their keys.

    Those that make a sparse file of a member are one record with the key `SPARSE`.

    Args:
        content: The payload of a pax header, in pieces.
        size: Its length in bytes.

    Raises:
        UnpackError: A record is malformed or too long.
    """
    return dict(_records(_Payload(content, size)))


def pax_size(text: bytes, path: bytes) -> int:
    """Read a size as Julia's ``tryparse``, which Tar.jl uses, does.

    Args:
        text: The value of the record.
        path: The member whose size it is, for messages.

    Raises:
        UnpackError: It is not a number, or more than any file has.
    """
    digits = text.strip()
    base = _BASES.get(digits[:2], 10)
    if base != 10:
        digits = digits[2:]
    significant = digits.lstrip(b"0")
    size = None
    if digits.isalnum() and len(significant) <= _SIZE_DIGITS:
        with contextlib.suppress(ValueError):
            size = int(significant or b"0", base)
    if size is None:
        raise refusal(path, f"pax size is {text[:40]!r}, expected a number")
    if size > LARGEST_SIZE:
        raise refusal(path, f"pax size is {text[:40]!r}, more than any file has")
    return size


class _Payload:
    """The payload of a pax header, of which only what comes next is held."""

    __slots__ = ("_more", "_pieces", "held", "start")

    def __init__(self, content: Iterable[Buffer], size: int) -> None:
        self._pieces = iter(content)
        self._more = size > _LONGEST_RECORD
        self.held = b"" if self._more else b"".join(self._pieces)
        self.start = 0  # of what is not read yet

    def look_ahead(self) -> bool:
        """Hold all of the longest record that may come; False at the end."""
        rest = len(self.held) - self.start
        if self._more and rest < _LONGEST_RECORD:
            parts: list[Buffer] = [self.held[self.start :]]
            while rest < 2 * _LONGEST_RECORD and (piece := self._next()):
                parts.append(piece)
                rest += len(piece)
            self.held, self.start = b"".join(parts), 0
        return rest > 0

    def skip(self, size: int) -> bytes:
        """Go on by so many bytes; return the last of them, nothing after the end."""
        self.start += size
        while self.start > len(self.held):
            self.start -= len(self.held)
            self.held = bytes(self._next())
            if not self.held:
                return b""
        return self.held[self.start - 1 : self.start]

    def _next(self) -> Buffer:
        piece = next(self._pieces, b"")
        self._more = bool(piece)
        return piece


def _records(payload: _Payload) -> Iterator[tuple[bytes, bytes]]:
    """The records that count; each is ``<length> <key>=<value>`` and a newline."""
    while payload.look_ahead():
        start, text = payload.start, payload.held
        record = _RECORD.match(text, start)
        stop = start + int(record[1]) if record else 0
        if not record or record.end() >= stop or payload.skip(stop - start) != b"\n":
            msg = f"malformed pax record at {text[start : start + 40]!r}..."
            raise UnpackError(msg)
        if record[2].startswith(SPARSE):
            yield SPARSE, b""
        elif record[2] in _KEYS:
            if stop - start > _LONGEST_RECORD:
                msg = f"pax record of {stop - start} bytes, expected at most 1 MiB"
                raise refusal(record[2], msg)
            yield record[2], text[record.end() : stop - 1]
