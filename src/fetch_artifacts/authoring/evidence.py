"""What a URL serves, and the values that are often mistaken for its tree hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.doubts import doubts
from fetch_artifacts.archive.formats import FORMATS
from fetch_artifacts.archive.tree import archive_reader
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DownloadError, UnpackError
from fetch_artifacts.git_tools.objects import FOLDER, tree_digest
from fetch_artifacts.network.receive import receive
from fetch_artifacts.network.rest import permanent_redirect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.archive.tree import ArchiveTree
    from fetch_artifacts.digests import Sha256
    from fetch_artifacts.network.receive import Fetcher
    from fetch_artifacts.settings.environment import Settings
    from fetch_artifacts.terminal.progress import Progress

_CUT: Final = 40  # hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The tree in an archive, with its likely mistakes.

    Attributes:
        kind: The kind of archive.
        tree_hash: The tree's hash by the rules of Julia's Pkg.
        doubts: What is odd about the content, one sentence each.
        sparse: A member is a sparse file, so the tree is not what was packed.
        top_folder: The only entry at the top, if it is a folder.
        mistakes: Hex values that are often mistaken for the tree hash, each with what
            it is.
    """

    kind: ArchiveKind
    tree_hash: TreeHash
    doubts: tuple[str, ...]
    sparse: bool
    top_folder: str | None
    mistakes: Mapping[str, str]

    @property
    def bindable(self) -> bool:
        """Whether Julia can install it, and gets what was packed."""
        return FORMATS[self.kind].julia is not None and not self.sparse


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a URL served.

    Attributes:
        sha256: The hash of the archive.
        size: The length of the archive in bytes.
        moved: The target of a permanent redirect, None without one.
        contents: What is in the archive, or why it can't be unpacked.
    """

    sha256: Sha256
    size: int
    moved: str | None
    contents: Contents | UnpackError


def collect_evidence(
    fetcher: Fetcher,
    url: str,
    settings: Settings,
    report: Progress | None = None,
    *,
    promised: Sha256 | None = None,
) -> Evidence | DownloadError:
    """Download and hash what a URL serves, without keeping it.

    Args:
        fetcher: What downloads.
        url: Where from.
        settings: The environment settings.
        report: Called with the progress of the download.
        promised: The sha256 that the file states for it.
    """
    read = archive_reader(settings)
    try:
        received = receive(fetcher, url, read, report, promised=promised)
    except DownloadError as error:
        return error
    outcome = received.outcome
    return Evidence(
        sha256=received.sha256,
        size=received.size,
        moved=permanent_redirect(url, settings) if url.startswith("http") else None,
        contents=outcome
        if isinstance(outcome, UnpackError)
        else _contents(outcome, received.sha256),
    )


def _contents(tree: ArchiveTree, sha256: Sha256) -> Contents:
    mistakes: dict[str, str] = {}
    for value, meaning in _mistakes(tree, sha256):
        mistakes.setdefault(value, meaning)
    mistakes.pop(str(tree.tree_hash), None)
    return Contents(
        kind=tree.kind,
        tree_hash=tree.tree_hash,
        doubts=doubts(tree),
        sparse=bool(tree.sparse),
        top_folder=tree.top_folder[0] if tree.top_folder else None,
        mistakes=mistakes,
    )


def _mistakes(tree: ArchiveTree, sha256: Sha256) -> Iterator[tuple[str, str]]:
    """Values often mistaken for the tree hash, the likeliest first."""
    text = str(sha256)
    yield text, "the sha256 of the archive"
    yield text[:_CUT], f"the first {_CUT} digits of the archive's sha256"
    yield from _mistakes_of_tree(tree, "")
    if tree.top_folder:
        name, inner = tree.top_folder
        where = f" in the archive's folder {name!r}, which is part of the tree"
        yield str(inner.tree_hash), f"the hash of what is{where}"
        yield from _mistakes_of_tree(inner, f", of what is{where}")


def _mistakes_of_tree(tree: ArchiveTree, of: str) -> Iterator[tuple[str, str]]:
    wrapped = tree_digest([(FOLDER, b"content", tree.git_hash.digest)], "git-sha1")
    yield (
        str(TreeHash(wrapped)),
        f"the hash that fetch-artifacts 0.1.0 made, with a folder around the tree{of}",
    )
    yield (
        str(tree.git_hash),
        f"git's hash{of}, but Pkg hashes non-ASCII link targets differently",
    )
    yield (
        str(tree.tar_hash),
        f"the hash of Tar.tree_hash, which counts folders without files{of}",
    )
