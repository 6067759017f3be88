"""Reading TOML as Julia 1.12 does, on top of tomli."""

from __future__ import annotations

import re
from typing import Any, Final

from fetch_artifacts.files.toml_text import parse_toml

# What the values that tomli gives no longer show.
_BASED: Final = re.compile(r"0[xob][0-9A-Fa-f_]+")
_OFFSET: Final = re.compile(r"[0-9][0-9T:. t-]*[+-][0-9]{2}:[0-9]{2}")
_SPELT: Final = re.compile(r"\b0[xob][0-9A-Fa-f]|[0-9][+-][0-9]{2}:[0-9]{2}")

# The longest spelling that is unsigned to Julia (toml_parser.jl:926-929).
_LONGEST: Final = {"x": 34, "o": 45, "b": 130}


class Unsigned(int):
    """An integer that was spelt in base 16, 8 or 2, which Julia writes in base 16."""


def loads(data: bytes | str) -> dict[str, Any]:
    """Read TOML as Julia does: a byte order mark is skipped, offsets are refused.

    Raises:
        ValueError: It is not UTF-8 or not TOML, is nested too deeply, or holds a
            date-time with an offset, at which Julia's reader gives up (toml_parser.jl
            `parse_datetime`).
    """
    text = data if isinstance(data, str) else data.decode("utf-8")
    text = text.removeprefix("\ufeff")
    table = parse_toml(text)
    if _SPELT.search(text):
        _apply_spelling(table, text)
    return table


def _apply_spelling(table: dict[str, Any], text: str) -> None:
    """Refuse date-times with an offset, and mark integers that Julia holds unsigned."""
    from fetch_artifacts.julia_toml.spans import statements

    for statement in statements(text):
        for path, (start, end) in statement.values.items():
            spelt = text[start:end]
            if _OFFSET.fullmatch(spelt):
                msg = f"expected no offset, which Julia can't read, found {spelt}"
                raise ValueError(msg)
            if _BASED.fullmatch(spelt) and (
                len(spelt.replace("_", "")) <= _LONGEST[spelt[1]]
            ):
                parent: Any = table
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = Unsigned(spelt, 0)
