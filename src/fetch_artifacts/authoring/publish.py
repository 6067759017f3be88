"""From a folder to an entry that everybody can install, in one step.

Archive the folder, put the archive in its place, download it again from where everybody
does, verify both hashes, and only then bind them.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.tree import read_archive
from fetch_artifacts.archive.writer import (
    archive_directory,
    choose_compression,
    usual_ending,
)
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.authoring.binding import bind_tree, refuse_bound
from fetch_artifacts.authoring.targets.folder import FolderTarget, FsspecTarget
from fetch_artifacts.authoring.targets.github import GistTarget, ReleaseTarget
from fetch_artifacts.authoring.targets.zenodo import SANDBOX, ZENODO, ZenodoTarget
from fetch_artifacts.errors import DownloadError, PublishError, UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.receive import receive
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.writer import require_folder

if TYPE_CHECKING:
    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.targets.target import Target, Upload
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform

_HASH_DIGITS: Final = 12
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_RELEASE: Final = re.compile(r"([^/@]+/[^/@]+)@(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An artifact that was published and bound.

    Attributes:
        tree_hash: Its tree.
        source: Where its archive can be had.
        note: What its author still has to do, or "".
    """

    tree_hash: TreeHash
    source: DownloadSource
    note: str


def target_for(
    text: str,
    *,
    url_base: str | None = None,
    final: bool = False,
    title: str = "",
    creators: tuple[str, ...] = (),
) -> Target:
    """Give the target that a user names.

    Args:
        text: ``dir:PATH``, an address for fsspec such as ``s3://bucket/prefix``,
            ``github:OWNER/REPOSITORY@TAG``, ``gist``, ``gist:public``, or ``zenodo`` or
            ``zenodo-sandbox``, either with ``:NUMBER`` for a draft that exists.
        url_base: The URL of a folder's files.
        final: Whether a deposit is published, for ever.
        title: What a new deposit is called.
        creators: Its authors.

    Raises:
        PublishError: There is no such target, or the URL of its files is missing.
    """
    settings = Settings.from_environ()
    kind, _, rest = text.partition(":")
    if (kind == "dir" and rest) or "://" in text:
        if not url_base:
            msg = f"{text}: expected the URL under which its files are served"
            raise PublishError(msg)
        if kind == "dir":
            return FolderTarget(folder=Path(rest), url_base=url_base)
        return FsspecTarget(folder=text, url_base=url_base)
    if kind == "github" and (release := _RELEASE.fullmatch(rest)):
        return ReleaseTarget(settings=settings, repository=release[1], tag=release[2])
    if text in {"gist", "gist:public"}:
        return GistTarget(settings=settings, public=rest == "public")
    if kind in {"zenodo", "zenodo-sandbox"} and (not rest or rest.isdecimal()):
        return ZenodoTarget(
            settings=settings,
            site=ZENODO if kind == "zenodo" else SANDBOX,
            deposit=int(rest) if rest else None,
            final=final,
            title=title,
            creators=creators,
        )
    msg = (
        f"{text}: expected dir:PATH, an address such as s3://bucket/prefix, "
        "github:OWNER/REPOSITORY@TAG, gist, gist:public, zenodo or zenodo-sandbox"
    )
    raise PublishError(msg)


def publish(  # noqa: PLR0913 - what an entry consists of
    directory: Path,
    name: str,
    target: Target,
    toml: Path,
    *,
    compression: str | None = "auto",
    platform: Platform | None = None,
    lazy: bool = False,
    force: bool = False,
    keep_comments: bool | None = None,
) -> Published:
    """Publish a folder, and bind it.

    The archive is called after the name and the tree, so what is published under such
    a name stays what it is. Where there is one already, it must hold the same tree.

    Args:
        directory: The folder.
        name: The name to bind it to.
        target: Where to publish it.
        toml: The Artifacts.toml, as an absolute path; it is made if there is none.
        compression: How to compress the archive; ``"auto"`` is gzip.
        platform: What the tree is built for, None for every platform.
        lazy: Whether it is to be installed on first use only.
        force: Whether an existing binding is replaced.
        keep_comments: Whether all other lines of the file stay as they are. None: in a
            file that Julia, or this package, did not write.

    Raises:
        BindingExistsError: The name is bound already.
        ArchiveError: It is no folder, or there is no such compression.
        UnhashableFileError: It holds what can't be archived.
        PublishError: The archive did not get there, or something else is there now.
            Nothing was bound.
        ArtifactsTomlError: The file can't be read.
    """
    refuse_bound(toml, name, platform=platform, force=force)
    chosen = choose_compression(None, compression)
    require_folder(directory)
    tree_hash = hash_directory(directory)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = _file_name(name, tree_hash) + usual_ending(chosen)
        archive = archive_directory(directory, Path(folder, file), chosen)
        upload = target.upload(archive)
    source = _source(upload, archive, tree_hash)
    bind_tree(
        toml,
        name,
        tree_hash,
        [source],
        platform=platform,
        lazy=lazy,
        force=force,
        keep_comments=keep_comments,
    )
    return Published(tree_hash=tree_hash, source=source, note=upload.note)


def _file_name(name: str, tree_hash: TreeHash) -> str:
    """What an archive is called, without its ending."""
    return f"{_UNSAFE.sub('-', name)}-{str(tree_hash)[:_HASH_DIGITS]}"


def _source(upload: Upload, archive: Archive, tree_hash: TreeHash) -> DownloadSource:
    """What can be had from where an archive was put.

    Raises:
        PublishError: It is something else, or nothing.
    """
    if not upload.is_public:
        return DownloadSource(url=upload.url, sha256=archive.sha256, size=archive.size)
    try:
        with HttpFetcher(Settings.from_environ()) as fetcher:
            received = receive(fetcher, upload.url, read_archive)
        found = received.content.tree_hash
    except (DownloadError, UnpackError) as error:
        msg = f"uploaded, but it can't be had from where everybody looks: {error}"
        raise PublishError(msg) from error
    # Who packed the same tree with another zlib got other bytes; that is no matter.
    same = upload.existed or received.sha256 == archive.sha256
    if found != tree_hash or not same:
        msg = (
            f"{upload.url}: expected the tree {tree_hash} in an archive of sha256 "
            f"{archive.sha256}, found {found} in {received.sha256}; nothing was bound"
        )
        raise PublishError(msg)
    return DownloadSource(url=upload.url, sha256=received.sha256, size=received.size)
