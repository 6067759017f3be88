"""Editing a hand-written TOML text in place, without changing other lines.

tomlkit, which keeps comments too, removes those around a table with it, and moves the
elements of an array together where they stand apart; and new lines have to be in
Julia's bytes. So this module finds the places, and `julia_toml` writes what is new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final

from fetch_artifacts.julia_toml.reader import loads
from fetch_artifacts.julia_toml.spans import KeyPath, Span, Statement, statements
from fetch_artifacts.julia_toml.writer import (
    Table,
    dump_below,
    dump_key,
    dump_value,
    is_array_of_tables,
    is_tabular,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLANK_LINES: Final = re.compile(r"\A(?:[ \t\r]*\n)+")
_AFTER_A_BLANK_LINE: Final = re.compile(r"(?:\A|\n)[ \t\r]*\n\Z|\A\Z")
_UNEDITABLE: Final = (
    "it is written in a way that can't be edited in place; keep_comments=False "
    "rewrites the file"
)


def update(text: str, table: Table) -> str:
    """Change a text as little as possible, so that it holds ``table``.

    What is new is written as Julia writes it. With what is removed go the comments
    between its own lines, and no others.

    Raises:
        ValueError: The text is not TOML, or written in a way that can't be edited.
    """
    old = loads(text)
    document = _Document(text)
    _apply(document, (), old, table)
    _check(document.text, old, table)
    return document.text


def _check(text: str, old: Table, table: Table) -> None:
    try:
        found: Table = loads(text)
    except ValueError:  # pragma: no cover - no spelling is known that leads here
        found = old  # so that the error names a key that was to change
    for key in {**table, **found}:
        if key in table and key in found and _same(found[key], table[key]):
            continue
        msg = f"{dump_key(key)}: {_UNEDITABLE}"  # pragma: no cover - as above
        raise ValueError(msg)  # pragma: no cover


def _same(a: object, b: object) -> bool:
    return dump_value(a) == dump_value(b)  # true for nan, and tells 1 from 1.0


def _apply(document: _Document, path: KeyPath, old: object, new: object) -> None:
    """Make a value that is ``old`` say ``new``."""
    if _same(old, new):
        return
    inline = document.has_in_line(path)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if inline:
            _apply_inline_table(document, path, old, new)
        else:
            _apply_table(document, path, old, new)
    elif inline and isinstance(old, list) and isinstance(new, list) and old:
        _apply_array(document, path, old, new)
    elif inline and (not is_array_of_tables(new) or document.allows_no_header(path)):
        document.replace(path, new)
    elif is_array_of_tables(old) and is_array_of_tables(new):
        _apply_elements(document, path, old, new)
    else:
        document.remove(path)
        document.add(path, new)


def _apply_table(document: _Document, path: KeyPath, old: Table, new: Table) -> None:
    for key, value in new.items():
        if key in old:
            _apply(document, (*path, key), old[key], value)
        else:
            document.add((*path, key), value)
    # Last, as the lines of a table without a header tell where to add one.
    for key in [key for key in old if key not in new]:
        document.remove((*path, key))
    if path and not new and not document.has(path):
        document.add(path, new)


def _apply_inline_table(
    document: _Document, path: KeyPath, old: Table, new: Table
) -> None:
    """Change a table that is written between braces."""
    changed = [key for key in old if key not in new or not _same(old[key], new[key])]
    if (
        not old
        or not old.keys() <= new.keys()
        or not all(document.has_in_line((*path, key)) for key in changed)
    ):
        document.replace(path, new)
        return
    for key in changed:
        _apply(document, (*path, key), old[key], new[key])
    for key in [key for key in new if key not in old]:
        document.add_item(path, f"{dump_key(key)} = {dump_value(new[key])}")


def _apply_array(
    document: _Document, path: KeyPath, old: list[object], new: list[object]
) -> None:
    """Change an array that is written between brackets."""
    if len(new) < len(old):
        document.replace(path, new)
        return
    for number, (before, after) in enumerate(zip(old, new, strict=False)):
        _apply(document, (*path, number), before, after)
    for value in new[len(old) :]:
        document.add_item(path, dump_value(value))


def _apply_elements(
    document: _Document, path: KeyPath, old: Sequence[Table], new: Sequence[Table]
) -> None:
    """Change an array whose elements have headers."""
    kept = 0
    gone = []
    for number, element in enumerate(old):
        if kept < len(new) and _same(element, new[kept]):
            kept += 1
        else:
            gone.append(number)
    pairs = enumerate(zip(old, new, strict=False))
    changed = [number for number, pair in pairs if not _same(*pair)]
    if len(old) <= len(new) and len(changed) <= len(gone):
        for number in changed:
            _apply(document, (*path, number), old[number], new[number])
        kept = len(old)
    elif not kept:
        document.remove(path)
        document.add(path, new)
        return
    else:
        for number in reversed(gone):
            document.remove((*path, number))
    if new[kept:]:
        document.add_elements(path, new[kept:])


class _Document:
    """A text and the places in it.

    Changes that move no other place are deferred and made together, as finding the
    places again means reading the whole text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._put_off: list[tuple[Span, str]] = []
        self._newline = "\r\n" if "\r\n" in text else "\n"

    @property
    def text(self) -> str:
        """The text with all changes."""
        self._settle()
        return self._text

    @cached_property
    def _statements(self) -> list[Statement]:
        return list(statements(self._text))

    @cached_property
    def _values(self) -> dict[KeyPath, Span]:
        found: dict[KeyPath, Span] = {}
        for statement in reversed(self._statements):  # of the same, the first counts
            found.update(statement.values)
        return found

    def has_in_line(self, path: KeyPath) -> bool:
        """Whether a value stands after a key or in brackets, without a header."""
        return path in self._values

    def has(self, path: KeyPath) -> bool:
        """Whether anything of a table is left."""
        return not path or bool(self._inside(path))

    def allows_no_header(self, path: KeyPath) -> bool:
        """Whether a value stands in another, or in a table that has no header."""
        above = (path[:depth] for depth in range(1, len(path)))
        return any(map(self.has_in_line, above)) or bool(self._dotted(path[:-1]))

    def replace(self, path: KeyPath, value: object) -> None:
        """Write another value where one stands."""
        self._put_off.append((self._values[path], dump_value(value)))

    def add_item(self, path: KeyPath, item: str) -> None:
        """Add an item to brackets or braces, after the last."""
        self._settle()
        values = next(s.values for s in self._statements if path in s.values)
        depth = len(path)
        end = max(
            end
            for inner, (_, end) in values.items()
            if len(inner) > depth and inner[:depth] == path
        )
        self._splice(end, end, f", {item}")

    def add_elements(self, path: KeyPath, elements: Sequence[Table]) -> None:
        """Add elements to an array with headers, set off like its last."""
        self._settle()
        *parents, key = _names(path)
        inside = self._inside(path)
        depth = len(path) + 1
        _, *others = [n for n, s in enumerate(inside) if s.opens(depth)]
        apart = False
        if others:
            gap = self._text[inside[others[-1] - 1].end : inside[others[-1]].start]
            apart = any(not line.strip() for line in gap.splitlines())
        blocks = (dump_below({key: [e]}, tuple(parents)) for e in elements)
        self._insert(inside[-1].end, "".join("\n" * apart + block for block in blocks))

    def add(self, path: KeyPath, value: object) -> None:
        """Write a key that its table does not have yet."""
        *parents, key = path
        while not self.has(tuple(parents)):
            value = {key: value}
            key = parents.pop()
        self._add(tuple(parents), str(key), value)

    def _add(self, parents: KeyPath, key: str, value: object) -> None:
        opened = not parents or self._is_opened(parents)
        if opened and not is_tabular(value) and not self._dotted(parents):
            self._add_line(parents, key, value)
            return
        self._settle()
        dotted = self._dotted(parents)
        if dotted:
            prefix, end = dotted
            self._insert(end, f"{prefix}.{dump_key(key)} = {dump_value(value)}\n")
        elif is_tabular(value):
            self._add_block(parents, dump_below({key: value}, _names(parents)))
        else:
            *above, name = _names(parents)
            self._add_block(parents, dump_below({name: {key: value}}, tuple(above)))

    def _add_line(self, parents: KeyPath, key: str, value: object) -> None:
        """Add a line to a table with a header, after its last."""
        block = dump_below({key: value}, _names(parents))
        end = self._end_of_values(parents)
        if end and self._text[end - 1] == "\n":
            self._put_off.append(((end, end), block.replace("\n", self._newline)))
            return
        self._settle()
        end = self._end_of_values(parents)
        self._insert(end, block + "\n" * (not end and bool(self._text)))

    def _add_block(self, path: KeyPath, block: str) -> None:
        """Insert headers with what is below them, after the end of a table."""
        end = self._inside(path)[-1].end if path else len(self._text)
        self._insert(end, "\n" * (not self._is_apart(end)) + block.lstrip("\n"))

    def remove(self, path: KeyPath) -> None:
        """Remove the lines of a value, at however many places they are."""
        self._settle()
        groups = groupby(self._statements, key=lambda s: s.path[: len(path)] == path)
        for run in reversed([list(group) for inside, group in groups if inside]):
            self._cut(run[0].start, run[-1].end, block=run[0].is_header)

    def _inside(self, path: KeyPath) -> list[Statement]:
        return [s for s in self._statements if s.path[: len(path)] == path]

    def _is_opened(self, path: KeyPath) -> bool:
        return any(s.is_header and s.path == path for s in self._statements)

    def _dotted(self, path: KeyPath) -> tuple[str, int] | None:
        """How the dotted keys begin that make a table, and where the last one ends.

        None for a table that has a header of its own, or is below one only.
        """
        for statement in reversed(self._inside(path)):
            header = len(statement.path) - len(statement.key_ends)
            if len(path) > header:
                prefix_end = statement.key_ends[len(path) - header - 1]
                return self._text[statement.start : prefix_end], statement.end
        return None

    def _end_of_values(self, path: KeyPath) -> int:
        """Where the plain values of a table end."""
        opened, end = not path, 0
        for statement in self._statements:
            if statement.is_header:
                if opened:
                    break
                opened = statement.path == path
            if opened:
                end = statement.end
        return end

    def _is_apart(self, position: int) -> bool:
        return bool(_AFTER_A_BLANK_LINE.search(self._text[:position]))

    def _cut(self, start: int, end: int, *, block: bool) -> None:
        before, after = self._text[:start], self._text[end:]
        if block and not after:
            before = _without_blank_lines(before)
        elif block and self._is_apart(start):
            after = _BLANK_LINES.sub("", after, count=1)
        self._set(before + after)

    def _insert(self, position: int, block: str) -> None:
        """Insert whole lines."""
        if position and self._text[position - 1] != "\n":
            block = "\n" + block
        self._splice(position, position, block.replace("\n", self._newline))

    def _splice(self, start: int, end: int, new: str) -> None:
        self._set(self._text[:start] + new + self._text[end:])

    def _settle(self) -> None:
        """Make the deferred changes; the places then have to be found again."""
        if not self._put_off:
            return
        pieces, position = [], 0
        for (start, end), new in sorted(self._put_off, key=lambda change: change[0]):
            pieces += [self._text[position:start], new]
            position = end
        self._put_off.clear()
        self._set("".join(pieces) + self._text[position:])

    def _set(self, text: str) -> None:
        self._text = text
        for places in ("_statements", "_values"):
            self.__dict__.pop(places, None)


def _without_blank_lines(text: str) -> str:
    """Remove the blank lines at the end."""
    filled = len(text.rstrip(" \t\r\n"))
    return text[: text.find("\n", filled) + 1] if filled else ""


def _names(path: KeyPath) -> tuple[str, ...]:
    """The keys of a path, as a header names them."""
    return tuple(key for key in path if isinstance(key, str))
