"""Changing and listing the lines of an Overrides.toml.

A change rewrites the file in Julia's bytes, in one step and under a lock; comments are
lost. `overrides` follows the overrides.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.depot.overrides import (
    OVERRIDES_TOML,
    parse_overrides_toml,
    parse_target,
    parse_uuid,
    place_of,
    read_overrides_toml,
    stated_keys,
)
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import HashParseError, OverrideError
from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.rewriting import rewrite
from fetch_artifacts.julia_toml.reader import decoded, encoded
from fetch_artifacts.julia_toml.writer import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import TreeLocation


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOverride:
    """One line of an Overrides.toml, whether or not it takes effect.

    Attributes:
        path: The file.
        package: The UUID of the package whose name is overridden, None for a hash.
        key: The name, or the tree hash.
        value: Where it is sent: an absolute path, a tree hash, or "", which cancels
            an override of a later depot.
    """

    path: Path
    package: str | None
    key: str
    value: str


def set_override(
    artifacts_dir: str | os.PathLike[str],
    key: str,
    value: str | os.PathLike[str] | TreeHash,
    *,
    uuid: UUID | str | None = None,
) -> None:
    """Send a tree, or a package's artifact, elsewhere.

    Args:
        artifacts_dir: The ``artifacts`` folder of a depot; made if missing.
        key: A tree hash; with ``uuid``, a name that the package binds.
        value: An absolute path, a tree hash, or "" to cancel the override of a later
            depot.
        uuid: The package's UUID.

    Raises:
        OverrideError: The key or the value is not valid, or the file can't be read.
        OSError: The file can't be written.
    """
    target = str(value) if isinstance(value, TreeHash) else os.fspath(value)
    try:
        parse_target(target)
    except OverrideError as error:
        msg = f"override of {key}: {error}"
        raise OverrideError(msg) from None

    def change(names: dict[str, Any], key: str) -> bool:
        names[key] = target
        return True

    make_folders(Path(artifacts_dir))
    _change(Path(artifacts_dir, OVERRIDES_TOML), key, uuid, change)


def remove_override(
    artifacts_dir: str | os.PathLike[str],
    key: str,
    *,
    uuid: UUID | str | None = None,
) -> bool:
    """Remove one depot's override of a tree or of a package's artifact.

    Args:
        artifacts_dir: The ``artifacts`` folder of the depot.
        key: A tree hash; with ``uuid``, a name that the package binds.
        uuid: The package's UUID.

    Returns:
        Whether there was one. Of a file that is not TOML, the lines that state it are
        removed, and all others left as they are.

    Raises:
        OverrideError: The key is not valid, or the file can't be read.
        OSError: The file can't be written.
    """
    path = Path(artifacts_dir, OVERRIDES_TOML)
    if not path.is_file():
        return False
    try:
        return _change(
            path, key, uuid, lambda names, key: names.pop(key, None) is not None
        )
    except OverrideError:
        if not _remove_lines(path, key, uuid):
            raise
        return True


def list_overrides(
    artifacts_dirs: Iterable[str | os.PathLike[str]],
) -> tuple[StatedOverride, ...]:
    """List the overrides of all ``artifacts`` folders as they are written.

    Raises:
        OverrideError: A file is not TOML.
    """
    paths = [Path(folder, OVERRIDES_TOML) for folder in artifacts_dirs]
    return tuple(
        StatedOverride(path=path, package=package, key=key, value=str(value))
        for path in paths
        for package, table in _by_package(read_overrides_toml(path))
        for key, value in table.items()
    )


def find_override(
    tree_hash: TreeHash,
    artifacts_dirs: Iterable[str | os.PathLike[str]],
    *,
    package: str | None = None,
    name: str | None = None,
) -> StatedOverride | None:
    """Find the line that sends a tree elsewhere, None if none does.

    Args:
        tree_hash: The tree.
        artifacts_dirs: The ``artifacts`` folders, in their order.
        package: The UUID of the package that binds it.
        name: The name that the package binds it to.

    Raises:
        OverrideError: A file is not TOML.
    """
    stated = overrides_in_effect(artifacts_dirs)
    of_name = stated.get((package.lower(), name)) if package and name else None
    return of_name or stated.get((None, str(tree_hash)))


def explain_override_to(path: Path, tree_hash: TreeHash | None) -> tuple[str, str]:
    """Say what sends a tree, or any package's artifact, to a folder.

    Args:
        path: The folder.
        tree_hash: The tree, whose own line comes first; None where it is not known.

    Returns:
        The file with the number of the line, and the command that takes it back.

    Raises:
        OverrideError: A file is not TOML.
    """
    folders = DepotStack.present().folders
    stated = overrides_in_effect(folders)
    own = stated.get((None, str(tree_hash)))
    ends = {str(path), path.name}  # a line may lead there by another tree's hash
    leading = (
        each for each in stated.values() if ends & {each.value, each.value.lower()}
    )
    found = own or next(leading, None)
    if found is None:
        return OVERRIDES_TOML, "fetch-artifacts override --list"
    return explain_override(found, folders[0])


def missing_override(entry: ArtifactEntry, location: TreeLocation) -> OverrideError:
    """The error for an entry that is overridden to a folder that is not there."""
    where, back = explain_override_to(location.path, entry.tree_hash)
    msg = (
        f"{entry.name}: {entry.git_tree_sha1} is overridden to {location.path} by "
        f"{where}, and there is no folder; make it, or take the override back: "
        f"`{back}`"
    )
    return OverrideError(msg)


def overrides_in_effect(
    artifacts_dirs: Iterable[str | os.PathLike[str]],
) -> dict[tuple[str | None, str], StatedOverride]:
    """Give the lines that count, by package and key; hashes have no package.

    Raises:
        OverrideError: A file is not TOML.
    """
    first: dict[tuple[str | None, str], StatedOverride] = {}
    for each in list_overrides(artifacts_dirs):
        if each.package is None:
            first.setdefault((None, each.key.lower()), each)
        else:
            first.setdefault((each.package.lower(), each.key), each)
    return {key: each for key, each in first.items() if _is_target(each.value)}


def _is_target(value: str) -> bool:
    """Whether a value sends a tree elsewhere; Julia ignores what is no target."""
    with contextlib.suppress(OverrideError):
        return parse_target(value) is not None
    return False


def explain_override(
    stated: StatedOverride, first: str | os.PathLike[str]
) -> tuple[str, str]:
    """Say where an override is written, and the command that takes it back.

    Args:
        stated: The override.
        first: The ``artifacts`` folder of the first depot, which commands write to.

    Returns:
        The file with the number of the line, and the command.
    """
    package = f" --uuid {stated.package}" if stated.package else ""
    back = f"fetch-artifacts override --remove {stated.key}{package}"
    if stated.path.parent != Path(first):
        back = f"fetch-artifacts override {stated.key} ''{package}"
    keys = (stated.package, stated.key) if stated.package else (stated.key,)
    return place_of(stated.path, *keys), back


def _by_package(table: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    hashes = {key: value for key, value in table.items() if not isinstance(value, dict)}
    names = ((key, value) for key, value in table.items() if isinstance(value, dict))
    return [(None, hashes), *names]


def _change(
    path: Path,
    key: str,
    uuid: UUID | str | None,
    change: Callable[[dict[str, Any], str], bool],
) -> bool:
    """Make one change under the lock, and return whether anything changed."""
    key = _tree_hash(key) if uuid is None else key
    package = None if uuid is None else parse_uuid(str(uuid))

    def edit(content: bytes | None) -> bytes | None:
        table = _lowered(parse_overrides_toml(content or b"", path))
        names = table if package is None else table.setdefault(package, {})
        if not isinstance(names, dict):
            msg = f"{path}: {package}: expected a table of names, found {names!r}"
            raise OverrideError(f"{msg}; correct the file first")
        if not change(names, key):
            return None
        if package and not names:
            del table[package]
        return encoded(dumps(table, errors="surrogateescape"))

    return rewrite(path, edit, shared=True)


def _remove_lines(path: Path, key: str, uuid: UUID | str | None) -> bool:
    wanted = (key if uuid else _tree_hash(key), str(uuid).lower() if uuid else None)

    def is_wanted(key: str, package: str | None) -> bool:
        found = (key, package.lower()) if package else (key.lower(), None)
        return found == wanted

    def edit(content: bytes | None) -> bytes | None:
        text = decoded(content or b"")
        drop = {number for number, found in stated_keys(text) if is_wanted(*found)}
        lines = enumerate(text.split("\n"), 1)
        left = "\n".join(line for number, line in lines if number not in drop)
        return encoded(left) if drop else None

    return rewrite(path, edit, shared=True)


def _tree_hash(key: str) -> str:
    try:
        return str(TreeHash.parse(key))
    except HashParseError as error:
        msg = f"override: {error}; to override a name, give the package's UUID too"
        raise OverrideError(msg) from error


def _lowered(table: dict[str, Any]) -> dict[str, Any]:
    # Hashes and UUIDs of either case mean the same, names do not.
    return {key.lower(): value for key, value in table.items()}
