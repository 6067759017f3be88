"""The hashes and sizes of downloads, for the entry of an Artifacts.toml."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from fetch_artifacts.archive.doubts import doubts, sparse_doubts
from fetch_artifacts.archive.formats import julia_trouble
from fetch_artifacts.archive.tree import ArchiveTree, archive_reader
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.artifacts_toml.choosing import find_entry
from fetch_artifacts.artifacts_toml.entry import ArtifactEntry, DownloadSource
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.authoring.repositories import file_url
from fetch_artifacts.depot.artifacts import find_artifact
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.digests import require_archive, require_tree
from fetch_artifacts.errors import (
    ArchiveError,
    ArgumentTypeError,
    TreeHashMismatchError,
    UnpackError,
)
from fetch_artifacts.files.writing import free_bytes
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.receive import receive
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.limits import UnpackLimits
from fetch_artifacts.terminal.progress import ProgressEvent
from fetch_artifacts.urls import file_name, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.digests import Sha256, TreeHash
    from fetch_artifacts.network.receive import Fetcher, Received
    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.terminal.progress import Progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSources:
    """A tree and the downloads that contain it.

    Attributes:
        tree_hash: The tree in every download.
        sources: One for each URL, in their order.
    """

    tree_hash: TreeHash
    sources: tuple[DownloadSource, ...]


class _Tree(Protocol):
    @property
    def tree_hash(self) -> TreeHash: ...
    @property
    def kind(self) -> ArchiveKind: ...
    @property
    def sparse(self) -> Sequence[bytes]: ...


def measure_download(url: str, *, as_archive: bool) -> Received[ArchiveTree | None]:
    """Download a URL, and give its hashes without keeping it.

    Args:
        url: Where from.
        as_archive: Whether it must be an archive, whose tree is hashed too.

    Raises:
        ArgumentTypeError: The URL is not a string.
        DownloadError: The download fails or is incomplete.
    """
    _require_urls(url)
    settings = Settings.from_environ()
    read = archive_reader(settings) if as_archive else _read_nothing
    with HttpFetcher(settings) as fetcher:
        return receive(fetcher, url, read)


def _require_urls(given: object) -> None:
    urls = given if isinstance(given, (list, tuple)) else [given]
    for url in urls:
        if not isinstance(url, str):
            msg = f"URL: expected a string, found {url!r}; a Path has as_uri()"
            raise ArgumentTypeError(msg)


def download_sources(
    urls: Sequence[str],
    *,
    name: str,
    keep: bool = False,
    report: Progress | None = None,
) -> TreeSources:
    """Download each URL once, and compute both hashes and the size.

    Args:
        urls: The URLs of the archive, or what stands for one as a DOI does; their bytes
            may differ, but not their tree.
        name: The artifact's name, for the warning that all of it is in one folder,
            which then is part of every path.
        keep: Whether the tree is installed too.
        report: Called with the progress of the downloads.

    Raises:
        ArgumentTypeError: A URL is not a string.
        DownloadError: A download fails or is incomplete.
        UnpackError: A download is not an archive, or is unsafe.
        ArchiveError: There is no URL.
        TreeHashMismatchError: The URLs give different trees.
        DepotError: The tree is to be kept, and the depot can't be written.
    """
    _require_urls(urls)
    if not urls:
        msg = "expected the URL of an archive, found none"
        raise ArchiveError(msg)
    settings = Settings.from_environ()
    with HttpFetcher(settings) as fetcher:
        urls = [file_url(url, fetcher.read) for url in urls]
        received: list[Received[_Tree]] = [
            _receive_into_depot(fetcher, url, settings, report)
            if keep and url == urls[0]
            else receive(fetcher, url, archive_reader(settings), report)
            for url in urls
        ]
    trees = [_tree_hash(each, report) for each in received]
    for url, tree_hash in zip(urls, trees, strict=True):
        if tree_hash != trees[0]:
            msg = (
                f"{redacted(url)}: expected the tree {trees[0]} of "
                f"{redacted(urls[0])}, found {tree_hash}; all sources of an artifact "
                "must hold the same tree"
            )
            raise TreeHashMismatchError(msg, expected=trees[0], actual=tree_hash)
    if top := _top_folder(received[0].content):
        _log.warning(
            "%s: all of it is in a folder: the data is at %s/%s", name, name, top
        )
    sources = [
        DownloadSource(url=each.url, sha256=each.sha256, size=each.size)
        for each in received
    ]
    return TreeSources(tree_hash=trees[0], sources=tuple(sources))


def check_source(
    toml: Path, name: str, url: str, sha256: Sha256, *, platform: Platform | None = None
) -> DownloadSource:
    """Download a URL, and compare it with the hashes of an entry.

    Args:
        toml: The Artifacts.toml.
        name: The name of the artifact.
        url: The new source.
        sha256: The expected hash of the archive.
        platform: Chooses among the platforms that the name is bound for.

    Returns:
        The source with its size.

    Raises:
        ArtifactNotFoundError: The name is not in the file, or not for this platform.
        ArtifactsTomlError: The file, or the entry, can't be read.
        DownloadError: The download fails or is incomplete.
        UnpackError: The download is not an archive, or is unsafe.
        HashMismatchError: A hash differs.
    """
    found, built_for, place = find_entry(
        name, load_artifacts_toml(toml), platform, toml
    )
    entry = ArtifactEntry.from_entry(name, found, built_for, place)
    promised = entry.archive_sha256 or sha256
    settings = Settings.from_environ()
    with HttpFetcher(settings) as fetcher:
        received = receive(fetcher, url, archive_reader(settings), promised=promised)
    require_archive(promised, received.sha256, redacted(url))
    tree = received.content
    note = "; ".join(doubts(tree))
    require_tree(
        entry.tree_hash, tree.tree_hash, tree.git_hash, redacted(url), note=note
    )
    return DownloadSource(url=url, sha256=received.sha256, size=received.size)


def download_files(urls: Sequence[str], folder: Path) -> None:
    """Download files into a folder, under the last parts of their URLs.

    Raises:
        DownloadError: A download fails or is incomplete.
        ArchiveError: A URL has no name of a file, or two have the same.
        OSError: The folder can't be written.
    """
    with HttpFetcher(Settings.from_environ()) as fetcher:
        for url in [file_url(each, fetcher.read) for each in urls]:
            name = unquote(file_name(url))
            target = folder / name
            if not name or "/" in name or name in {".", ".."} or target.exists():
                fault = "expected a URL that ends in a file name of its own"
                msg = f"{redacted(url)}: {fault}"
                raise ArchiveError(msg)
            receive(fetcher, url, partial(_write, target))


def _write(target: Path, chunks: Iterable[bytes]) -> None:
    with target.open("wb") as file:
        file.writelines(chunks)


def _read_nothing(_chunks: Iterable[bytes]) -> None:
    """Consume nothing, so that `receive` hashes all of it."""


def _receive_into_depot(
    fetcher: Fetcher, url: str, settings: Settings, report: Progress | None
) -> Received[_Tree]:
    """Download an archive and install its tree, within an installer's limits."""
    depot = FirstDepot.present()
    with depot.stage() as staged:
        unpack = partial(
            unpack_archive,
            directory=staged.folder,
            read_only=True,
            limits=UnpackLimits.of(settings, room=free_bytes(staged.folder.path)),
            copy_symlinks=settings.copy_symlinks,
        )
        received = receive(fetcher, url, unpack, report)
        content = received.content
        depot.commit(staged, content.tree_hash, content.kept)
    return received


def _top_folder(tree: _Tree) -> str | None:
    """The one folder that everything in a tree is in, if so."""
    if isinstance(tree, ArchiveTree):
        return tree.top_folder[0] if tree.top_folder else None
    kept = find_artifact(tree.tree_hash, honor_overrides=False)
    inside = [] if kept is None else list(os.scandir(kept))
    one = inside[0] if len(inside) == 1 else None
    return one.name if one and one.is_dir(follow_symlinks=False) else None


def _tree_hash(received: Received[_Tree], report: Progress | None) -> TreeHash:
    """Give the tree of an archive, and warn of what Julia can't unpack.

    Raises:
        UnpackError: What Julia unpacks is not what was packed.
    """
    tree = received.content
    for doubt in sparse_doubts(tree):
        msg = f"{redacted(received.url)}: {doubt}"
        raise UnpackError(msg)
    for doubt in doubts(tree):
        _log.warning("%s: %s", redacted(received.url), doubt)
    trouble = julia_trouble(tree.kind)
    if trouble:
        _log.warning(
            "%s: %s; gzip suits every version", redacted(received.url), trouble
        )
    if report:
        note = f"sha256 {received.sha256}, git-tree-sha1 {tree.tree_hash}"
        name = file_name(received.url)
        report(ProgressEvent(name=name, stage="verifying", note=note))
    return tree.tree_hash
