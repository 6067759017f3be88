"""Tables and lines that fit the terminal."""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.user import home_folder
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
    fold: bool = False,
) -> Iterator[str]:
    """Yield the lines of a table, its titles first.

    The widest columns are made narrower until all of them fit, and cells cut to that.

    Args:
        titles: The title of each column.
        rows: The cells of each row.
        width: The columns of the terminal; asked for unless given.
        numbers: How many of the first columns are aligned to the right.
        fold: Whether cells go on in further lines, below each other in one string, in
            place of being cut.
    """
    width = width or terminal_width()
    lines = [list(titles), *([printable(cell, sys.stdout) for cell in r] for r in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = width - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    fit = _folded if fold else _cut
    for line in lines:
        columns = [fit(cell, size) for cell, size in zip(line, widths, strict=True)]
        yield "\n".join(
            "  ".join(
                cell.rjust(size) if number < numbers else cell.ljust(size)
                for number, (cell, size) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in zip_longest(*columns, fillvalue="")
        )


def fitting_line(line: str, width: int | None = None) -> str:
    """Leave out the middle of a line that is wider than the terminal.

    Args:
        line: The line, which may end with a path.
        width: The columns of the terminal; asked for unless given.
    """
    width = width or terminal_width()
    line = printable(line, sys.stdout)
    if len(line) <= width:
        return line
    end = max(0, (width - 3) * 2 // 3)
    return line[: max(0, width - 3 - end)] + "..." + line[len(line) - end :]


def short_path(path: Path) -> str:
    """Write a path with ~ for the home folder."""
    with contextlib.suppress(SettingsError, ValueError):
        return f"~/{path.relative_to(home_folder())}"
    return str(path)


def terminal_width() -> int:
    """The columns of the terminal."""
    return shutil.get_terminal_size().columns


def _cut(cell: str, width: int) -> list[str]:
    return [cell if len(cell) <= width else cell[: width - 3] + "..."]


def _folded(cell: str, width: int) -> list[str]:
    return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
