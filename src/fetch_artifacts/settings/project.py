"""Which project's pyproject.toml counts: first the one of the Artifacts.toml in use."""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.files.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator

_folder: Final[ContextVar[str | None]] = ContextVar("_folder", default=None)


@contextlib.contextmanager
def project_of(toml: str | os.PathLike[str]) -> Iterator[None]:
    """Let `nearest_pyproject` look above a file first, within a ``with`` block.

    It holds for the current thread or task, and for the threads that it starts.

    Args:
        toml: The Artifacts.toml in use.
    """
    token = _folder.set(os.path.dirname(absolute(toml)))
    try:
        yield
    finally:
        _folder.reset(token)


def nearest_pyproject(folder: Path) -> Path | None:
    """Find the nearest pyproject.toml above the file of `project_of`, else a folder's.

    Args:
        folder: Where to look, and above, if there is none above that file.
    """
    chosen = _folder.get()
    found = pyproject_above(chosen) if chosen is not None else None
    return found or pyproject_above(folder)


def pyproject_above(folder: str | os.PathLike[str]) -> Path | None:
    """Find the nearest pyproject.toml in a folder or above it."""
    below, above = None, os.fspath(folder)
    while above != below:
        path = os.path.join(above, "pyproject.toml")
        if os.path.isfile(path):  # a folder that may not be looked into has none
            return Path(path)
        below, above = above, os.path.dirname(above)
    return None
