"""Reading the archive of a source: a URL of an entry, of a package server, a mirror."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fetch_artifacts.depot.stack import depot_path
from fetch_artifacts.install.sources import sources_of
from fetch_artifacts.network import pkg_server
from fetch_artifacts.network.failures import failure
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.settings.mirrors import mirrors_of

if TYPE_CHECKING:
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
        """Where to get an entry's archive, in the order in which to try."""
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
        settings: The settings to use.
        artifacts: Beside it are the tokens for package servers, where no depot is.
        stopped: Ends each wait for a server once it is set.
        toml: The Artifacts.toml that is installed as a whole, as an absolute path; None
            where single artifacts are.
    """

    def __init__(
        self,
        settings: Settings,
        artifacts: Path,
        *,
        stopped: threading.Event,
        toml: str | None = None,
    ) -> None:
        self._settings = settings
        self._artifacts = artifacts
        self._toml = toml
        self._lock = threading.Lock()
        self._may_ask: dict[str, bool] = {}  # by server
        self._mirrors = mirrors_of(settings.environ, Path.cwd())
        self._fetcher = HttpFetcher(settings, stopped=stopped)

    def __exit__(self, *_: object) -> None:
        self._fetcher.__exit__()

    def sources(self, entry: ArtifactEntry) -> Sequence[Source]:
        """Where to get an entry's archive, in the order in which to try.

        Servers that gave no answer before come last.
        """
        sources = sources_of(entry, self._settings, self._mirrors)
        return sorted(sources, key=lambda each: self._fetcher.was_silent(each.url))

    def open(
        self,
        source: Source,
        *,
        partials: Folder | None = None,
        progress: ByteReport | None = None,
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Give the chunks of a source's archive, as `HttpFetcher.open`.

        Raises:
            DownloadError: It is on a package server that the host's Julia doesn't ask.
        """
        if source.server is not None and self._toml is not None:
            self._check_registered(source.server, source.url, self._toml)
        return self._fetcher.open(
            source.url,
            sha256=source.sha256,
            partials=partials,
            headers=self._headers(source.server, source.url),
            progress=progress,
        )

    def _check_registered(self, server: str, url: str, toml: str) -> None:
        if not pkg_server.holds("registered packages", host_platform()):
            return
        from fetch_artifacts.artifacts_toml.search import package_uuid
        from fetch_artifacts.install.registries import may_ask

        package = package_uuid(toml)
        with self._lock:  # one of the threads asks
            if server not in self._may_ask:
                self._may_ask[server] = may_ask(
                    server, package, depot_path(), partial(self._read, server)
                )
        if not self._may_ask[server]:
            found = f"package {package}, which is in none" if package else "no package"
            why = (
                "not asked: since Julia 1.13 a server is asked for packages in a "
                f"registry that it serves and a depot has; {toml} belongs to {found}; "
                "FETCH_ARTIFACTS_MIRRORS names servers that are asked in any case"
            )
            raise failure(url, why)

    def _read(self, server: str, url: str) -> bytes:
        return self._fetcher.read(url, self._headers(server, url))

    def _headers(self, server: str | None, url: str) -> dict[str, str]:
        if server is None:
            return {}
        return pkg_server.headers(
            server,
            url,
            platform=host_platform(),
            environ=self._settings.environ,
            depot=next(iter(depot_path()), self._artifacts),
            read=self._fetcher.read,
        )
