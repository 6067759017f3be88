"""Putting single values of an Artifacts.toml right, and nothing else in it."""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fetch_artifacts.artifacts_toml.binding import change_file
from fetch_artifacts.errors import ArtifactsTomlError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.choosing import Table

KeyPath: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A value of the file that can be put right.

    Attributes:
        keys: Where it is; elements of arrays are counted from 0.
        old: What is there, None where nothing is.
        new: What shall be there.
    """

    keys: KeyPath
    old: object
    new: str | int


def repair(path: Path, fixes: Iterable[Fix]) -> str:
    """Write the values that are right, and leave all other lines as they are.

    Returns:
        What changed, as a unified diff.

    Raises:
        ArtifactsTomlError: The file was changed meanwhile, or can't be edited.
        ArtifactsTomlNotFoundError: It is not there any more.
        OSError: The file can't be written.
    """

    def put_right(table: Table) -> Table:
        table = copy.deepcopy(table)
        for fix in fixes:
            _put(table, fix, path)
        return table

    done = change_file(path, put_right, keep_comments=True)
    lines = difflib.unified_diff(
        done.before.splitlines(keepends=True),
        done.after.splitlines(keepends=True),
        str(path),
        str(path),
    )
    return "".join(lines)


def _put(table: Table, fix: Fix, path: Path) -> None:
    *parents, last = fix.keys
    parent: Any = table
    try:
        for key in parents:
            parent = parent[key]
        found = parent.get(last)
    except (LookupError, AttributeError):
        found = None
    if found != fix.old:
        msg = f"expected {fix.old!r} as {last}, found {found!r}; was it just changed?"
        raise ArtifactsTomlError(msg, path=path)
    parent[last] = fix.new
