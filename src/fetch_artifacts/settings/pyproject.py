"""This package's table in a project's pyproject.toml."""

from __future__ import annotations

import contextlib
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.toml_text import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

TABLE: Final = "tool.fetch-artifacts"
KEYS: Final = frozenset(
    {"accept-recompressed", "artifacts-toml", "auth", "mirrors", "platform"}
)
"""The keys of the table; whoever reads another one adds it here."""


_first: Final[list[Path]] = []  # of first_above; the last counts


@contextlib.contextmanager
def first_above(folder: Path) -> Iterator[None]:
    """Let `nearest_pyproject` look above a folder first, within a ``with`` block.

    Args:
        folder: The folder of the Artifacts.toml in use.
    """
    _first.append(folder)
    try:
        yield
    finally:
        _first.pop()


def nearest_pyproject(folder: Path) -> Path | None:
    """Find the nearest pyproject.toml, in a folder or above it.

    Args:
        folder: Where to look, unless there is one above the folder of `first_above`.
    """
    for start in (*_first[-1:], folder):
        candidates = (parent / "pyproject.toml" for parent in (start, *start.parents))
        found = next((path for path in candidates if path.is_file()), None)
        if found is not None:
            return found
    return None


def artifacts_toml_of_project(folder: Path) -> Path | None:
    """Give the Artifacts.toml that the project around a folder names, if it does.

    Raises:
        SettingsError: The value is no path of a file.
        OSError: The pyproject.toml can't be read.
    """
    path = nearest_pyproject(folder)
    named = read_table(path).get("artifacts-toml") if path else None
    if path is None or named is None:
        return None
    if not isinstance(named, str) or not named.endswith(".toml"):
        msg = (
            f"{path}: expected the path of a .toml file as artifacts-toml of "
            f"[{TABLE}], found {named!r}"
        )
        raise SettingsError(msg)
    return path.parent / named


def read_table(path: Path) -> dict[str, Any]:
    """Read ``[tool.fetch-artifacts]``, empty where there is none.

    Raises:
        SettingsError: The file is not TOML, or the key is not a table.
        OSError: The file can't be read.
    """
    data = path.read_bytes()
    if b"fetch-artifacts" not in data:
        return {}  # the usual case: don't parse the file
    try:
        table = parse_toml(data.decode("utf-8")).get("tool", {})
    except ValueError as error:  # also UnicodeDecodeError and TOMLDecodeError
        msg = f"{path}: expected TOML, to read [{TABLE}] from it: {error}"
        raise SettingsError(msg) from error
    table = table.get("fetch-artifacts", {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        msg = f"{path}: expected a table [{TABLE}], found {type(table).__name__}"
        raise SettingsError(msg)
    for key in table.keys() - KEYS:
        _warn_of_key(path, key)
    return table


@cache  # once a process
def _warn_of_key(path: Path, key: str) -> None:
    from fetch_artifacts.spelling import misspelt

    meant = misspelt(key, tuple(sorted(KEYS)))
    _log.warning(
        "%s: [%s] knows no key %r, so it is ignored%s",
        path,
        TABLE,
        key,
        f"; did you mean {meant!r}?" if meant else "",
    )


def accepts_recompressed(folder: Path) -> bool:
    """Whether a project takes archives of a wrong sha256 that hold the right tree.

    Args:
        folder: Where to look for its pyproject.toml, and above.

    Raises:
        SettingsError: The file is not TOML, or says neither true nor false.
        OSError: The file can't be read.
    """
    path = nearest_pyproject(folder)
    value = read_table(path).get("accept-recompressed", False) if path else False
    if not isinstance(value, bool):
        msg = (
            f"{path}: {TABLE}.accept-recompressed: expected true or false, found "
            f"{value!r}"
        )
        raise SettingsError(msg)
    return value
