"""Artifacts.toml files that another machine has sent here.

A task of a cluster asks for artifacts by a file of the machine that it comes from.
Where that machine has sent the file's text along, the copy here answers in its place.
"""

from __future__ import annotations

import os
from typing import Final

_shipped: Final[list[tuple[str, str]]] = []  # the path there, and here; the last counts


def ship(there: str, here: str) -> None:
    """Let a file of this machine answer for one of another from now on.

    Args:
        there: The absolute path on the other machine.
        here: The absolute path of the copy.
    """
    _shipped.append((there, here))


def unship(there: str, here: str) -> None:
    """Take back one `ship` of these two."""
    _shipped.remove((there, here))


def in_place_of(path: str) -> str:
    """Give the copy of the file at a path, or in that folder; else the path itself."""
    for there, here in reversed(_shipped):
        if path in {there, os.path.dirname(there)}:
            return here
    return path


def shipped_above(folder: str) -> str | None:
    """Give the copy of the file nearest to a folder of that machine, or above it.

    Where none is above the folder, the last that was sent; None if none was.
    """
    if not _shipped:
        return None
    above = [
        (there, here)
        for there, here in _shipped
        if f"{folder}{os.sep}".startswith(os.path.join(os.path.dirname(there), ""))
    ]
    return max(above, key=_depth)[1] if above else _shipped[-1][1]


def _depth(pair: tuple[str, str]) -> int:
    return len(os.path.dirname(pair[0]))
