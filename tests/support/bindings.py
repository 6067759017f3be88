"""Binding in one call, for tests that bind a lot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fetch_artifacts.artifacts_toml import binding
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.platforms import Platform


def bind(
    toml: Path,
    name: str,
    tree_hash: TreeHash,
    *,
    platform: Platform | None = None,
    downloads: Iterable[DownloadSource] | None = None,
    lazy: bool = False,
    **how: bool,
) -> None:
    bound = binding.Binding(
        name=name,
        tree_hash=tree_hash,
        downloads=None if downloads is None else tuple(downloads),
        platform=platform,
        lazy=lazy,
    )
    binding.bind(toml, bound, **how)
