"""Where to get an entry's archive, in the order in which to try."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    DownloadError,
    FetchArtifactsError,
    HashMismatchError,
    InstallError,
    UnpackError,
)
from fetch_artifacts.files.folder import outlast_stale
from fetch_artifacts.network.pkg_server import artifact_url, server_url
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.settings.environment import Settings

_log = logging.getLogger(__name__)

_STARTS: Final = 3  # downloads of one source, where each before proved unusable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to try.

    Attributes:
        url: Its address.
        sha256: What the bytes must hash to; None where only the tree's hash is known.
        server: The package server that the address is on, None for any other place.
        fault: What is wrong with it in the Artifacts.toml, so that it can't be tried.
    """

    url: str
    sha256: Sha256 | None = None
    server: str | None = None
    fault: ArtifactsTomlError | None = None


def sources_of(
    entry: ArtifactEntry, settings: Settings, mirrors: Sequence[str] = ()
) -> tuple[Source, ...]:
    """List the places to try, each once.

    Mirrors come first, and then a package server that the user chose, as in Julia. The
    public one comes last where nobody chose one: it does not have most
    artifacts of Python projects, and asking it first would cost each install a request.
    """
    own = dict.fromkeys(_own_sources(entry))
    if entry.tree_hash is None:
        return tuple(own)
    near = [Source(url=artifact_url(mirror, entry.tree_hash)) for mirror in mirrors]
    own = dict.fromkeys([*near, *own])
    server = server_url(settings.pkg_server)
    if server is None:
        return tuple(own)
    served = Source(url=artifact_url(server, entry.tree_hash), server=server)
    if not settings.pkg_server:
        return (*own, served)
    return tuple(dict.fromkeys([*near, served, *own]))


def _own_sources(entry: ArtifactEntry) -> Iterator[Source]:
    for source in entry.each_download():
        if not isinstance(source, DownloadSource):
            yield Source(url=source.context, fault=source)
        # The tree of an old entry is that of the one archive with this sha256.
        elif entry.archive_sha256 in {None, source.sha256}:
            yield Source(url=source.url, sha256=source.sha256)


def first_success(
    entry: ArtifactEntry, sources: Sequence[Source], use: Callable[[Source], T]
) -> T:
    """Try one source after the other, and give what the first good one gives.

    Args:
        entry: Whose sources they are.
        sources: The sources, in the order in which to try.
        use: Downloads and verifies one.

    Raises:
        InstallError: No source was good; the message names each, and why.
    """
    attempts: list[tuple[str, Exception]] = []
    for source in sources:
        try:
            if source.fault is not None:
                raise source.fault
            _log.debug("%s: trying %s", entry.name, redacted(source.url))
            return _restarted(entry, source, use)
        except (
            ArtifactsTomlError,
            DownloadError,
            HashMismatchError,
            UnpackError,
        ) as error:
            # Neither a password nor a token in an address is for a log.
            url = redacted(source.url)
            _log.info("%s: %s", entry.name, _with_place(url, error))
            attempts.append((url, error))
    raise _all_failed(entry, attempts)


def _restarted(entry: ArtifactEntry, source: Source, use: Callable[[Source], T]) -> T:
    for _ in range(_STARTS - 1):
        try:
            return outlast_stale(lambda: use(source))
        except StartOverError as error:
            _log.info("%s: starting over: %s", entry.name, error)
    return use(source)


def _all_failed(
    entry: ArtifactEntry, attempts: Sequence[tuple[str, Exception]]
) -> InstallError:
    if not attempts:
        msg = (
            f"{entry.name}: {entry.git_tree_sha1} is not installed, and the "
            "Artifacts.toml has no download sources for it; add one, or install it by "
            "other means"
        )
        return InstallError(msg, name=entry.name)
    lines = [f"{entry.name}: Failed to download and install it from all sources:"]
    lines += [f"  {_with_place(url, error)}" for url, error in attempts]
    if not entry.sources:
        lines.append("  The Artifacts.toml names no download of it; add one.")
    return InstallError("\n".join(lines), name=entry.name, attempts=attempts)


def _with_place(url: str, error: Exception) -> str:
    """What an error says, after the URL; many errors name it themselves."""
    text = str(error)
    # The fault of a source that can't be read names its place in the file.
    named = text.startswith(url) or isinstance(error, ArtifactsTomlError)
    return text if named else f"{url}: {text}"


def raise_together(
    done: Sequence[tuple[str, Future[T]]], participle: str = "installed"
) -> None:
    """Raise the errors of all jobs as one error.

    Args:
        done: The jobs with the names of their artifacts.
        participle: What could not be done with an artifact that failed.
    """
    failures = [(name, error) for name, each in done if (error := each.exception())]
    for _, error in failures:
        if len(failures) == 1 or not isinstance(error, FetchArtifactsError):
            raise error
    if failures:
        lines = [f"{len(failures)} of {len(done)} artifacts could not be {participle}:"]
        lines += [str(error) for _, error in failures]
        attempts = [(name, e) for name, e in failures if isinstance(e, Exception)]
        names = ", ".join(name for name, _ in failures)
        raise InstallError("\n".join(lines), name=names, attempts=attempts)
