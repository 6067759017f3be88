"""Publishing a folder: archive, upload, download again, verify, bind.

The entry is bound only after both hashes of the downloaded archive were verified.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.tree import archive_reader
from fetch_artifacts.archive.writer import (
    archive_directory,
    choose_compression,
    usual_ending,
)
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.authoring.targets import folder, github, huggingface, zenodo
from fetch_artifacts.authoring.targets.target import TargetOptions
from fetch_artifacts.digests import require_archive, require_tree
from fetch_artifacts.errors import (
    DownloadError,
    FetchArtifactsError,
    HashMismatchError,
    PublishError,
    UnpackError,
)
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.receive import receive
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.writer import require_folder
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.binding import BindingOptions
    from fetch_artifacts.authoring.targets.target import (
        PublishTarget,
        TargetKind,
        Upload,
    )
    from fetch_artifacts.digests import TreeHash

_HASH_DIGITS: Final = 12
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")

# The first kind whose pattern matches makes the target.
TARGET_KINDS: tuple[TargetKind, ...] = (
    *folder.KINDS,
    *github.KINDS,
    *huggingface.KINDS,
    *zenodo.KINDS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An artifact that was published and bound.

    Attributes:
        tree_hash: Its tree.
        sources: Where to download its archive, one for each target.
        notes: What its author still has to do.
    """

    tree_hash: TreeHash
    sources: tuple[DownloadSource, ...]
    notes: tuple[str, ...]

    @property
    def source(self) -> DownloadSource:
        """The first place."""
        return self.sources[0]


def target_for(
    text: str,
    *,
    url_base: str | None = None,
    final: bool = False,
    title: str = "",
    creators: tuple[str, ...] = (),
) -> PublishTarget:
    """Make the target that a user names.

    Args:
        text: What the user writes; `target_syntax` has the forms.
        url_base: The public URL of a folder's files.
        final: Whether a deposit is published permanently.
        title: The title of a new deposit.
        creators: The authors of a new deposit.

    Raises:
        PublishError: There is no such target, or the URL of its files is missing.
    """
    bases = [] if url_base is None else [url_base]
    [target] = targets_for(
        [text], url_bases=bases, final=final, title=title, creators=creators
    )
    return target


def targets_for(
    texts: Sequence[str],
    *,
    url_bases: Sequence[str] = (),
    final: bool = False,
    title: str = "",
    creators: tuple[str, ...] = (),
) -> list[PublishTarget]:
    """Make several targets, as `target_for`.

    Args:
        texts: What the user writes.
        url_bases: The public URLs of those that are folders, in their order.
        final: Whether a deposit is published permanently.
        title: The title of a new deposit.
        creators: The authors of a new deposit.

    Raises:
        PublishError: There is no such target, or too few or too many URLs.
    """
    settings, bases = Settings.from_environ(), list(url_bases)
    targets = []
    for text in texts:
        kind, match = _kind_of(text)
        options = TargetOptions(
            settings=settings,
            url_base=bases.pop(0) if bases and kind.needs_url_base else None,
            final=final,
            title=title,
            creators=creators,
        )
        targets.append(kind.make(match, options))
    if bases:
        msg = f"{redacted(bases[0])}: expected a folder or a bucket to go with this URL"
        raise PublishError(msg)
    return targets


def _kind_of(text: str) -> tuple[TargetKind, re.Match[str]]:
    for kind in TARGET_KINDS:
        if match := kind.pattern.fullmatch(text):
            return kind, match
    msg = f"{redacted(text)}: expected {target_syntax()}"
    raise PublishError(msg)


def target_syntax() -> str:
    """Say how targets are written, for help texts and errors."""
    return ", ".join(kind.syntax for kind in TARGET_KINDS)


def publish(
    directory: Path,
    name: str,
    targets: PublishTarget | Sequence[PublishTarget],
    binding: BindingOptions,
    *,
    compression: str | None = "auto",
) -> Published:
    """Publish a folder, and bind it.

    The archive's file name contains the artifact's name and its tree hash, so a file of
    that name never changes. If there is one already, it must contain the same tree.

    Args:
        directory: The folder.
        name: The name to bind.
        targets: Where the archive is published: one place, or several, which give as
            many download sources.
        binding: Where and how the name is bound.
        compression: The compression of the archive; ``"auto"`` is gzip, None a plain
            tar.

    Raises:
        BindingExistsError: The name is bound already.
        ArchiveError: It is not a folder, or there is no such compression.
        UnhashableFileError: The folder holds what can't be archived.
        PublishError: An upload failed, the download of one gives something else, or
            the file can't be written. Nothing was bound; what was uploaded stays, and
            its URLs are in the error.
        ArtifactsTomlError: The file can't be read.
    """
    binding.require_free(name)
    chosen = choose_compression(None, compression)
    require_folder(directory)
    tree_hash = hash_directory(directory)
    done: list[tuple[PublishTarget, Upload]] = []
    with _told_with(done):
        with scratch_folder() as scratch:
            file = _file_name(name, tree_hash) + usual_ending(chosen)
            archive = archive_directory(directory, scratch / file, chosen)
            for target in targets if isinstance(targets, Sequence) else [targets]:
                with _named(target):
                    done.append((target, target.upload(archive)))
        sources = []
        for target, upload in done:
            with _named(target):
                sources.append(_source(upload, archive, tree_hash))
        binding.bind(name, tree_hash, sources)
    notes = tuple(upload.note for _, upload in done if upload.note)
    return Published(tree_hash=tree_hash, sources=tuple(sources), notes=notes)


@contextlib.contextmanager
def _named(target: PublishTarget) -> Iterator[None]:
    """Begin the message of a failure with the target."""
    try:
        yield
    except PublishError as error:
        if str(error).startswith(target.name):
            raise
        msg = f"{target.name}: {error}"
        raise PublishError(msg) from error


@contextlib.contextmanager
def _told_with(done: list[tuple[PublishTarget, Upload]]) -> Iterator[None]:
    """Say with a failure that nothing was bound, and what was uploaded already."""
    try:
        yield
    except (FetchArtifactsError, OSError) as error:
        if not done and not isinstance(error, PublishError):
            raise  # nothing was tried yet
        words = str(error)
        if not isinstance(error, FetchArtifactsError) and error.filename:
            words = f"{error.filename}: {error.strerror or error}"
        lines = [f"{words}; nothing was bound"]
        if done:
            lines.append("already uploaded, and used again next time:")
        for target, upload in done:
            again = f" ({upload.again})" if upload.again else ""
            lines.append(f"{target.name}: {redacted(upload.url)}{again}")
        uploaded = [upload.url for _, upload in done]
        raise PublishError("\n".join(lines), uploaded=uploaded) from error


def _file_name(name: str, tree_hash: TreeHash) -> str:
    """Give the file name of an archive, without its ending."""
    return f"{_UNSAFE.sub('-', name)}-{str(tree_hash)[:_HASH_DIGITS]}"


def _source(upload: Upload, archive: Archive, tree_hash: TreeHash) -> DownloadSource:
    """Give the entry's source for an upload, after downloading and verifying it.

    Raises:
        PublishError: The download fails, or gives something else.
    """
    if not upload.is_public:
        return DownloadSource(url=upload.url, sha256=archive.sha256, size=archive.size)
    try:
        settings = Settings.from_environ()
        read = archive_reader(settings)
        with HttpFetcher(settings) as fetcher:
            received = receive(fetcher, upload.url, read, promised=archive.sha256)
        tree = received.content
    except DownloadError as error:
        there = "already there" if upload.existed else "uploaded"
        msg = f"{there}, but it can't be downloaded from its public URL: {error}"
        raise PublishError(msg) from error
    except UnpackError as error:
        raise _other_content(upload, error) from error
    try:
        require_tree(tree_hash, tree.tree_hash, tree.git_hash, redacted(upload.url))
        # Another zlib may pack the same tree into different bytes.
        if not upload.existed:
            require_archive(archive.sha256, received.sha256, redacted(upload.url))
    except HashMismatchError as error:
        raise _other_content(upload, error) from error
    return DownloadSource(url=upload.url, sha256=received.sha256, size=received.size)


def _other_content(upload: Upload, error: FetchArtifactsError) -> PublishError:
    """Say that something else is downloaded, and what to do about it."""
    if not upload.existed:
        return PublishError(f"uploaded, but something else is downloaded: {error}")
    return PublishError(
        f"a file of that name is there already, and is something else: {error}; "
        "delete it there and run this again, or publish to another place"
    )
