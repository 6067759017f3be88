"""From a name in a file to the path of its tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fetch_artifacts import progress, usage_log
from fetch_artifacts.artifacts_toml import entry_for, load_artifacts_toml
from fetch_artifacts.depot import Depots
from fetch_artifacts.errors import ArtifactNotInstalledError
from fetch_artifacts.installed import find_installed
from fetch_artifacts.platforms import as_platform, host_platform
from fetch_artifacts.slash import check_tail, split_artifact_slash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetch_artifacts.entries import ArtifactEntry
    from fetch_artifacts.platforms import Platform
    from fetch_artifacts.progress import Progress

AnyPlatform: TypeAlias = "Platform | str | None"
"""A platform, its triplet, or None for this machine."""


def wanted(platform: AnyPlatform) -> Platform | Callable[[], Platform]:
    """The platform to choose for; the host is asked only where a choice needs it.

    Raises:
        PlatformError: The triplet is not one.
    """
    return host_platform if platform is None else as_platform(platform)


def record_use(toml: str, depots: Depots | None = None) -> None:
    """Tell Julia's gc that the file is in use, so that it keeps what the file binds.

    Julia: ``write_env_usage`` (Pkg.jl Types.jl:669-727).
    """
    root = (depots or Depots.present()).root
    if root is not None and not usage_log.already_recorded(root, toml):
        usage_log.record_usage(Path(root), [Path(toml)])


def locate(
    name: str,
    toml: str,
    *,
    platform: AnyPlatform = None,
    download: bool = True,
    verbose: bool = False,
) -> Path:
    """Give the path of an artifact, or of something in it; install it if missing.

    Args:
        name: The artifact's name, with or without a path inside the artifact.
        toml: The Artifacts.toml, as an absolute path.
        platform: What to choose the entry for.
        download: Whether what is missing may be installed.
        verbose: Whether to say so on standard error where that is no terminal.

    Raises:
        FetchArtifactsError: See `fetch_artifacts.artifact`.
    """
    tail = ""
    if ("/" in name or "\\" in name) and name not in load_artifacts_toml(toml):
        name, tail = split_artifact_slash(name)
        check_tail(tail)
    entry = entry_for(name, toml, wanted(platform))
    depots = Depots.present()
    path = find_installed(entry, depots)
    if path is None:
        path = _installed(entry, toml, download=download, verbose=verbose)
    record_use(toml, depots)
    return path / tail if tail else path


def is_installed(name: str, toml: str, *, platform: AnyPlatform = None) -> bool:
    """Whether some depot has the artifact; False for a name that is not bound.

    Raises:
        FetchArtifactsError: The file can't be read, or has the name for other
            platforms only.
    """
    if name not in load_artifacts_toml(toml):
        return False
    return find_installed(entry_for(name, toml, wanted(platform))) is not None


def install_all(
    names: Iterable[str],
    toml: str,
    *,
    platform: AnyPlatform = None,
    jobs: int | None = None,
    report: Progress | None = None,
) -> dict[str, Path]:
    """Install the artifacts of these names, several at once.

    Raises:
        FetchArtifactsError: See `fetch_artifacts.install_artifacts`.
    """
    from fetch_artifacts.install import Installer

    choice = wanted(platform)
    entries = [entry_for(name, toml, choice) for name in names]
    with Installer(progress=report) as installer:
        installed = installer.ensure_all(entries, jobs=jobs)
    record_use(toml)
    return installed


def _installed(
    entry: ArtifactEntry, toml: str, *, download: bool, verbose: bool
) -> Path:
    if not download:
        msg = (
            f"{entry.name}: {entry.git_tree_sha1} of {toml} is not installed, and "
            "download=False forbids to install it"
        )
        raise ArtifactNotInstalledError(msg, name=entry.name)
    from fetch_artifacts.install import Installer

    with (
        progress.shown(verbose=verbose) as report,
        Installer(progress=report) as installer,
    ):
        return installer.ensure(entry)
