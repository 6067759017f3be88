"""Changing an Artifacts.toml.

A change is made under a lock and in one step, so that no change is lost and no reader
sees half of one. A file that Julia could have written is rewritten in Julia's bytes; in
any other file, such as one with comments, only the lines concerned change.
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
from fetch_artifacts.files.folder import outlast_stale
from fetch_artifacts.files.rewriting import rewrite
from fetch_artifacts.julia_toml.editing import update
from fetch_artifacts.julia_toml.reader import decoded, encoded
from fetch_artifacts.julia_toml.writer import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetch_artifacts.artifacts_toml.file import TomlDict
    from fetch_artifacts.julia_toml.spans import KeyPath


@dataclass(frozen=True, slots=True)
class Change:
    """The text of a file before and after a change.

    Attributes:
        before: Its text before; "" where there was none.
        after: Its text now.
        changes_meaning: Whether the tables differ, and not only their spelling.
    """

    before: str
    after: str
    changes_meaning: bool


def change_file(
    path: str | os.PathLike[str],
    change: Callable[[TomlDict], TomlDict | None],
    *,
    keep_comments: bool | None,
    create: bool = False,
    dry_run: bool = False,
) -> Change:
    """Make one change to an Artifacts.toml under its lock.

    Args:
        path: The file; where it is a link, the file that it leads to is written.
        change: Returns the new table for the old one, which it must not modify, or
            None to leave the file alone.
        keep_comments: Whether all other lines stay as they are. None: in a file that
            neither Julia nor this package wrote.
        create: Whether the file may be missing.
        dry_run: Whether nothing is written.

    Raises:
        ArtifactsTomlNotFoundError: It is missing and may not be, or its folder is.
        ArtifactsTomlError: It can't be read, or can't be edited in place.
    """
    path = Path(path)
    target = outlast_stale(lambda: _target(path))
    done: list[Change] = []

    def edit(content: bytes | None) -> bytes | None:
        if content is None and not create:
            raise not_there(path)
        old = parse_artifacts_toml(content or b"", path)
        before = decoded(content or b"")
        new = change(old)
        if new is None:
            done.append(Change(before, before, changes_meaning=False))
            return None
        try:
            keep = before != _dumped(old) if keep_comments is None else keep_comments
            after = update(before, new) if keep else _dumped(new)
        except (TypeError, ValueError) as error:
            raise ArtifactsTomlError(str(error), path=path) from error
        done.append(Change(before, after, changes_meaning=new != old))
        return None if dry_run else encoded(after)

    rewrite(target, edit)
    return done[-1]


def _dumped(table: TomlDict) -> str:
    """Julia's text of a table, with bytes that are not UTF-8 in it as they are."""
    return dumps(table, errors="surrogateescape")


def _target(path: Path) -> Path:
    """The file that a path leads to; whether there is one is not looked at.

    Raises:
        ArtifactsTomlNotFoundError: Its folder is missing, or it is a folder.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        msg = f"{path}: expected its folder to exist, found none; make it first"
        raise ArtifactsTomlNotFoundError(msg, searched=[target.parent])
    if target.is_dir():
        raise not_there(path)
    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A value of the file that can be corrected.

    Attributes:
        keys: Where it is; elements of arrays are counted from 0.
        old: The present value, None where there is none.
        new: The correct value.
    """

    keys: KeyPath
    old: object
    new: str | int


def repair(path: Path, fixes: Iterable[Fix], *, dry_run: bool = False) -> str:
    """Write the correct values, and leave all other lines unchanged.

    Args:
        path: The file.
        fixes: What to change.
        dry_run: Whether to find out what would change, and write nothing.

    Returns:
        What changed, as a unified diff.

    Raises:
        ArtifactsTomlError: The file has changed since, or can't be edited.
        ArtifactsTomlNotFoundError: The file is gone.
        OSError: The file can't be written.
    """

    def correct(table: TomlDict) -> TomlDict:
        table = copy.deepcopy(table)
        for fix in fixes:
            _put(table, fix, path)
        return table

    done = change_file(path, correct, keep_comments=True, dry_run=dry_run)
    lines = difflib.unified_diff(
        done.before.splitlines(keepends=True),
        done.after.splitlines(keepends=True),
        str(path),
        str(path),
    )
    # Bytes in a comment that are not UTF-8 must not keep the diff from being printed.
    return "".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")


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
