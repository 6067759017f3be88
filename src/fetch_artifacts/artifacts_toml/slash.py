"""``name/sub/path``: an artifact and a place inside it, in one text."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fetch_artifacts.artifacts_toml.choosing import artifact_hash
from fetch_artifacts.errors import ArtifactNotFoundError, ArtifactPathError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform

_SEPARATOR: Final = r"[/\\]"


class SlashLookup(NamedTuple):
    """What a text with slashes means, in the order in which Julia returns it.

    Attributes:
        name: The name of the artifact.
        tail: The path inside it, "" for all of it.
        tree_hash: The artifact's tree.
    """

    name: str
    tail: str
    tree_hash: TreeHash


def split_artifact_slash(text: str) -> tuple[str, str]:
    r"""Split a text into an artifact's name and a path inside the artifact.

    Both ``/`` and ``\`` separate; the path has the separator of this system. Julia:
    ``split_artifact_slash`` (Artifacts.jl:544-550).
    """
    name, *parts = re.split(_SEPARATOR, text)
    tail = os.path.join(*parts) if parts else ""
    return name, tail


def artifact_slash_lookup(
    text: str, table: Mapping[str, Any], *, platform: Platform, path: Path | None = None
) -> SlashLookup:
    """Return the artifact and the path inside it that a text means.

    Julia: ``artifact_slash_lookup`` (Artifacts.jl:652-663). A name that has a slash
    itself is out of reach, as there.

    Raises:
        ArtifactNotFoundError: The name has no entry for the platform.
        ArtifactsTomlError: One of the name's entries can't be read.
    """
    name, tail = split_artifact_slash(text)
    tree_hash = artifact_hash(name, table, platform=platform, path=path)
    if tree_hash is None:
        where = path or "Artifacts.toml"
        msg = f"{where}: expected an artifact {text!r} for {platform}, found none"
        raise ArtifactNotFoundError(msg, name=name, path=path)
    return SlashLookup(name, tail, tree_hash)


def check_tail(tail: str) -> None:
    """Refuse a path inside an artifact that leads out of it. Julia allows it.

    Raises:
        ArtifactPathError: It does.
    """
    parts = re.split(_SEPARATOR, tail)
    if ".." in parts or os.path.isabs(tail) or os.path.splitdrive(tail)[0]:
        msg = (
            "path inside an artifact: expected one that does not lead out of it, "
            f"found {tail!r}"
        )
        raise ArtifactPathError(msg)
