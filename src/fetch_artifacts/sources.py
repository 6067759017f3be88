"""Where an entry's archive can be had, in the order in which to try."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.entries import ArtifactEntry
    from fetch_artifacts.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to try.

    Attributes:
        url: Its address.
        sha256: What the bytes must hash to; None where the tree's hash must do.
        headers: For this address's own host.
    """

    url: str
    sha256: Sha256 | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def sources_of(entry: ArtifactEntry, settings: Settings) -> tuple[Source, ...]:
    """List the places to try.

    Raises:
        ArtifactsTomlError: A source of the entry has no valid url, sha256 or size.
    """
    own = [
        Source(url=source.url, sha256=source.sha256)
        for source in entry.downloads
        # The tree of an old entry is that of the one archive with this sha256.
        if entry.archive_sha256 in (None, source.sha256)
    ]
    return tuple(own)
