"""Where an entry's archive can be had, in the order in which to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.network.pkg_server import artifact_url, server_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.errors import ArtifactsTomlError
    from fetch_artifacts.settings.environment import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to try.

    Attributes:
        url: Its address.
        sha256: What the bytes must hash to; None where the tree's hash must do.
        server: The package server that the address is on, None for any other place.
        fault: What is wrong with it in the Artifacts.toml, so that it can't be tried.
    """

    url: str
    sha256: Sha256 | None = None
    server: str | None = None
    fault: ArtifactsTomlError | None = None


def sources_of(entry: ArtifactEntry, settings: Settings) -> tuple[Source, ...]:
    """List the places to try, each once.

    A package server that the user chose comes first, as in Julia. The public one comes
    last where nobody chose one: most entries of Python projects are not registered
    there, and to be told so first would cost each install a round trip.
    """
    own = dict.fromkeys(_own_sources(entry))
    server = server_url(settings.pkg_server)
    if server is None or entry.tree_hash is None:
        return tuple(own)
    served = Source(url=artifact_url(server, entry.tree_hash), server=server)
    return (served, *own) if settings.pkg_server else (*own, served)


def _own_sources(entry: ArtifactEntry) -> Iterator[Source]:
    for source in entry.each_download():
        if not isinstance(source, DownloadSource):
            yield Source(url=source.context, fault=source)
        # The tree of an old entry is that of the one archive with this sha256.
        elif entry.archive_sha256 in {None, source.sha256}:
            yield Source(url=source.url, sha256=source.sha256)
