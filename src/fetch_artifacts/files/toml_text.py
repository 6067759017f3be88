"""Reading TOML of any depth: what is nested too deeply is an error like any other."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST: Final = 200
"""How many levels of tables and arrays are read.

Each level takes some of Python's stack in whoever walks through them later.
"""


class TooDeepError(ValueError):
    """There are more levels of tables and arrays than `DEEPEST`."""

    def __init__(self) -> None:
        super().__init__(
            f"expected at most {DEEPEST} levels of tables and arrays, found more; "
            "take some of them out"
        )


@cache
def toml_loader() -> Callable[[str], dict[str, Any]]:
    """Give the loader of tomli, else that of the standard library.

    tomli's compiled part can't be loaded in a sub-interpreter, nor where a frozen
    program left it out. That is tried once: Python 3.12.1 crashes on the second try.
    Its errors are a ValueError, as are those of `tomllib`.

    Raises:
        ImportError: There is neither: Python 3.10 without tomli.
    """
    try:
        from tomli import loads
    except ImportError:
        from tomllib import loads  # type: ignore[import-not-found,no-redef,unused-ignore]
    return loads


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: It is not TOML, is nested deeper than `DEEPEST`, or has an integer
            of more digits than Python reads.
    """
    try:
        table = toml_loader()(text)
    except RecursionError as error:
        raise TooDeepError from error
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        limit = sys.get_int_max_str_digits()
        msg = (
            f"expected integers of at most {limit} digits, found a longer one; write "
            "it as a string, or set PYTHONINTMAXSTRDIGITS"
        )
        raise ValueError(msg) from error
    refuse_deeper(table)
    return table


def refuse_deeper(table: dict[str, Any]) -> None:
    """Refuse what is nested too deeply.

    Raises:
        TooDeepError: There are more levels than `DEEPEST`.
    """
    if _is_deeper(table, DEEPEST):
        raise TooDeepError


def _is_deeper(table: dict[str, Any], levels: int) -> bool:
    """Whether tables and arrays are nested in more than so many levels."""
    level: list[Any] = [table]
    for _ in range(levels):
        level = [
            value
            for holder in level
            for value in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(value, (dict, list))
        ]
        if not level:
            return False
    return True
