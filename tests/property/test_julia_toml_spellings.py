"""Edits in place cope with every way to spell a table, and touch no other line."""

from __future__ import annotations

from typing import Any, TypeAlias

import tomli
from hypothesis import given
from hypothesis import strategies as st

from fetch_artifacts.julia_toml.editing import update
from fetch_artifacts.julia_toml.writer import dump_key, dump_value, is_array_of_tables

Path: TypeAlias = "tuple[str, ...]"
Line: TypeAlias = "tuple[Path, str]"
Table: TypeAlias = "dict[str, Any]"

KEYS = st.sampled_from(["a", "b", "c-d", "e f", "", "é", '"', "g.h", "#", "1"])
SCALARS = st.sampled_from([1, True, 0.5, "", "x", "]", "# }", "a\nb", '"', "é"])


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Table]:
    return st.dictionaries(KEYS, values, min_size=2, max_size=4)


def with_tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(tables(values), max_size=2)
    return st.one_of(tables(values), SCALARS, few, tables(values))


LEAVES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.just({}))
TABLES = tables(with_tables(LEAVES))
VALUES = with_tables(LEAVES)


@st.composite
def spelt(draw: st.DrawFn, table: Table) -> list[Line]:
    """The lines of a document that says what a table says, each with its key."""
    number = iter(range(1, 1_000_000))

    def key(*path: str) -> str:
        def part(name: str) -> str:
            is_literal = "'" not in name and draw(st.booleans())
            return f"'{name}'" if is_literal else dump_key(name)

        return draw(st.sampled_from([".", " . "])).join(map(part, path))

    def line(path: Path, text: str) -> Line:
        margin = draw(st.sampled_from(["", "  ", "\t"]))
        comment = draw(st.sampled_from(["", "# above [x]\n", "\n"]))
        return path, f"{comment}{margin}{text}  # {next(number)}\n"

    def values(prefix: Path, path: Path, below: Table) -> list[Line]:
        lines = []
        for name, value in below.items():
            inner = (*prefix, name)
            if isinstance(value, dict) and value and draw(st.booleans()):
                lines += values(inner, path, value)
            else:
                text = f"{key(*inner)} = {dump_value(value)}"
                lines.append(line((*path, *inner), text))
        return draw(st.permutations(lines))

    def block(path: Path, below: Table, header: str) -> list[Line]:
        apart = {
            name
            for name, value in below.items()
            if (isinstance(value, dict) or is_array_of_tables(value))
            and draw(st.booleans())
        }
        plain = {name: v for name, v in below.items() if name not in apart}
        lines = values((), path, plain)
        if header and (lines or header == "[[]]" or not apart or draw(st.booleans())):
            opening, closing = header[: len(header) // 2], header[len(header) // 2 :]
            lines.insert(0, line(path, f"{opening}{key(*path)}{closing}"))
        for name in draw(st.permutations(sorted(apart))):
            inner = (*path, name)
            if isinstance(below[name], dict):
                lines += block(inner, below[name], "[]")
            else:
                for element in below[name]:
                    lines += block(inner, element, "[[]]")
        return lines

    return block((), table, "")


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A value that differs from another in some places, or in none."""
    if not isinstance(value, (dict, list)) or draw(st.integers(0, 5)) == 0:
        return draw(VALUES)
    if isinstance(value, list):
        items = [draw(changed(v)) if draw(st.booleans()) else v for v in value]
        items = items[draw(st.integers(0, 1)) :]
        return [*items, draw(tables(SCALARS))] if draw(st.booleans()) else items
    return draw(changed_tables(value))


@st.composite
def changed_tables(draw: st.DrawFn, table: Table) -> Table:
    new = {}
    for key, value in table.items():
        fate = draw(st.sampled_from(["stays", "changes", "changes", "goes"]))
        if fate != "goes":
            new[key] = value if fate == "stays" else draw(changed(value))
    return {**new, **draw(tables(LEAVES))} if draw(st.booleans()) else new


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[Line], Table, Table]:
    old = draw(st.fixed_dictionaries({"a": TABLES, "b": TABLES, "c-d": VALUES}))
    return draw(spelt(old)), old, draw(changed_tables(old))


def stays(path: Path, old: Any, new: Any) -> bool:
    """Whether the value at a path is in no array, and the same before and after."""
    for key in path:
        if not (isinstance(old, dict) and isinstance(new, dict) and key in new):
            return False
        old, new = old[key], new[key]
    return dump_value(old) == dump_value(new)


@given(edits(), st.sampled_from(["\n", "\r\n"]))
def test_lines_of_what_stays_stay_however_tables_are_spelt(
    edit: tuple[list[Line], Table, Table], newline: str
) -> None:
    lines, old, new = edit
    text = "".join(line for _, line in lines).replace("\n", newline)
    assert tomli.loads(text) == old
    edited = update(text, new)
    assert tomli.loads(edited) == new
    assert edited.count("\n") == edited.count(newline if text else "\n")
    kept = [line for path, line in lines if stays(path, old, new)]
    left = iter(edited.replace(newline, "\n").splitlines(keepends=True))
    assert [
        line for line in kept if line.splitlines(keepends=True)[-1] not in left
    ] == []
