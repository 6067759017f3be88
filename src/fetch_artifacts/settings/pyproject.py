"""This package's table in a project's pyproject.toml."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.spelling import misspelt

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

TABLE: Final = "tool.fetch-artifacts"
KEYS: Final = frozenset({"accept-recompressed", "auth", "mirrors", "platform"})
"""The keys of the table; whoever reads another one adds it here."""


def nearest_pyproject(folder: Path) -> Path | None:
    """Find the nearest pyproject.toml, in a folder or above it."""
    candidates = (parent / "pyproject.toml" for parent in (folder, *folder.parents))
    return next((path for path in candidates if path.is_file()), None)


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
