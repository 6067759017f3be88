"""Julia's ``Pkg.Artifacts``, function for function, without the exclamation marks.

The names, arguments and results are Julia's, with Python's types: a hash is a
`TreeHash` (where one is asked for, its hex does too), a path a ``Path``, ``nothing`` is
None. Where Julia logs an error and returns nothing, this logs a warning and returns
None; where Julia raises, this raises.

A ``platform`` is a `Platform` or a triplet; without one, this machine's. Text that is
neither a triplet nor a hash, where one is asked for, raises a PlatformError or a
HashParseError.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

from fetch_artifacts.artifacts_toml import binding as _binding
from fetch_artifacts.artifacts_toml import choosing as _choosing
from fetch_artifacts.artifacts_toml import file as _file
from fetch_artifacts.artifacts_toml import slash as _slash
from fetch_artifacts.artifacts_toml.entry import ArtifactEntry, DownloadSource
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.artifacts_toml.slash import SlashLookup, split_artifact_slash
from fetch_artifacts.authoring import build as _build
from fetch_artifacts.depot import artifacts as _artifacts
from fetch_artifacts.depot import overrides as _overrides
from fetch_artifacts.depot.package_overrides import (
    PROCESS_OVERRIDES as _PROCESS_OVERRIDES,
)
from fetch_artifacts.depot.stack import (
    artifacts_dirs,
    depot_path,
    with_artifacts_directory,
)
from fetch_artifacts.depot.usage.log import mark_used as _mark_used
from fetch_artifacts.digests import Sha256, TreeHash, as_tree_hash
from fetch_artifacts.errors import ArgumentTypeError
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.install import installer as _installer
from fetch_artifacts.install import sources as _sources
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.platforms.platform import Platform, as_platform
from fetch_artifacts.platforms.tags import REQUIRED_TAGS
from fetch_artifacts.settings.project import project_of
from fetch_artifacts.terminal import progress as _progress

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from fetch_artifacts.terminal.progress import Progress

__all__ = [
    "SlashLookup",
    "archive_artifact",
    "artifact_exists",
    "artifact_hash",
    "artifact_meta",
    "artifact_path",
    "artifact_paths",
    "artifact_slash_lookup",
    "artifacts_dirs",
    "bind_artifact",
    "create_artifact",
    "depot_path",
    "download_artifact",
    "ensure_all_artifacts_installed",
    "ensure_artifact_installed",
    "extract_all_hashes",
    "find_artifacts_toml",
    "load_artifacts_toml",
    "load_overrides",
    "pack_platform",
    "query_override",
    "remove_artifact",
    "select_downloadable_artifacts",
    "split_artifact_slash",
    "unbind_artifact",
    "unpack_platform",
    "verify_artifact",
    "with_artifacts_directory",
]

_log: Final = logging.getLogger(__name__)

StrPath: TypeAlias = "str | os.PathLike[str]"
AnyHash: TypeAlias = "TreeHash | str"
AnyPlatform: TypeAlias = "Platform | str | None"
Package: TypeAlias = "UUID | str | None"


def _platform(platform: AnyPlatform, toml: Path | None) -> Platform:
    choice = host_platform if platform is None else as_platform(platform)
    return _choosing.resolve_platform(choice, toml)


def _table(
    toml: StrPath | Mapping[str, Any], pkg_uuid: Package
) -> tuple[Mapping[str, Any], Path | None]:
    """The table of a file, empty if it is missing, and the path of the file."""
    if isinstance(toml, Mapping):
        return toml, None
    path = Path(toml)
    if not path.is_file():
        return {}, path
    return load_artifacts_toml(path, pkg_uuid=pkg_uuid), path


def load_artifacts_toml(
    artifacts_toml: StrPath, *, pkg_uuid: Package = None
) -> Mapping[str, Any]:
    """Read a file; the mapping must not be changed.

    Julia: ``load_artifacts_toml`` (Artifacts.jl:341-375).

    Args:
        artifacts_toml: The file.
        pkg_uuid: The package it belongs to; its overrides by name apply from now on.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: It can't be read.
        OverrideError: A name of it that is overridden has an entry without a hash.
    """
    table = _file.load_artifacts_toml(artifacts_toml)
    if pkg_uuid is not None:
        _PROCESS_OVERRIDES.add(pkg_uuid, table, Path(artifacts_toml))
    return table


def artifact_meta(
    name: str,
    artifacts_toml: StrPath | Mapping[str, Any],
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
) -> dict[str, Any] | None:
    """Give the entry that is bound to a name, None where there is none that fits.

    Julia: ``artifact_meta`` (Artifacts.jl:389-433).

    Raises:
        ArtifactsTomlError: The file, or the entry, can't be read.
    """
    table, path = _table(artifacts_toml, pkg_uuid)
    return _choosing.artifact_meta(
        name, table, platform=_platform(platform, path), path=path
    )


def artifact_hash(
    name: str,
    artifacts_toml: StrPath | Mapping[str, Any],
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,  # noqa: ARG001 - as in Julia
) -> TreeHash | None:
    """Give the hash that is bound to a name, None where there is none that fits.

    Julia: ``artifact_hash`` (Artifacts.jl:445-454), which does not look at
    ``pkg_uuid`` either.

    Raises:
        ArtifactsTomlError: The file, or the entry, can't be read.
    """
    table, path = _table(artifacts_toml, None)
    return _choosing.artifact_hash(
        name, table, platform=_platform(platform, path), path=path
    )


def select_downloadable_artifacts(
    artifacts_toml: StrPath | Mapping[str, Any],
    *,
    platform: AnyPlatform = None,
    include_lazy: bool = False,
    pkg_uuid: Package = None,
) -> dict[str, dict[str, Any]]:
    """Give the entries that fit and have a download, by name.

    Julia: ``select_downloadable_artifacts`` (Artifacts.jl:456-497).

    Raises:
        ArtifactsTomlError: The file, or some entry, can't be read.
    """
    table, path = _table(artifacts_toml, pkg_uuid)
    return _choosing.select_downloadable_artifacts(
        table, platform=_platform(platform, path), include_lazy=include_lazy, path=path
    )


def extract_all_hashes(
    artifacts_toml: StrPath | Mapping[str, Any],
    *,
    platform: AnyPlatform = None,
    include_lazy: bool = False,
    pkg_uuid: Package = None,
) -> tuple[TreeHash, ...]:
    """Give the hashes of all entries that fit, with a download or without.

    Julia: ``extract_all_hashes`` (Pkg.jl Artifacts.jl:619-649).

    Raises:
        ArtifactsTomlError: The file, or some entry, can't be read.
    """
    table, path = _table(artifacts_toml, pkg_uuid)
    return _choosing.extract_all_hashes(
        table, platform=_platform(platform, path), include_lazy=include_lazy, path=path
    )


def artifact_slash_lookup(
    name: str,
    artifacts_toml: StrPath | Mapping[str, Any],
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
) -> SlashLookup:
    """Give the name, the path inside the artifact and the hash that a text means.

    Julia: ``artifact_slash_lookup`` (Artifacts.jl:652-663).

    Raises:
        ArtifactNotFoundError: No entry of that name fits.
        ArtifactsTomlError: The file, or the entry, can't be read.
    """
    table, path = _table(artifacts_toml, pkg_uuid)
    return _slash.artifact_slash_lookup(
        name, table, platform=_platform(platform, path), path=path
    )


def load_overrides(*, force: bool = False) -> _overrides.Overrides:
    """Read the Overrides.toml of all depots; the first depot wins.

    Julia: ``load_overrides`` (Artifacts.jl:111-193). There only `force` makes a change
    count; here each change of a file does.

    Args:
        force: Whether to read the files again even where they look unchanged.

    Raises:
        OverrideError: A file can't be read.
    """
    return _overrides.load_overrides(artifacts_dirs(), force=force)


def query_override(
    tree_hash: AnyHash | None = None,
    *,
    pkg_uuid: Package = None,
    name: str | None = None,
) -> Path | None:
    """Give the path that an override leads to, None where there is no override.

    Julia: ``query_override`` (Artifacts.jl:195-216), by hash, or by package and name.

    Raises:
        OverrideError: The overrides can't be followed.
        ArgumentTypeError: Neither a hash nor a package and a name was given.
    """
    found = _PROCESS_OVERRIDES.present()
    if tree_hash is not None:
        target = found.resolve(as_tree_hash(tree_hash))
    elif pkg_uuid is not None and name is not None:
        target = found.resolve_name(pkg_uuid, name)
    else:
        msg = "query_override: expected a hash, or pkg_uuid and name"
        raise ArgumentTypeError(msg)
    return _artifacts.artifact_path(target) if isinstance(target, TreeHash) else target


def artifact_paths(
    tree_hash: AnyHash, *, honor_overrides: bool = True
) -> tuple[Path, ...]:
    """List every place where a tree may be, whether or not it is there.

    Julia: ``artifact_paths`` (Artifacts.jl:224-234).

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return _artifacts.artifact_paths(
        as_tree_hash(tree_hash), honor_overrides=honor_overrides
    )


def artifact_path(tree_hash: AnyHash, *, honor_overrides: bool = True) -> Path:
    """Give the folder of a tree, or where it would be installed.

    Julia: ``artifact_path`` (Artifacts.jl:245-258).

    Raises:
        DepotError: There is no depot at all.
        OverrideError: An Overrides.toml can't be followed.
    """
    return _artifacts.artifact_path(
        as_tree_hash(tree_hash), honor_overrides=honor_overrides
    )


def artifact_exists(tree_hash: AnyHash, *, honor_overrides: bool = True) -> bool:
    """Whether some depot has the tree.

    Julia: ``artifact_exists`` (Artifacts.jl:270-272).

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    return _artifacts.artifact_exists(
        as_tree_hash(tree_hash), honor_overrides=honor_overrides
    )


@overload
def ensure_artifact_installed(
    name: str,
    artifacts_toml: StrPath,
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
    verbose: bool = False,
    progress: Progress | None = None,
) -> Path: ...


@overload
def ensure_artifact_installed(
    name: str,
    meta: Mapping[str, Any],
    artifacts_toml: StrPath,
    /,
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
    verbose: bool = False,
    progress: Progress | None = None,
) -> Path: ...


def ensure_artifact_installed(  # noqa: PLR0913 - Julia's parameters
    name: str,
    artifacts_toml: StrPath | Mapping[str, Any],
    toml_of_meta: StrPath | None = None,
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
    verbose: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Give the folder of an artifact; install it first where it is missing.

    Julia: ``ensure_artifact_installed`` (Pkg.jl Artifacts.jl:429-533), with a file, or
    with an entry as `artifact_meta` gives it and the file that it is from.

    Raises:
        ArtifactNotFoundError: The name is not in the file, or not for this platform.
        ArtifactsTomlError: The file, or the entry, can't be read.
        InstallError: No source gave it; each is named with its reason.
        DepotError: The first depot can't be written.
        ArgumentTypeError: An entry is given without the file that it is from.
    """
    if isinstance(artifacts_toml, Mapping):
        if toml_of_meta is None:
            msg = "ensure_artifact_installed: expected toml_of_meta, the entry's file"
            raise ArgumentTypeError(msg)
        path = Path(absolute(toml_of_meta))
        place = Place.of(name, path)
        entry = ArtifactEntry.from_entry(name, artifacts_toml, None, place)
    else:
        path = Path(absolute(artifacts_toml))
        load_artifacts_toml(path, pkg_uuid=pkg_uuid)
        entry = _choosing.entry_for(name, path, _platform(platform, path))
    _mark_used(str(path))
    with (
        project_of(path),
        _progress.show_progress(verbose=verbose) as bar,
        _installer.Installer(progress=progress or bar) as installer,
    ):
        return installer.ensure(entry)


def ensure_all_artifacts_installed(
    artifacts_toml: StrPath,
    *,
    platform: AnyPlatform = None,
    pkg_uuid: Package = None,
    include_lazy: bool = False,
    verbose: bool = False,
) -> None:
    """Install all entries of a file that fit and have a download.

    Julia: ``ensure_all_artifacts_installed`` (Pkg.jl Artifacts.jl:576-621), deprecated
    since 1.6; `fetch_artifacts.install_artifacts` downloads several at a time.

    Raises:
        ArtifactsTomlError: The file, or some entry, can't be read.
        InstallError: No source gave one of them; the others may be missing as well.
        DepotError: The first depot can't be written.
    """
    msg = "ensure_all_artifacts_installed is deprecated; use install_artifacts"
    warnings.warn(msg, DeprecationWarning, stacklevel=2)
    chosen = select_downloadable_artifacts(
        artifacts_toml, platform=platform, include_lazy=include_lazy, pkg_uuid=pkg_uuid
    )
    for name, meta in chosen.items():
        ensure_artifact_installed(name, meta, artifacts_toml, verbose=verbose)


def unpack_platform(
    entry: Mapping[str, Any], name: str, artifacts_toml: StrPath
) -> Platform | None:
    """The platform of an entry, None with a warning where it lacks ``os`` or ``arch``.

    Julia: ``unpack_platform`` (Artifacts.jl:281-303), which logs an error there.

    Args:
        entry: One element of an artifact's array.
        name: The artifact, for messages.
        artifacts_toml: The file, for messages.

    Raises:
        PlatformError: A tag is malformed.
    """
    for key in REQUIRED_TAGS:
        if key not in entry:
            place = Place.of(name, Path(artifacts_toml))
            _log.warning("%s", place.expected("a string", entry, key))
            return None
    return Platform.from_entry(entry)


def pack_platform(meta: dict[str, Any], platform: Platform | str) -> dict[str, Any]:
    """Put the tags of a platform into an entry, and return the entry.

    Julia: ``pack_platform!`` (Artifacts.jl:305-312), which changes its argument too.

    Raises:
        PlatformError: It is not a triplet.
    """
    meta.update(as_platform(platform).to_entry())
    return meta


def download_artifact(
    tree_hash: AnyHash,
    tarball_url: str,
    tarball_hash: str | None = None,
    *,
    verbose: bool = False,
    progress: Progress | None = None,
) -> None:
    """Install a tree from one URL, where no depot has it yet.

    Julia: ``download_artifact`` (Pkg.jl Artifacts.jl:324-416), which returns an error
    instead of raising it.

    Args:
        tree_hash: The tree.
        tarball_url: Where its archive is.
        tarball_hash: The archive's sha256; without it, only the tree is verified.
        verbose: Whether to report the install on standard error.
        progress: Called with a `ProgressEvent` at each step.

    Raises:
        InstallError: The URL did not give the tree.
        HashParseError: A hash is malformed.
        DepotError: The first depot can't be written.
    """
    tree = str(as_tree_hash(tree_hash))
    entry = ArtifactEntry.from_entry(
        tree, {"git-tree-sha1": tree}, None, Place.of(tree, None)
    )
    sha256 = None if tarball_hash is None else Sha256.parse(tarball_hash)
    with (
        _progress.show_progress(verbose=verbose) as bar,
        _installer.Installer(progress=progress or bar) as installer,
    ):
        installer.ensure(entry, [_sources.Source(url=tarball_url, sha256=sha256)])


def create_artifact(fill: Callable[[Path], object]) -> TreeHash:
    """Let ``fill`` make a tree in an empty folder, and install it by its hash.

    Julia: ``create_artifact`` (Pkg.jl Artifacts.jl:29-103).

    Raises:
        DepotError: The first depot can't be written.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    return _build.create_artifact(fill)


def remove_artifact(tree_hash: AnyHash) -> None:
    """Delete a tree from every depot; an overridden one is left alone.

    Julia: ``remove_artifact`` (Pkg.jl Artifacts.jl:117-131).

    Raises:
        DepotError: A folder could not be deleted.
        OverrideError: An Overrides.toml can't be followed.
    """
    _artifacts.remove_artifact(as_tree_hash(tree_hash))


def verify_artifact(tree_hash: AnyHash, *, honor_overrides: bool = False) -> bool:
    """Whether an installed tree still hashes to its name.

    Julia: ``verify_artifact`` (Pkg.jl Artifacts.jl:140-155).

    Raises:
        OverrideError: An Overrides.toml can't be followed.
        UnhashableFileError: The tree holds what git can't store or what can't be read.
    """
    return _artifacts.verify_artifact(
        as_tree_hash(tree_hash), honor_overrides=honor_overrides
    )


def archive_artifact(
    tree_hash: AnyHash, tarball_path: StrPath, *, honor_overrides: bool = False
) -> Sha256:
    """Write an installed artifact to a gzipped tarball; return the file's sha256.

    Julia: ``archive_artifact`` (Pkg.jl Artifacts.jl:164-182). Ours is reproducible.

    Raises:
        DepotError: No depot has the tree.
        OverrideError: The tree is overridden, and ``honor_overrides`` was not given.
        OSError: The tarball can't be written.
    """
    return _build.archive_artifact(
        as_tree_hash(tree_hash), Path(tarball_path), honor_overrides=honor_overrides
    ).sha256


def bind_artifact(  # noqa: PLR0913 - Julia's parameters
    artifacts_toml: StrPath,
    name: str,
    tree_hash: AnyHash,
    *,
    platform: AnyPlatform = None,
    download_info: Iterable[tuple[str, str] | tuple[str, str, int]] | None = None,
    lazy: bool = False,
    force: bool = False,
) -> None:
    """Bind a name to a tree; the file is made if there is none.

    Julia: ``bind_artifact!`` (Pkg.jl Artifacts.jl:203-280), by 1.12's rules. All of
    the file is rewritten, and comments are lost.

    Args:
        artifacts_toml: The file; its folder must exist.
        name: The name.
        tree_hash: The tree.
        platform: What the tree is for; here None means every platform.
        download_info: For each source its URL, its sha256 and, where known, its size
            in bytes.
        lazy: Whether Julia is to install it on first use only.
        force: Whether a binding for the same platform is replaced.

    Raises:
        BindingExistsError: The name is bound for this platform already.
        ArtifactsTomlError: The file can't be read.
        HashParseError: A hash is malformed.
        OSError: The file can't be written.
    """
    sources = None
    if download_info is not None:
        sources = tuple(
            DownloadSource(
                url=url, sha256=Sha256.parse(sha256), size=size[0] if size else None
            )
            for url, sha256, *size in download_info
        )
    binding = _binding.Binding(
        name=name,
        tree_hash=as_tree_hash(tree_hash),
        downloads=sources,
        platform=None if platform is None else as_platform(platform),
        lazy=lazy,
    )
    _binding.bind(artifacts_toml, binding, force=force, keep_comments=False)
    _mark_used(absolute(artifacts_toml), anew=True)


def unbind_artifact(
    artifacts_toml: StrPath, name: str, *, platform: AnyPlatform = None
) -> None:
    """Remove a name, or its binding for one platform; a name that is not there is fine.

    Julia: ``unbind_artifact!`` (Pkg.jl Artifacts.jl:289-311).

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: The file can't be read.
        OSError: It can't be written.
    """
    chosen = None if platform is None else as_platform(platform)
    _binding.unbind(artifacts_toml, name, platform=chosen, keep_comments=False)
