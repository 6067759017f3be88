"""This package's table in a project's pyproject.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.remembered import Remembered
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.settings.project import nearest_pyproject, pyproject_above

TABLE: Final = "tool.fetch-artifacts"
_EXPECTED: Final[dict[str, tuple[type, str]]] = {
    "accept-recompressed": (bool, "true or false"),
    "artifacts-toml": (str, "the path of a .toml file"),
    "auth": (dict, "a table for each host"),
    "mirrors": (list, "an array of addresses"),
    "platform": (str, "a triplet"),
}
KEYS: Final = frozenset(_EXPECTED)
"""The keys of the table; whoever reads another one adds it with what it may be."""


def artifacts_toml_of_project(folder: Path) -> Path | None:
    """Give the Artifacts.toml that the project around a folder names, if it does.

    Raises:
        SettingsError: As `read_table`, or the value is not a path of a .toml file.
    """
    path = pyproject_above(folder)
    named: str | None = read_table(path).get("artifacts-toml") if path else None
    if path is None or named is None:
        return None
    if not named.endswith(".toml"):
        from fetch_artifacts.urls import redacted

        raise _wrong(path, "artifacts-toml", repr(redacted(named)))
    return path.parent / named


def project_table(folder: Path) -> tuple[str, dict[str, Any]]:
    """Give the nearest pyproject.toml and its table, for functions.

    What was read is remembered until the file changes.

    A file that can't be read is warned of, and has no table: it may be another
    project's, and what is installed must be found beside it all the same. Commands
    refuse it by `read_table`.

    Raises:
        SettingsError: The table has a value that can't be understood.
    """
    path = nearest_pyproject(folder)
    if path is None:
        return "", {}
    try:
        table = _TABLES.get(str(path))
    except (OSError, ValueError) as error:
        _warn_of_file(path, str(error))
        table = {}
    return str(path), _checked(path, table)


def read_table(path: Path) -> dict[str, Any]:
    """Read ``[tool.fetch-artifacts]``, empty where there is none.

    Raises:
        SettingsError: The file can't be read, is not TOML, or has a value in the
            table that can't be understood.
    """
    try:
        table = _TABLES.get(str(path))
    except OSError as error:
        msg = f"{path}: can't be read, for [{TABLE}] in it: {error.strerror}"
        raise SettingsError(msg) from error
    except ValueError as error:
        msg = f"{path}: expected TOML, to read [{TABLE}] from it: {error}"
        raise SettingsError(msg) from error
    return _checked(path, table)


def _load(path: str) -> object:
    """What a file has in the place of the table; it must not be changed.

    Raises:
        OSError: It can't be read.
        ValueError: It is not TOML.
    """
    data = Path(path).read_bytes()
    if b"fetch-artifacts" not in data:
        return {}  # the usual case: don't parse the file
    tool = parse_toml(data.decode("utf-8")).get("tool", {})
    return tool.get("fetch-artifacts", {}) if isinstance(tool, dict) else tool


_TABLES: Final = Remembered(_load)


def _checked(path: Path, table: object) -> dict[str, Any]:
    if not isinstance(table, dict):
        msg = f"{path}: expected a table [{TABLE}], found {type(table).__name__}"
        raise SettingsError(msg)
    for key, value in table.items():
        if key not in KEYS:
            _warn_of_key(path, key)
        elif not isinstance(value, _EXPECTED[key][0]):
            # What stands for credentials may be one.
            found = type(value).__name__ if key == "auth" else repr(value)
            raise _wrong(path, key, found)
    return table


def _wrong(path: Path, key: str, found: str) -> SettingsError:
    msg = f"{path}: {TABLE}.{key}: expected {_EXPECTED[key][1]}, found {found}"
    return SettingsError(msg)


def _warn(message: str, *details: object) -> None:
    import logging

    logging.getLogger(__name__).warning(message, *details)


@cache  # once a process
def _warn_of_file(path: Path, fault: str) -> None:
    _warn("%s: can't be read, so [%s] in it is ignored: %s", path, TABLE, fault)


@cache  # once a process
def _warn_of_key(path: Path, key: str) -> None:
    from fetch_artifacts.spelling import misspelt

    meant = misspelt(key, tuple(sorted(KEYS)))
    _warn(
        "%s: unknown key %r in [%s] is ignored%s",
        path,
        key,
        TABLE,
        f"; did you mean {meant!r}?" if meant else "",
    )


def accepts_recompressed(folder: Path) -> bool:
    """Whether a project takes archives of a wrong sha256 that hold the right tree.

    Args:
        folder: Where to look for its pyproject.toml, and above.

    Raises:
        SettingsError: It says neither true nor false.
    """
    _, table = project_table(folder)
    accepts: bool = table.get("accept-recompressed", False)
    return accepts
