"""A table that fits the terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from fetch_artifacts.terminal.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NARROWEST = 8


def table_lines(
    titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None
) -> Iterator[str]:
    """Yield the lines of a table, its titles first.

    The widest columns are cut until all of them fit.

    Args:
        titles: The title of each column.
        rows: The cells of each row.
        width: The columns of the terminal; asked for unless given.
    """
    width = width or shutil.get_terminal_size().columns
    lines = [list(titles), *([printable(cell, sys.stdout) for cell in r] for r in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = width - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    for line in lines:
        cells = (_fit(cell, size) for cell, size in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _fit(cell: str, width: int) -> str:
    return f"{cell if len(cell) <= width else cell[: width - 3] + '...':{width}}"
