"""Mirrors: places that are asked for an archive before the internet is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.pyproject import TABLE, project_table
from fetch_artifacts.urls import FSSPEC_SCHEMES, redacted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLE: Final = "FETCH_ARTIFACTS_MIRRORS"

_WRITABLE: Final = frozenset({"file", *FSSPEC_SCHEMES})
_SCHEMES: Final = frozenset({"http", "https", *_WRITABLE})


def mirrors_of(environ: Mapping[str, str], folder: Path) -> tuple[str, ...]:
    """Give the addresses that hold archives as ``artifact/<hash>``, best first.

    Args:
        environ: Its FETCH_ARTIFACTS_MIRRORS counts where it is set; addresses are
            separated by spaces, and "" stands for none.
        folder: Where to look for a pyproject.toml, and above, otherwise.

    Raises:
        SettingsError: An address is invalid, or the pyproject.toml can't be understood.
    """
    value: list[object]
    if VARIABLE in environ:
        where, value = VARIABLE, [*environ[VARIABLE].split()]
    else:
        path, table = project_table(folder)
        where, value = f"{path}: {TABLE}.mirrors", table.get("mirrors", [])
    for each in value:
        scheme, is_url, rest = str(each).partition("://")
        if scheme not in _SCHEMES or not is_url or not rest.strip("/"):
            msg = (
                f"{where}: expected an address such as https://host/folder or "
                f"s3://bucket/folder, found {redacted(str(each))!r}"
            )
            raise SettingsError(msg)
    return tuple(str(each).rstrip("/") for each in value)


def is_writable(mirror: str) -> bool:
    """Whether archives can be put there; a web server takes none."""
    return mirror.partition("://")[0] in _WRITABLE
