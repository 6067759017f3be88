"""Tables and lines that fit the terminal."""

from __future__ import annotations

import contextlib
import shutil
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.user import home_folder
from fetch_artifacts.terminal.columns import columns_of, folded, padded
from fetch_artifacts.terminal.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_NARROWEST = 8


def table_lines(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    *,
    numbers: int = 0,
) -> Iterator[str]:
    """Yield the rows of a table, its titles first.

    The widest columns are made narrower until all of them fit. Nothing is cut: a cell
    that is too wide goes on in further lines, so that a row can have several.

    Args:
        titles: The title of each column.
        rows: The cells of each row.
        width: The columns of the terminal; asked for unless given.
        numbers: How many of the first columns are aligned to the right.
    """
    width = width or terminal_width()
    lines = [list(titles), *([printable(cell, sys.stdout) for cell in r] for r in rows)]
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    room = width - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    for line in lines:
        columns = [folded(cell, size) for cell, size in zip(line, widths, strict=True)]
        yield "\n".join(
            "  ".join(
                padded(cell, size, right=number < numbers)
                for number, (cell, size) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in zip_longest(*columns, fillvalue="")
        )


def folded_note(note: str, width: int | None = None) -> Iterator[str]:
    """Yield the lines of an indented note, which fit the terminal.

    Args:
        note: The note, which may end with a path.
        width: The columns of the terminal; asked for unless given.
    """
    note = printable(note, sys.stdout)
    text = note.lstrip()
    indent = " " * (len(note) - len(text))
    for line in folded(text, (width or terminal_width()) - len(indent)):
        yield indent + line


def short_path(path: Path) -> str:
    """Write a path with ~ for the home folder."""
    with contextlib.suppress(SettingsError, ValueError):
        return f"~/{path.relative_to(home_folder())}"
    return str(path)


def terminal_width() -> int:
    """The columns of the terminal."""
    return shutil.get_terminal_size().columns
