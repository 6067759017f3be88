"""The entries of several Artifacts.toml files, one for each tree."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.choosing import (
    entry_for,
    find_entry,
    platforms_of,
)
from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.errors import ArtifactsTomlError, NoMatchingPlatformError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.matching import PlatformChoice


def entries_by_tree(
    tomls: Iterable[Path], platforms: Sequence[PlatformChoice] | None
) -> dict[TreeHash, ArtifactEntry]:
    """Give what the files bind, lazy or not; a tree that several bind has all sources.

    Args:
        tomls: The files.
        platforms: What to choose entries for; None for all entries.

    Raises:
        ArtifactsTomlError: A file or an entry can't be read, or an entry has the hash
            of an archive in place of a tree's.
    """
    found: dict[TreeHash, list[ArtifactEntry]] = {}
    for toml in tomls:
        for entry in _entries(toml, platforms):
            if entry.tree_hash is None:
                raise _old_entry(entry, toml)
            found.setdefault(entry.tree_hash, []).append(entry)
    return {tree: first.joined(rest) for tree, (first, *rest) in found.items()}


def _entries(
    toml: Path, platforms: Sequence[PlatformChoice] | None
) -> Iterator[ArtifactEntry]:
    table = load_artifacts_toml(toml)
    for name, value in table.items():
        if platforms is None and isinstance(value, list):
            for built_for, element, place in platforms_of(value, Place.of(name, toml)):
                yield ArtifactEntry.from_entry(name, element, built_for, place)
        elif platforms is None:
            yield ArtifactEntry.from_entry(name, *find_entry(name, table, None, toml))
        else:
            for platform in platforms:
                with contextlib.suppress(NoMatchingPlatformError):
                    yield entry_for(name, toml, platform)


def _old_entry(entry: ArtifactEntry, toml: Path) -> ArtifactsTomlError:
    msg = (
        "expected the hash of a tree, under which servers have it, found the hash of "
        "its archive; run `fetch-artifacts doctor --fix`"
    )
    context = f"{entry.name}.git-tree-sha1"
    return ArtifactsTomlError(msg, path=toml, context=context)
