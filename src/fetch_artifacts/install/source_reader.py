"""Reading the archive of a source: a URL of an entry, of a package server, a mirror."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fetch_artifacts.depot.stack import depot_path
from fetch_artifacts.install.sources import sources_of
from fetch_artifacts.network import pkg_server
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.settings.mirrors import mirrors_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.install.sources import Source
    from fetch_artifacts.network.transfer import ByteReport
    from fetch_artifacts.settings.environment import Settings


class Reader(Protocol):
    """What an `~fetch_artifacts.install.installer.Installer` gets archives from."""

    def sources(self, entry: ArtifactEntry) -> Sequence[Source]:
        """Where an entry's archive can be had, in the order in which to try."""
        ...

    def open(
        self,
        source: Source,
        *,
        partials: Folder | None = None,
        progress: ByteReport | None = None,
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Give the chunks of a source's archive."""
        ...

    def __exit__(self, *_: object) -> None: ...


class SourceReader(contextlib.AbstractContextManager["SourceReader"]):
    """Opens sources; threads may share it.

    Args:
        settings: The environment to go by.
        artifacts: Beside it are the tokens for package servers, where no depot is.
        stopped: Ends each wait for a server once it is set.
    """

    def __init__(
        self, settings: Settings, artifacts: Path, *, stopped: threading.Event
    ) -> None:
        self._settings = settings
        self._artifacts = artifacts
        self._mirrors = mirrors_of(settings.environ, Path.cwd())
        self._fetcher = HttpFetcher(settings, stopped=stopped)

    def __exit__(self, *_: object) -> None:
        self._fetcher.__exit__()

    def sources(self, entry: ArtifactEntry) -> Sequence[Source]:
        """Where an entry's archive can be had, in the order in which to try."""
        return sources_of(entry, self._settings, self._mirrors)

    def open(
        self,
        source: Source,
        *,
        partials: Folder | None = None,
        progress: ByteReport | None = None,
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Give the chunks of a source's archive, as `HttpFetcher.open`."""
        return self._fetcher.open(
            source.url,
            sha256=source.sha256,
            partials=partials,
            headers=self._headers(source),
            progress=progress,
        )

    def _headers(self, source: Source) -> dict[str, str]:
        if source.server is None:
            return {}
        return pkg_server.headers(
            source.server,
            source.url,
            platform=host_platform(),
            environ=self._settings.environ,
            depot=next(iter(depot_path()), self._artifacts),
            read=self._fetcher.read,
        )
