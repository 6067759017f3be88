"""The functions for authors: those of fetch-artifacts 0.1.0, and a few more.

A file that Julia or this package wrote is rewritten in Julia's bytes. In a file written
by hand, only the lines of the entry change.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from fetch_artifacts.archive.formats import Compression, julia_trouble
from fetch_artifacts.archive.writer import (
    archive_directory,
    choose_compression,
    usual_ending,
)
from fetch_artifacts.artifacts_toml.binding import (
    Binding,
    add_source,
    check_free,
    unbind,
)
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.authoring import build, sourcing
from fetch_artifacts.authoring.binding import bind_tree
from fetch_artifacts.digests import Sha256, TreeHash, as_tree_hash
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.files.scratch import kept_folder
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.platforms.platform import as_platform
from fetch_artifacts.settings.project import project_of
from fetch_artifacts.streams import sha256_of
from fetch_artifacts.tar.writer import require_folder
from fetch_artifacts.terminal.progress import show_progress

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from fetch_artifacts.authoring.build import ArtifactBuild
    from fetch_artifacts.platforms.platform import Platform

StrPath: TypeAlias = "str | os.PathLike[str]"
AnyPlatform: TypeAlias = "Platform | str | None"
AnyHash: TypeAlias = "TreeHash | str"
CompressionChoice: TypeAlias = Literal["auto", Compression]

_log = logging.getLogger(__name__)


class CreatedArtifact(TypedDict):
    """An archive that was written, in the words of an Artifacts.toml."""

    git_tree_sha1: str
    sha256: str
    archive_path: str
    size: int


class AddedArtifact(TypedDict):
    """What was bound: a tree and its first source."""

    git_tree_sha1: str
    sha256: str
    url: str
    size: int


class _Downloaded(TypedDict):
    url: str
    sha256: str
    size: int


class ArtifactInfo(_Downloaded, total=False):
    """What a URL gives; ``git_tree_sha1`` only where it was asked for."""

    git_tree_sha1: str


def create_artifact(
    directory: StrPath,
    archive_path: StrPath | None = None,
    compression: CompressionChoice | None = "auto",
) -> CreatedArtifact:
    """Archive a folder so that it can be published, and return both hashes.

    The contents are at the top level of the archive, links stay links, and the same
    folder gives the same bytes on any machine. (`build_artifact` and
    `artifact_from_directory` install a folder without an archive.)

    Args:
        directory: The folder.
        archive_path: The file to write, or to replace; without it, one that is named
            after the folder, in a new folder among the system's temporary files.
        compression: ``"gz"``, ``"xz"``, ``"bz2"``, ``"zst"`` (Julia 1.13 and later),
            or None for a plain tar (no Julia); ``"auto"`` goes by the ending of
            ``archive_path``, and is gzip where that says nothing.

    Raises:
        ArchiveError: It is not a folder, there is no such compression, or the archive's
            name promises another one (a ValueError).
        UnhashableFileError: The folder holds what can't be archived, or what can't be
            read (a ValueError).
        OSError: The archive can't be written; where TMPDIR is full, a DepotError.
    """
    folder = Path(absolute(directory))
    require_folder(folder)
    path = None if archive_path is None else Path(archive_path)
    chosen = choose_compression(path, compression)
    with ExitStack() as stack:
        if path is None:
            path = stack.enter_context(kept_folder("fetch-artifacts-"))
            path /= folder.name + usual_ending(chosen)
        if trouble := julia_trouble(chosen):
            _log.warning("%s: %s; gzip suits every version", path, trouble)
        tree_hash = hash_directory(folder)
        archive = archive_directory(folder, path, chosen)
    return {
        "git_tree_sha1": str(tree_hash),
        "sha256": str(archive.sha256),
        "archive_path": str(archive.path),
        "size": archive.size,
    }


def build_artifact() -> AbstractContextManager[ArtifactBuild]:
    """Give an empty folder to fill; it is installed by its hash as the block ends.

    Julia: ``create_artifact``. Nothing is installed if the block ends in an error::

        with build_artifact() as folder:
            table.to_csv(folder / "table.csv")
        bind_artifact(toml, "Table", folder.tree_hash, url, sha256)
        print(folder.path)

    Raises:
        DepotError: The first depot can't be written.
        UnhashableFileError: The folder holds what git can't store.
    """
    return build.build_artifact()


def artifact_from_directory(
    directory: StrPath, *, follow_symlinks: bool = False
) -> TreeHash:
    """Install a copy of a folder by its hash, and return the hash.

    ArtifactUtils.jl: ``artifact_from_directory``.

    Args:
        directory: The folder.
        follow_symlinks: Copy what links lead to in their place.

    Raises:
        ArchiveError: It is not a folder (a ValueError).
        DepotError: The first depot can't be written.
        UnhashableFileError: The folder holds what git can't store, or a link that is to
            be followed leads nowhere or back to a folder that it is in.
    """
    return build.artifact_from_directory(
        Path(directory), follow_symlinks=follow_symlinks
    )


def bind_artifact(  # noqa: PLR0913, PLR0917 - as in fetch-artifacts 0.1.0
    toml_path: StrPath,
    name: str,
    git_tree_sha1: AnyHash,
    download_url: str,
    sha256: str,
    lazy: bool = True,
    force: bool = False,
    *,
    platform: AnyPlatform = None,
    size: int | None = None,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name to a tree and the one source of its archive.

    Julia: ``bind_artifact!``; `fetch_artifacts.pkg_artifacts.bind_artifact` takes
    several sources, and none.

    Args:
        toml_path: The Artifacts.toml; it is made if there is none.
        name: The name.
        git_tree_sha1: The hash of the tree, 40 hex digits.
        download_url: The URL of the archive.
        sha256: The hash of the archive, 64 hex digits.
        lazy: Whether Julia is to install it on first use only.
        force: Whether an existing binding is replaced.
        platform: What the tree is built for; without it, every platform.
        size: The archive's length in bytes, where it is known.
        keep_comments: Whether all other lines of the file stay as they are. None: in a
            file that neither Julia nor this package wrote.

    Raises:
        BindingExistsError: The name is bound already (a ValueError).
        HashParseError: A hash is malformed (a ValueError).
        ArtifactsTomlError: The file can't be read (a ValueError).
        OSError: The file can't be written.
    """
    source = DownloadSource(url=download_url, sha256=Sha256.parse(sha256), size=size)
    binding = Binding(
        name=name,
        tree_hash=as_tree_hash(git_tree_sha1),
        downloads=(source,),
        platform=_platform(platform),
        lazy=lazy,
    )
    toml = Path(absolute(toml_path))
    bind_tree(toml, binding, force=force, keep_comments=keep_comments)


def unbind_artifact(
    toml_path: StrPath,
    name: str,
    *,
    platform: AnyPlatform = None,
    keep_comments: bool | None = None,
) -> bool:
    """Remove a name, or its binding for one platform; return whether there was one.

    Julia: ``unbind_artifact!``. What is installed stays.

    Args:
        toml_path: The Artifacts.toml.
        name: The name.
        platform: The platform, exactly as it is bound; None for all.
        keep_comments: As for `bind_artifact`.

    Raises:
        ArtifactsTomlError: The file can't be read (a ValueError).
        OSError: The file can't be written.
    """
    toml = Path(absolute(toml_path))
    if not toml.exists():
        return False
    return unbind(toml, name, platform=_platform(platform), keep_comments=keep_comments)


def add_artifact(  # noqa: PLR0913, PLR0917 - as in fetch-artifacts 0.1.0
    toml_path: StrPath,
    name: str,
    tarball_url: str | Sequence[str],
    lazy: bool = True,
    force: bool = False,
    clear: bool = True,
    verbose: bool = True,
    *,
    platform: AnyPlatform = None,
    keep_comments: bool | None = None,
) -> AddedArtifact:
    """Download an archive, and bind a name to its hashes and size.

    ArtifactUtils.jl: ``add_artifact!``.

    Args:
        toml_path: The Artifacts.toml; it is made if there is none.
        name: The name.
        tarball_url: The URL of the archive, or ``doi:10.5281/zenodo.1/a.tar.gz``; or
            several, best first, whose archives may differ, but not their tree.
        lazy: Whether Julia is to install it on first use only. True unless given, as in
            0.1.0; ArtifactUtils and the command ``add`` take False.
        force: Whether an existing binding is replaced.
        clear: Whether the download is discarded; if not, the artifact is installed.
        verbose: Whether progress is reported on standard error.
        platform: What the tree is built for; without it, every platform.
        keep_comments: As for `bind_artifact`.

    Raises:
        BindingExistsError: The name is bound already (a ValueError).
        DownloadError: A download fails or is incomplete (a RuntimeError).
        UnpackError: A download is not an archive, or is unsafe (a ValueError).
        TreeHashMismatchError: The archives contain different trees (a RuntimeError).
        DepotError: The artifact is to be installed, and the first depot can't be
            written (a RuntimeError).
        ArtifactsTomlError: The file can't be read (a ValueError).
        OSError: The file can't be written.
    """
    toml, built_for = Path(absolute(toml_path)), _platform(platform)
    urls = [tarball_url] if isinstance(tarball_url, str) else tarball_url
    check_free(toml, name, built_for, force=force)
    with project_of(toml), show_progress(verbose=verbose) as report:
        sourced = sourcing.download_sources(
            urls, name=name, keep=not clear, report=report
        )
    binding = Binding(
        name=name,
        tree_hash=sourced.tree_hash,
        downloads=tuple(sourced.sources),
        platform=built_for,
        lazy=lazy,
    )
    bind_tree(toml, binding, force=force, keep_comments=keep_comments)
    first = sourced.sources[0]
    return {
        "git_tree_sha1": str(sourced.tree_hash),
        "sha256": str(first.sha256),
        "url": first.url,
        "size": first.size or 0,
    }


def add_download_source(  # noqa: PLR0913 - four of 0.1.0, and options
    toml_path: StrPath,
    name: str,
    download_url: str,
    sha256: str,
    *,
    platform: AnyPlatform = None,
    check: bool = True,
    keep_comments: bool | None = None,
) -> None:
    """Add a URL of an artifact's archive, after the existing ones.

    Args:
        toml_path: The Artifacts.toml.
        name: The name of the artifact.
        download_url: The new URL.
        sha256: The hash of that archive; it may be another archive of the same tree.
        platform: Chooses among the platforms that the name is bound for.
        check: Whether the archive is downloaded and its tree compared.
        keep_comments: As for `bind_artifact`.

    Raises:
        ArtifactNotFoundError: The name is not in the file (a KeyError).
        ArtifactsTomlNotFoundError: There is no such file (a FileNotFoundError).
        BindingExistsError: The artifact has that source already (a ValueError).
        HashMismatchError: The archive or its tree differs (a RuntimeError).
        DownloadError: The download fails or is incomplete (a RuntimeError).
        UnpackError: The download is not an archive, or is unsafe (a ValueError).
        ArtifactsTomlError: The file can't be read (a ValueError).
    """
    toml, built_for = Path(absolute(toml_path)), _platform(platform)
    source = DownloadSource(url=download_url, sha256=Sha256.parse(sha256))
    if check:
        with project_of(toml):
            source = sourcing.check_source(
                toml, name, source.url, source.sha256, platform=built_for
            )
    add_source(toml, name, source, platform=built_for, keep_comments=keep_comments)


def query_artifact_info(
    url: str,
    compute_tree_hash: bool = True,
) -> ArtifactInfo:
    """Download a URL, and give its sha256, its size and its tree hash.

    Args:
        url: The URL. The download is not kept.
        compute_tree_hash: Whether it is an archive whose ``git_tree_sha1`` is wanted.

    Raises:
        DownloadError: The download fails or is incomplete (a RuntimeError).
        UnpackError: It is not an archive, or is unsafe (a ValueError).
    """
    received = sourcing.measure_download(url, as_archive=compute_tree_hash)
    info: ArtifactInfo = {
        "url": url,
        "sha256": str(received.sha256),
        "size": received.size,
    }
    tree = received.content
    if tree is not None:
        info["git_tree_sha1"] = str(tree.tree_hash)
    return info


def compute_sha256(filepath: StrPath) -> str:
    """Give the sha256 of a file, as 64 hex digits.

    Raises:
        OSError: The file can't be read.
    """
    with open_regular(filepath) as file:
        return str(sha256_of(file))


def compute_git_tree_sha1(directory: StrPath) -> str:
    """Give the git-tree-sha1 of a folder, as 40 hex digits; see `tree_hash`.

    Raises:
        UnhashableFileError: It holds what git can't store, or what can't be read (a
            ValueError).
        NotAFolderError: It is not a folder (a NotADirectoryError).
    """
    return str(hash_directory(directory))


def _platform(platform: AnyPlatform) -> Platform | None:
    return None if platform is None else as_platform(platform)
