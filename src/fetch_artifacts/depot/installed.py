"""Whether the tree of an entry is installed, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.depot.artifacts import find_artifact
from fetch_artifacts.depot.old_entries import recorded_tree, warn_of_old_entry

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import Depots
    from fetch_artifacts.digests import TreeHash


def tree_of(entry: ArtifactEntry) -> TreeHash | None:
    """The tree that an entry means, None for an old one that was never installed."""
    if entry.archive_sha256 is None:
        return entry.tree_hash
    tree_hash = recorded_tree(entry.archive_sha256)
    if tree_hash is not None:
        warn_of_old_entry(entry, tree_hash)
    return tree_hash


def find_installed(
    entry: ArtifactEntry, depots: Depots | None = None, *, toml: str | None = None
) -> Path | None:
    """Give the folder of an entry's tree, None where no depot has it.

    Args:
        entry: The entry.
        depots: Where to look; the present ones unless given.
        toml: The Artifacts.toml that it is of, whose package's overrides shall count.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    tree_hash = tree_of(entry)
    return None if tree_hash is None else find_artifact(tree_hash, depots, toml=toml)
