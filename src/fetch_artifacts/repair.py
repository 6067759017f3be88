"""Putting single values of an Artifacts.toml right, and nothing else in it."""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts import toml_edit
from fetch_artifacts._fs import write_atomically
from fetch_artifacts._pidlock import pid_lock
from fetch_artifacts.artifacts_toml import parse_artifacts_toml
from fetch_artifacts.errors import ArtifactsTomlError

if TYPE_CHECKING:
    from collections.abc import Iterable

KeyPath: TypeAlias = "tuple[str | int, ...]"

_LOCK_STALE_AGE: Final = 10.0  # seconds, as for other changes of the file


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
        OSError: The file can't be written.
    """
    target = path.resolve()
    with pid_lock(Path(f"{target}.pid"), stale_age=_LOCK_STALE_AGE):
        data = target.read_bytes()
        table = copy.deepcopy(parse_artifacts_toml(data, path))
        for fix in fixes:
            _put(table, fix, path)
        text = data.decode("utf-8")
        try:
            new = toml_edit.update(text, table)
        except ValueError as error:
            raise ArtifactsTomlError(str(error), path=path) from error
        write_atomically(target, new)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True),
        new.splitlines(keepends=True),
        str(path),
        str(path),
    )
    return "".join(lines)


def _put(table: dict[str, Any], fix: Fix, path: Path) -> None:
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
