"""Changes of an Artifacts.toml: one step for whoever reads it, and none gets lost.

A file that Julia could have written stays one: all of it is written, sorted, in Julia's
bytes. Of any other, one with comments say, only the lines concerned change.
"""

from __future__ import annotations

import copy
import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.artifacts_toml.file import not_there, parse_artifacts_toml
from fetch_artifacts.errors import ArtifactsTomlError, ArtifactsTomlNotFoundError
from fetch_artifacts.files.rewriting import locked_file
from fetch_artifacts.julia_toml.editing import update
from fetch_artifacts.julia_toml.writer import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetch_artifacts.artifacts_toml.file import TomlDict
    from fetch_artifacts.julia_toml.spans import KeyPath


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a file.

    Attributes:
        before: Its text before; "" where there was none.
        after: Its text now.
        binds_else: Whether it says anything else now.
    """

    before: str
    after: str
    binds_else: bool


def change_file(
    path: str | os.PathLike[str],
    change: Callable[[TomlDict], TomlDict | None],
    *,
    keep_comments: bool | None,
    create: bool = False,
) -> Change:
    """Make one change to an Artifacts.toml while nobody else makes one.

    Args:
        path: The file; where it is a link, the file that it leads to is written.
        change: Gives what the file shall say, from what it says and without changing
            that; None leaves the file alone.
        keep_comments: Whether all other lines are left as they are. None: in a file
            that Julia, or this package, did not write.
        create: Whether the file may be missing.

    Raises:
        ArtifactsTomlNotFoundError: It is missing and may not be, or its folder is.
        ArtifactsTomlError: It can't be read, or can't be edited in place.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        msg = f"{path}: expected its folder to exist, found none; make it first"
        raise ArtifactsTomlNotFoundError(msg, searched=[target.parent])
    if target.is_dir():
        raise not_there(path)
    with locked_file(target) as file:
        if file.content is None and not create:
            raise not_there(path)
        data = file.content or b""
        old = parse_artifacts_toml(data, path)
        before = data.decode()
        new = change(old)
        if new is None:
            return Change(before, before, binds_else=False)
        try:
            if keep_comments is None:
                keep_comments = before != dumps(old)
            after = update(before, new) if keep_comments else dumps(new)
        except (TypeError, ValueError) as error:
            raise ArtifactsTomlError(str(error), path=path) from error
        file.replace(after)
    return Change(before, after, binds_else=new != old)


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

    def put_right(table: TomlDict) -> TomlDict:
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


def _put(table: TomlDict, fix: Fix, path: Path) -> None:
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
