"""Reading TOML as Julia 1.12 does, on top of tomli."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.julia_toml.julia_text import prepared, restored

# What the values that tomli gives no longer show.
_BASED: Final = r"0[xob][0-9A-Fa-f_]+"
_OFFSET: Final = r"[0-9][0-9T:. t-]*[+-][0-9]{2}:[0-9]{2}"
# Where neither is found, the text holds none. Strings can have both, but a hash that
# begins with 0b follows a quote, and no value does.
_SPELT: Final = re.compile(
    r"0[xob](?<=[=,\[\s]..)[0-9A-Fa-f]|[0-9][+-][0-9]{2}:[0-9]{2}"
)

# The longest spelling that is unsigned to Julia (toml_parser.jl:926-929).
_LONGEST: Final = {"x": 34, "o": 45, "b": 130}


class Unsigned(int):
    """An integer that was spelt in base 16, 8 or 2, which Julia writes in base 16."""


def loads(data: bytes | str) -> dict[str, Any]:
    """Read TOML as Julia does.

    Bytes that are not UTF-8 are surrogates in the strings that hold them.

    Raises:
        ValueError: It is not TOML, is nested too deeply, or has something that Julia
            refuses: a byte order mark, what came with TOML 1.1, a date-time with an
            offset (toml_parser.jl `parse_datetime`), quotes before the three that end
            a string.
    """
    text, stand_ins = prepared(data if isinstance(data, str) else decoded(data))
    table = parse_toml(text)
    if _SPELT.search(text):
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
    """Refuse date-times with an offset, and mark integers that Julia holds unsigned."""
    from fetch_artifacts.julia_toml.spans import statements

    for statement in statements(text):
        for path, (start, end) in statement.values.items():
            spelt = text[start:end]
            if re.fullmatch(_OFFSET, spelt):
                msg = f"expected no offset, which Julia can't read, found {spelt}"
                raise ValueError(msg)
            if re.fullmatch(_BASED, spelt) and (
                len(spelt.replace("_", "")) <= _LONGEST[spelt[1]]
            ):
                parent: Any = table
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = Unsigned(spelt, 0)


# What help() prints, and what a pickle names, is where users import it from.
for _public in (Unsigned, loads, parsefile, tryparse):
    _public.__module__ = __name__.rpartition(".")[0]
