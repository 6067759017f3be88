"""Looking up a name in an Artifacts.toml, and installing what is missing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts.artifacts_toml.choosing import entry_for, resolve_platform
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.slash import check_tail, split_artifact_slash
from fetch_artifacts.depot.installed import (
    contents_of,
    find_installed,
    locate_entry,
)
from fetch_artifacts.depot.package_overrides import PROCESS_OVERRIDES
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.usage.log import mark_used
from fetch_artifacts.errors import (
    ArgumentTypeError,
    ArtifactFileNotFoundError,
    ArtifactNotFoundError,
    ArtifactNotInstalledError,
    JuliaError,
    NoMatchingPlatformError,
)
from fetch_artifacts.install.warm import Watch, known_path
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.settings.project import project_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import TreeLocation
    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.terminal.progress import Progress

_hooks_looked_for: Final[set[str]] = set()

AnyPlatform: TypeAlias = "Platform | str | None"
"""A platform, its triplet, or None for this machine."""


def wanted(platform: AnyPlatform) -> Platform | Callable[[], Platform]:
    """Give the platform to choose for, or a function that finds out the host's.

    Raises:
        PlatformError: The triplet is not one.
    """
    if platform is None:
        return host_platform
    from fetch_artifacts.platforms.platform import as_platform

    return as_platform(platform)


def locate(
    name: str,
    toml: str,
    *,
    platform: AnyPlatform = None,
    download: bool = True,
    run_hook: bool = False,
    verbose: bool = False,
) -> Path:
    """Give the path of an artifact, or of something in it; install it if missing.

    Args:
        name: The artifact's name, with or without a path inside the artifact.
        toml: The Artifacts.toml, as an absolute path.
        platform: What to choose the entry for.
        download: Whether what is missing may be installed.
        run_hook: Whether a real Julia runs the package's hook to choose the entry.
        verbose: Whether to report the install on standard error, terminal or not.

    Raises:
        FetchArtifactsError: See `fetch_artifacts.artifact`.
    """
    watch = None
    if platform is None and not run_hook:
        known = known_path(name, toml)
        if known is not None:
            return known
        watch = Watch(name, toml)
    found, entry, tree = _locate(
        name, toml, platform, download=download, run_hook=run_hook, verbose=verbose
    )
    if watch and entry.platform is None and entry.archive_sha256 is None:
        watch.keep(found, tree)
    return found


def _locate(
    name: str,
    toml: str,
    platform: AnyPlatform,
    *,
    download: bool,
    run_hook: bool,
    verbose: bool,
) -> tuple[Path, ArtifactEntry, Path]:
    """Give the path that was asked for, the entry, and the folder of its tree."""
    tail = ""
    if ("/" in name or "\\" in name) and name not in load_artifacts_toml(toml):
        name, tail = split_artifact_slash(name)
        check_tail(tail)
    entry = entry_for(
        name, _chosen(toml, platform, run_hook=run_hook), wanted(platform)
    )
    if entry.platform is not None and platform is None and not run_hook:
        warn_of_hook(toml)
    stack = DepotStack.present()
    location = locate_entry(entry, stack, toml=toml)
    path = None if location is None else location.installed()
    if path is None and not download:
        raise _not_installed(entry, toml)
    if mark_used(toml, stack) and location:  # from here on, no gc deletes it
        path = location.installed()
    if path is None:
        path = _install(entry, location, toml, verbose=verbose)
    if entry.archive_sha256 is not None:
        path = contents_of(entry, path)
    return path / tail if tail else path, entry, path


def no_name(given: object) -> ArgumentTypeError:
    """The error for an artifact's name that is not a string."""
    hint = f"; write {str(given)!r}" if isinstance(given, os.PathLike) else ""
    msg = f"name: expected an artifact's name as text, found {given!r}{hint}"
    return ArgumentTypeError(msg)


def require_path(path: Path, name: str) -> None:
    """Make sure that a path inside an artifact exists.

    Args:
        path: The path.
        name: The artifact and the path inside it, as they were asked for.

    Raises:
        ArtifactFileNotFoundError: It does not; the message has the nearest name that
            is there.
    """
    if os.path.lexists(path):
        return
    from fetch_artifacts.spelling import nearest_name

    there, missing = path.parent, path.name
    while not there.is_dir():
        there, missing = there.parent, there.name
    names = sorted(os.listdir(there))
    nearest = nearest_name(missing, names)
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    msg = f"{name}: expected {missing!r} in {there}, found none{hint}"
    raise ArtifactFileNotFoundError(msg, name=name)


def is_installed(name: str, toml: str, *, platform: AnyPlatform = None) -> bool:
    """Whether some depot has the artifact.

    False for a name that is not bound, or for other platforms only.

    Raises:
        FetchArtifactsError: The file can't be read.
    """
    try:
        entry = entry_for(name, toml, wanted(platform))
    except ArtifactNotFoundError:
        return False
    return find_installed(entry, toml=toml) is not None


def entries_in(
    toml: str,
    names: Iterable[str] | None = None,
    *,
    platform: AnyPlatform = None,
    include_lazy: bool = False,
    run_hook: bool = False,
) -> list[ArtifactEntry]:
    """Give the entries of these names, or of all that suit the platform.

    Args:
        toml: The Artifacts.toml, as an absolute path.
        names: The names; None for all.
        platform: What to choose entries for.
        include_lazy: Whether to include lazy ones where no names are given.
        run_hook: Whether a real Julia runs the package's hook to choose them.

    Raises:
        FetchArtifactsError: See `fetch_artifacts.install_artifacts`.
    """
    if isinstance(names, str):
        msg = f"names: expected several names, found one, {names!r}; write [{names!r}]"
        raise ArgumentTypeError(msg)
    choice = wanted(platform)
    table = _chosen(toml, platform, run_hook=run_hook)
    if names is not None:
        return [entry_for(name, table, choice) for name in names]
    entries = []
    for name in load_artifacts_toml(toml) if isinstance(table, str) else table:
        with contextlib.suppress(NoMatchingPlatformError):
            entries.append(entry_for(name, table, choice))
    if any(entry.platform for entry in entries) and not (platform or run_hook):
        warn_of_hook(toml)
    return [entry for entry in entries if include_lazy or not entry.lazy]


def install_all(
    entries: Iterable[ArtifactEntry],
    toml: str,
    *,
    jobs: int | None = None,
    report: Progress | None = None,
) -> dict[str, Path]:
    """Install entries of a file, several at once.

    Raises:
        FetchArtifactsError: See `fetch_artifacts.install_artifacts`.
    """
    from fetch_artifacts.install.installer import Installer
    from fetch_artifacts.install.inventory import log_choice
    from fetch_artifacts.terminal.progress import show_progress

    entries = list(entries)
    log_choice(entries, toml)
    PROCESS_OVERRIDES.add_file(toml)
    mark_used(toml)  # first: until then a gc may delete what is there
    with (
        project_of(toml),
        contextlib.nullcontext(report) if report else show_progress() as shown,
        Installer(progress=shown, toml=toml) as installer,
    ):
        installed = installer.ensure_all(entries, jobs=jobs)
    return {entry.name: contents_of(entry, installed[entry.name]) for entry in entries}


def _chosen(
    toml: str, platform: AnyPlatform, *, run_hook: bool
) -> str | Mapping[str, Any]:
    """The file, or what its package's hook chooses from it.

    Raises:
        JuliaError: There is no hook or no Julia, or the hook failed.
    """
    if not run_hook:
        return toml
    from fetch_artifacts.install import hook
    from fetch_artifacts.settings.environment import Settings

    script, julia = hook.find_hook(Path(toml)), Settings.from_environ().julia
    if script is None or julia is None:
        missing = "a Julia" if script else "a hook .pkg/select_artifacts.jl beside it"
        msg = f"{toml}: expected {missing} to choose its artifacts, found none"
        raise JuliaError(msg, julia=julia)
    choice = resolve_platform(wanted(platform), toml)
    return hook.run_hook(script, choice, julia=julia)


def warn_of_hook(toml: str) -> None:
    """Warn once per process and file that Julia would let a script choose."""
    if toml in _hooks_looked_for:
        return
    from fetch_artifacts.install import hook

    script = hook.find_hook(Path(toml))
    if script is not None:
        import logging

        logging.getLogger(__name__).warning("%s", hook.hook_warning(script))
    _hooks_looked_for.add(toml)


def _not_installed(entry: ArtifactEntry, toml: str) -> ArtifactNotInstalledError:
    msg = (
        f"{entry.name}: {entry.git_tree_sha1} of {toml} is not installed, and "
        "download=False forbids installing it"
    )
    return ArtifactNotInstalledError(msg, name=entry.name)


def _install(
    entry: ArtifactEntry, location: TreeLocation | None, toml: str, *, verbose: bool
) -> Path:
    from fetch_artifacts.install.installer import Installer
    from fetch_artifacts.install.inventory import log_choice
    from fetch_artifacts.terminal import progress

    log_choice([entry], toml)
    with (
        project_of(toml),
        progress.show_progress(verbose=verbose) as report,
        Installer(progress=report) as installer,
    ):
        return installer.ensure(entry, location=location)
