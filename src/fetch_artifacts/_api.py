"""The functions of ``fetch_artifacts``; their defaults depend on the caller's file."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts.artifacts_toml.search import (
    archive_of,
    artifacts_toml_above,
    artifacts_toml_in,
    find_artifacts_toml,
)
from fetch_artifacts.artifacts_toml.shipped import in_place_of, shipped_above
from fetch_artifacts.depot.stack import (
    choose_folder_of,
    folder_of,
    make_folder,
    set_artifacts_directory,
    with_folder_of,
)
from fetch_artifacts.errors import ArgumentTypeError, ArtifactsTomlNotFoundError
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.install import lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor

    from fetch_artifacts._manager import ArtifactManager
    from fetch_artifacts.digests import Algorithm, TreeHash
    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.terminal.progress import Progress

StrPath: TypeAlias = "str | os.PathLike[str]"

_PACKAGE: Final = __name__.partition(".")[0]


def artifact(
    name: str,
    toml_path: StrPath | None = None,
    verbose: bool = False,
    *,
    platform: Platform | str | None = None,
    download: bool = True,
    must_exist: bool = False,
) -> Path:
    """Give the path of an artifact's folder; install the artifact first if missing.

    Julia: ``artifact"name"``, which installs only lazy ones. The path is the one that
    Julia gives. Its contents must not be changed; the files are read-only.

    Args:
        name: The name it is bound to, as in ``"MyData"``, or a path inside the
            artifact, as in ``"MyData/tables/a.csv"``; as in Julia, that path need not
            exist.
        toml_path: The Artifacts.toml, or the folder it is in. Without it: the one
            found from the calling source file upwards, up to the nearest
            Project.toml, also inside a zipapp; else from the working directory upwards.
        verbose: Whether to report installs on standard error. On a terminal and in a
            notebook, a progress bar is shown in any case.
        platform: A platform or its triplet, to choose the entry for; by default that
            of the Julia that this machine would run.
        download: Whether the artifact may be installed.
        must_exist: Whether a path inside the artifact has to exist.

    Raises:
        ArtifactsTomlNotFoundError: No Artifacts.toml was found (a FileNotFoundError).
        ArtifactNotFoundError: The name is not in the file (a KeyError).
        ArtifactFileNotFoundError: The artifact has no such path, and ``must_exist`` is
            True (a FileNotFoundError).
        NoMatchingPlatformError: It is there for other platforms only (a KeyError).
        ArtifactsTomlError: The file, or the entry, can't be read (a ValueError).
        ArtifactNotInstalledError: It is missing, and ``download`` is False.
        InstallError: No source gave it; each is named with its reason (a
            RuntimeError, as is the one before).
        DepotError: The first depot can't be written.
        OverrideError: An Overrides.toml can't be followed.
        SettingsError: An environment variable has a value that means nothing.
        PlatformError: ``platform`` is not a triplet (a ValueError).
        ArtifactPathError: A path inside the artifact leads out of it (a ValueError).
        ArgumentTypeError: The name is not a string, or ``toml_path`` not a path (a
            TypeError).
    """
    if not isinstance(name, str):
        raise lookup.no_name(name)
    toml = resolve_toml(toml_path)
    with with_folder_of(toml):
        path = lookup.locate(
            name, toml, platform=platform, download=download, verbose=verbose
        )
    if must_exist:
        lookup.require_path(path, name)
    return path


def artifact_exists(name: str, toml_path: StrPath | None = None) -> bool:
    """Whether some depot has the artifact; False for a name that is not there.

    Args:
        name: The name it is bound to.
        toml_path: As for `artifact`.

    Raises:
        FetchArtifactsError: As for `artifact`, where the file can't be read.
    """
    if not isinstance(name, str):
        raise lookup.no_name(name)
    toml = resolve_toml(toml_path)
    with with_folder_of(toml):
        return lookup.is_installed(name, toml)


def install_artifacts(  # noqa: PLR0913 - each has a default
    toml_path: StrPath | None = None,
    names: Iterable[str] | None = None,
    *,
    platform: Platform | str | None = None,
    include_lazy: bool = False,
    jobs: int | None = None,
    run_hook: bool = False,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Install several artifacts at once, and give their folders by name.

    On Linux, in a program with a single thread, forks of it install eight artifacts or
    more; they end before this function does. In all other cases, threads do.

    Julia: what ``Pkg.instantiate`` does for the artifacts of a project.

    Args:
        toml_path: As for `artifact`.
        names: What to install; without it, all that suit the platform and are not
            lazy.
        platform: As for `artifact`.
        include_lazy: Whether to include lazy ones where no names are given.
        jobs: How many downloads may run at once: JULIA_PKG_CONCURRENT_DOWNLOADS, or 8,
            by default.
        run_hook: Whether a real Julia runs the package's ``.pkg/select_artifacts.jl``
            to choose the entries, as Julia does.
        progress: Is called with a `ProgressEvent` at each step, in this thread or in
            several others, in place of the bars on a terminal and in a notebook.

    Raises:
        InstallError: Some could not be installed; all others are.
        JuliaError: The hook, or a Julia to run it, is missing, or it failed.
        FetchArtifactsError: As for `artifact`.
    """
    toml = resolve_toml(toml_path)
    entries = lookup.entries_in(
        toml, names, platform=platform, include_lazy=include_lazy, run_hook=run_hook
    )
    with with_folder_of(toml):
        return lookup.install_all(entries, toml, jobs=jobs, report=progress)


def load_artifacts(
    toml_path: StrPath | None = None,
    cache_dir: StrPath | None = None,
    verbose: bool = False,
) -> ArtifactManager:
    """Give the artifacts of a file, as a mapping from name to path.

    Args:
        toml_path: As for `artifact`.
        cache_dir: Where to install them, as ``<cache_dir>/<hash>``; the folder is made.
            From now on it is also where this process's functions that take
            ``toml_path`` look for the artifacts of this file, and where they install
            and delete them. By default the folder that was given last for the file,
            else the depots that Julia uses.
        verbose: As for `artifact`.

    Raises:
        ArtifactsTomlNotFoundError: No Artifacts.toml was found.
        ArtifactsTomlError: The file can't be read.
        DepotError: ``cache_dir`` can't be made.
    """
    from fetch_artifacts._manager import ArtifactManager

    toml = resolve_toml(toml_path)
    if cache_dir is None:
        return ArtifactManager(toml, folder_of(toml), verbose)
    manager = ArtifactManager(toml, cache_dir, verbose)
    choose_folder_of(toml, cache_dir)
    return manager


def clear_artifact_cache(
    name: str | None = None,
    toml_path: StrPath | None = None,
    *,
    force: bool = False,
) -> None:
    """Delete the artifact, or all artifacts of the file, from the first depot.

    What another Artifacts.toml in use names as well stays, with a warning; so does
    what an Overrides.toml sends elsewhere. Where `load_artifacts` was given a
    ``cache_dir`` for the file, only that is cleared.

    Args:
        name: The name it is bound to; all names of the file if None.
        toml_path: As for `artifact`.
        force: Whether to delete what others need, too.

    Raises:
        DepotError: A folder could not be deleted.
        FetchArtifactsError: As for `artifact`, where the file can't be read.
    """
    from fetch_artifacts._manager import ArtifactManager

    toml = resolve_toml(toml_path)
    with with_folder_of(toml):
        ArtifactManager(toml).clear(name, force=force)


def get_artifacts_toml(search_path: StrPath | None = None) -> Path | None:
    """Find an Artifacts.toml, None where there is none.

    Args:
        search_path: The file itself, or a folder to search from, upwards to the
            nearest Project.toml. Where nothing is found there, and without it, the
            search goes from the working directory upwards.
    """
    starts = [] if search_path is None else [Path(search_path).absolute()]
    for start in (*starts, Path.cwd()):
        if start.is_file():
            return start
        found = find_artifacts_toml(start)
        if found is not None:
            return found
    return None


def get_cache_dir() -> Path:
    """Give the folder that holds, or will hold, new artifacts as ``<hash>`` folders.

    Raises:
        DepotError: There is no depot at all.
    """
    from fetch_artifacts.depot.staging import FirstDepot

    return FirstDepot.present().artifacts


def set_cache_dir(path: StrPath) -> None:
    """Use ``<path>/<hash>`` in place of all depots from now on, in all threads.

    Julia's ``with_artifacts_directory`` without an end. The folder is made. A folder
    that `load_artifacts` was given for a file goes before it.

    Raises:
        DepotError: The folder can't be made.
    """
    set_artifacts_directory(make_folder(path))


def tree_hash(
    path: StrPath,
    *,
    algorithm: Algorithm = "git-sha1",
    executor: Executor | None = None,
) -> TreeHash:
    """Give the git tree hash of a folder, by the rules of Julia's Pkg.

    Julia: ``Pkg.GitTools.tree_hash`` (GitTools.jl:292-343). Of modes only the owner's
    execute bit counts; links are not followed; folders without files and anything
    called ``.git`` are left out.

    Args:
        path: The folder.
        algorithm: ``"git-sha1"``, the git-tree-sha1 of an Artifacts.toml, or
            ``"git-sha256"``.
        executor: Spreads the work over its workers. Without one, large files are
            hashed by threads; many small ones, on Linux and where this process has a
            single thread, by forks of it, which end before this function does.

    Returns:
        The hash; ``str()`` of it is the hex.

    Raises:
        UnhashableFileError: The folder holds what git can't store or what can't be
            read, or is not a folder.
    """
    from fetch_artifacts.git_tools.tree_hash import hash_directory

    return hash_directory(path, algorithm=algorithm, executor=executor)


def resolve_toml(toml_path: StrPath | None) -> str:
    """Give the absolute path of the given Artifacts.toml, or find one.

    Raises:
        ArtifactsTomlNotFoundError: There is none.
        ArgumentTypeError: What was given is not a path.
    """
    if toml_path is not None:
        if not isinstance(toml_path, (str, os.PathLike)):
            raise _not_a_path(toml_path)
        path = absolute(toml_path)
        if not path.endswith(".toml"):  # else no stat, which would slow each look-up
            path = artifacts_toml_in(path) or path
        return in_place_of(path)
    module = _calling_module()
    caller, starts = module.get("__file__"), []
    if isinstance(caller, str):
        starts.append(_folder_of(caller))
        found = _in_archive(module) or artifacts_toml_above(starts[0])
        if found is not None:
            return in_place_of(found)
    shipped = shipped_above(starts[0] if starts else "")
    if shipped is not None:
        return shipped
    starts.append(os.getcwd())
    found = artifacts_toml_above(starts[-1])
    if found is not None:
        return found
    raise _not_found(caller, [Path(start) for start in starts])


def _in_archive(module: Mapping[str, Any]) -> str | None:
    if archive_of(module) is None:
        return None
    from fetch_artifacts.artifacts_toml.archived import toml_in_archive

    return toml_in_archive(module)


@lru_cache(maxsize=256)
def _folder_of(file: str) -> str:
    return os.path.dirname(absolute(file))


def _not_a_path(given: object) -> ArgumentTypeError:
    return ArgumentTypeError(
        f"toml_path: expected a path, found {given!r}; importlib.resources.as_file "
        "gives one for a package's own file, wherever that is"
    )


def _not_found(caller: object, starts: list[Path]) -> ArtifactsTomlNotFoundError:
    looked = " and ".join(str(start) for start in dict.fromkeys(starts))
    msg = (
        f"expected an Artifacts.toml in {looked}, or above up to the nearest "
        "Project.toml, found none; give its path as toml_path"
    )
    if isinstance(caller, str) and not Path(caller).parent.is_dir():
        msg += (
            f" ({caller} is not a file on disk, as in a zipped or frozen package: "
            "importlib.resources.as_file gives a path for the package's own file)"
        )
    return ArtifactsTomlNotFoundError(msg, searched=starts)


def _calling_module() -> dict[str, Any]:
    """The names of the module whose code called into this package.

    There is no ``__file__`` in a notebook, in a REPL and for ``python -c``.
    """
    frame = sys._getframe(2)  # the function of this package that asks for a file
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        if frame.f_back is None:
            return {}
        frame = frame.f_back
    return frame.f_globals
