"""A key for CI caches of a depot: it changes when other trees are needed."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.errors import NoMatchingPlatformError
from fetch_artifacts.platforms.host import host_platform

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.platforms.matching import PlatformChoice

_DIGITS: Final = 16


def cache_key(tomls: Iterable[Path], platform: PlatformChoice = host_platform) -> str:
    """Give a key of all trees that files bind for a platform, lazy ones too.

    The order of names, comments, formatting and sources don't change it, nor do entries
    for other platforms.

    Args:
        tomls: The Artifacts.toml files.
        platform: The platform, or a function that finds it out.

    Raises:
        ArtifactsTomlError: A file or one of its entries can't be read.
    """
    trees = set()
    for toml in tomls:
        for name in load_artifacts_toml(toml):
            with contextlib.suppress(NoMatchingPlatformError):
                trees.add(entry_for(name, toml, platform).git_tree_sha1.lower())
    digest = hashlib.sha256("\n".join(sorted(trees)).encode())
    return f"artifacts-{digest.hexdigest()[:_DIGITS]}"
