"""Reading TOML as Julia 1.12 does, on top of tomli."""

from __future__ import annotations

import os
from typing import Any

from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.julia_toml.julia_text import prepared, restored
from fetch_artifacts.julia_toml.scalars import Unsigned, as_julia, may_differ


def loads(data: bytes | str) -> dict[str, Any]:
    """Read TOML as Julia does.

    Bytes that are not UTF-8 are surrogates in the strings that hold them.

    Raises:
        ValueError: It is not TOML, is nested too deeply, or has something that Julia
            refuses: a byte order mark, what came with TOML 1.1, a date-time with an
            offset or of a year before 1000 (toml_parser.jl `parse_datetime`), quotes
            before the three that end a string.
    """
    text, stand_ins = prepared(data if isinstance(data, str) else decoded(data))
    try:
        table = parse_toml(text)
    except ValueError:
        from fetch_artifacts.julia_toml.tables import read_tables

        found = read_tables(text)
        if found is None:
            raise
        table = found
    else:
        if may_differ(text):
            _apply_spelling(table, text)
    return restored(table, stand_ins) if stand_ins else table


def tryparse(data: bytes | str) -> dict[str, Any] | ValueError:
    """Read TOML as `loads` does, but return an error instead of raising it.

    Julia: ``TOML.tryparse``, which returns a ``ParserError``.
    """
    try:
        return loads(data)
    except ValueError as error:
        return error


def parsefile(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file. Julia: ``TOML.parsefile``.

    Raises:
        ValueError: As `loads`; the message begins with the path.
        OSError: The file can't be read.
    """
    data = read_regular(path)
    try:
        return loads(data)
    except ValueError as error:
        msg = f"{os.fspath(path)}: {error}"
        raise ValueError(msg) from error


def decoded(data: bytes) -> str:
    """Decode the text of a file; `encoded` gives the same bytes again."""
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Encode a text for a file."""
    return text.encode("utf-8", "surrogateescape")


def _apply_spelling(table: dict[str, Any], text: str) -> None:
    """Replace the values that Julia reads differently because of their spelling.

    Raises:
        ValueError: Julia refuses one of them.
    """
    from fetch_artifacts.julia_toml.spans import statements

    for statement in statements(text, plain=False):
        for path, (start, end) in statement.values.items():
            parent: Any = table
            for key in path[:-1]:
                parent = parent[key]
            value = parent[path[-1]]
            if not isinstance(value, (dict, list, str)):
                parent[path[-1]] = as_julia(text[start:end], value)


# What help() prints, and what a pickle names, is where users import it from.
for _public in (Unsigned, loads, parsefile, tryparse):
    _public.__module__ = __name__.rpartition(".")[0]
