"""The tables of a text that tomli does not take for TOML, by Julia's rules.

Julia's parser lacks some of the checks of TOML: a key may replace a table of dotted
keys, which is lost; a header may open such a table again; keys may span several lines.
Julia: toml_parser.jl, whose order of checks is kept here.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from fetch_artifacts.files.toml_text import DEEPEST, TooDeepError, refuse_deeper
from fetch_artifacts.julia_toml.scalars import STRING, read_scalar, read_string

Table: TypeAlias = dict[str, Any]

_BETWEEN: Final = r"[ \t\r\n]*(?:#[^\r\n]*(?:[\r\n][ \t\r\n]*|\Z))*"
_BLANKS: Final = r"[ \t]*"
_LINE_ENDS: Final = r"[ \t]*(?=[\r\n#]|\Z)"
_BARE: Final = r"[A-Za-z0-9_-]+(?=[. \t\]=])"
_DATE_TIME: Final = r"[0-9]+-[0-9]{2}-[0-9]{2} [0-9][^ \t#\]},\r\n]*"
_OTHER: Final = r"[^ \t#\]},\r\n]+"


class _RefusedError(ValueError):
    """Julia refuses the text as well."""


def read_tables(text: str) -> Table | None:
    """Read a text that tomli refuses; None where Julia refuses it, too.

    Args:
        text: The text, as `fetch_artifacts.julia_toml.julia_text.prepared` gives it.

    Raises:
        TooDeepError: It is nested deeper than `DEEPEST`.
    """
    try:
        table = _Tables(text).read()
    except TooDeepError:
        raise
    except ValueError:
        return None
    refuse_deeper(table)
    return table


class _Objects:
    """Tables and arrays, told apart by identity."""

    def __init__(self) -> None:
        self._objects: dict[int, object] = {}  # kept, so that no identity is reused

    def add(self, which: object) -> None:
        self._objects[id(which)] = which

    def __contains__(self, which: object) -> bool:
        return id(which) in self._objects


class _Tables:
    """The tables of one text, as far as it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self._root: Table = {}
        self._inline = _Objects()
        self._static = _Objects()
        self._defined = _Objects()

    def read(self) -> Table:
        active = self._root
        self._take(_BETWEEN)
        while self._position < len(self._text):
            if self._take(r"\[\["):
                active = self._element(self._key("]"))
                self._need(r"\]")
            elif self._take(r"\["):
                active = self._descend(self._root, self._key("]"))
                self._defined.add(active)
            else:
                self._entry(active)
            self._need(_LINE_ENDS)
            self._take(_BETWEEN)
        return self._root

    def _take(self, pattern: str) -> str:
        found = re.compile(pattern, re.DOTALL).match(self._text, self._position)
        if found is None:
            return ""
        self._position = found.end()
        return found[0]

    def _need(self, pattern: str) -> None:
        found = re.compile(pattern, re.DOTALL).match(self._text, self._position)
        if found is None:
            raise _RefusedError
        self._position = found.end()

    def _key(self, end: str) -> list[str]:
        """A key with its dots, and the sign after it."""
        parts = []
        while True:
            self._take(_BLANKS)
            bare = self._take(_BARE)
            parts.append(bare or read_string(self._take(STRING) or self._refuse()))
            self._take(_BLANKS)
            if not self._take(r"\."):
                self._need(re.escape(end))
                return parts

    def _refuse(self) -> str:
        raise _RefusedError

    def _descend(self, table: Table, key: list[str]) -> Table:
        """Go down to a table, and make what is missing (`recurse_dict!`)."""
        for number, part in enumerate(key, 1):
            table = _last(table.setdefault(part, {}))
            self._check_addable(table, whole=number == len(key))
        return table

    def _check_addable(self, table: object, *, whole: bool = True) -> None:
        if not isinstance(table, dict) or table in self._inline:
            raise _RefusedError
        if whole and table in self._defined:
            raise _RefusedError

    def _element(self, key: list[str]) -> Table:
        """Add the table of a header in double brackets (`parse_array_table`)."""
        table: Any = self._root
        for part in key[:-1]:
            table = _last(table.setdefault(part, {}))
            if not isinstance(table, dict):
                raise _RefusedError
        array = table.setdefault(key[-1], [])
        if not isinstance(array, list) or array in self._static:
            raise _RefusedError
        element: Table = {}
        array.append(element)
        self._defined.add(element)
        return element

    def _entry(self, table: Table) -> None:
        """Read a key with its value (`parse_entry`)."""
        key = self._key("=")
        if len(key) > 1:
            table = self._descend(table, key[:-1])
        if key[-1] in table:
            self._check_addable(table[key[-1]])
        self._take(_BLANKS)
        value = self._value()
        if isinstance(value, dict) and key[-1] in table:
            raise _RefusedError
        table[key[-1]] = value

    def _value(self) -> Any:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooDeepError
        value: Any
        if self._take(r"\["):
            value = self._array()
        elif self._take(r"\{"):
            value = self._inline_table()
        elif quoted := self._take(STRING):
            value = read_string(quoted)
        else:
            value = read_scalar(self._take(_DATE_TIME) or self._take(_OTHER))
        self._depth -= 1
        return value

    def _array(self) -> list[Any]:
        array: list[Any] = []
        self._take(_BETWEEN)
        while not self._take(r"\]"):
            array.append(self._value())
            self._take(_BETWEEN)
            comma = self._take(",")
            self._take(_BETWEEN)
            if not comma and self._text[self._position : self._position + 1] != "]":
                raise _RefusedError
        self._static.add(array)
        return array

    def _inline_table(self) -> Table:
        table: Table = {}
        self._inline.add(table)
        self._take(_BLANKS)
        if self._take(r"\}"):
            return table
        while True:
            self._entry(table)
            self._take(_BLANKS)
            if self._take(r"\}"):
                return table
            self._need(",")


def _last(value: Any) -> Any:
    """The last element of an array, where a key leads to one."""
    if isinstance(value, list):
        if not value:
            raise _RefusedError
        return value[-1]
    return value
