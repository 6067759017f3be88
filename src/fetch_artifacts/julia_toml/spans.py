"""The positions of tables and values in a TOML text, which must be valid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.julia_toml.scalars import STRING, read_string

if TYPE_CHECKING:
    from collections.abc import Iterator

# Keys and numbers (from 0) of elements, from the top of the file.
KeyPath: TypeAlias = "tuple[str | int, ...]"
Span: TypeAlias = "tuple[int, int]"

_PART: Final = re.compile(rf"[A-Za-z0-9_-]+|{STRING}", re.DOTALL)
_KEY: Final = rf"(?:{_PART.pattern})(?:[ \t]*\.[ \t]*(?:{_PART.pattern}))*"
_HEADER: Final = re.compile(rf"\[(\[)?[ \t]*({_KEY})[ \t]*\]", re.DOTALL)
_ASSIGNED: Final = re.compile(rf"({_KEY})[ \t]*=[ \t]*", re.DOTALL)
_SCALAR: Final = re.compile(rf"{STRING}|[^,\]}}#\r\n]*[^,\]}}#\s]", re.DOTALL)
_SPACE: Final = re.compile(r"\s*(?:#[^\n]*(?:\n\s*|\Z))*")
_PLAIN: Final = r'[A-Za-z0-9_-]+[ \t]*=[ \t]*"(?!"")[^"\\\n]*"[ \t]*\n'
_COMMAS: Final = re.compile(r"[\s,]*(?:#[^\n]*(?:\n[\s,]*|\Z))*")
_REST_OF_LINE: Final = re.compile(r"[^\n]*\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A header, or a key with its value, on lines of its own.

    Attributes:
        path: The table that is opened, or the value that is set.
        start: Where its first line begins.
        end: Where the line after its last begins.
        key_ends: Where each part of its key ends; empty for a header.
        values: The value with all that is nested in it, by path; empty for a header.
    """

    path: KeyPath
    start: int
    end: int
    key_ends: tuple[int, ...]
    values: dict[KeyPath, Span]

    @property
    def is_header(self) -> bool:
        """Whether this opens a table."""
        return not self.values

    def opens(self, depth: int) -> bool:
        """Whether this opens a table at this depth: the number of keys in its path."""
        return self.is_header and len(self.path) == depth


def statements(text: str, *, plain: bool = True) -> Iterator[Statement]:
    """Yield every statement of a text, in order.

    Args:
        text: The text.
        plain: Whether to include those that set a bare key to a string.
    """
    arrays: dict[KeyPath, int] = {}  # of tables: the number of the last element
    table: KeyPath = ()
    space = _SPACE if plain else re.compile(rf"(?:{_PLAIN}|\s+|#[^\n]*)*")
    position = _skip(space, text, 0)
    while position < len(text):
        start = text.rfind("\n", 0, position) + 1
        header = _HEADER.match(text, position)
        values: dict[KeyPath, Span] = {}
        key_ends: tuple[int, ...] = ()
        if header:
            table = path = _opened(header, arrays)
            end = header.end()
        else:
            key, end = _read_key(text, position)
            key_ends = tuple(p.end() for p in _PART.finditer(text, position, end))
            path = (*table, *key)
            end = _read_value(text, end, path, values)
        end = _skip(_REST_OF_LINE, text, end)
        yield Statement(
            path=path, start=start, end=end, key_ends=key_ends, values=values
        )
        position = _skip(space, text, end)


def _opened(header: re.Match[str], arrays: dict[KeyPath, int]) -> KeyPath:
    *parents, last = _parts(header[2])
    path: KeyPath = ()
    for name in parents:
        path = (*path, name)
        if path in arrays:
            path = (*path, arrays[path])
    path = (*path, last)
    if not header[1]:
        return path
    arrays[path] = arrays.get(path, -1) + 1
    return (*path, arrays[path])


def _parts(key: str) -> tuple[str, ...]:
    return tuple(
        read_string(part) if part[0] in "\"'" else part for part in _PART.findall(key)
    )


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _read_key(text: str, position: int) -> tuple[tuple[str, ...], int]:
    match = _ASSIGNED.match(text, position)
    if match is None:  # pragma: no cover - tomli has read the text before
        msg = f"expected a key, found {text[position : position + 20]!r}"
        raise ValueError(msg)
    return _parts(match[1]), match.end()


def _read_value(
    text: str, position: int, path: KeyPath, values: dict[KeyPath, Span]
) -> int:
    """Note where a value and all that is nested in it stand, and give its end."""
    start, opening = position, text[position]
    if opening in "[{":
        number = 0
        position = _skip(_COMMAS, text, position + 1)
        while text[position] not in "]}":
            if opening == "[":
                key: KeyPath = (number,)
                number += 1
            else:
                key, position = _read_key(text, position)
            position = _read_value(text, position, (*path, *key), values)
            position = _skip(_COMMAS, text, position)
        position += 1
    else:
        position = _skip(_SCALAR, text, position)
    values[path] = start, position
    return position
