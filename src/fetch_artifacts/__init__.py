"""Julia's artifact system for Python, sharing one depot with Julia.

An Artifacts.toml binds names to folders by their git-tree-sha1::

    from fetch_artifacts import artifact

    path = artifact("MyDataset")  # a Path, installed first where it was missing

To use artifacts: `artifact`, `install_artifacts`, `artifact_exists`, `load_artifacts`
(a mapping of all names of a file), `clear_artifact_cache`. Where things are:
`get_artifacts_toml`, `get_cache_dir`, `set_cache_dir`, `host_platform`.

To publish them: `create_artifact` (an archive of a folder), `build_artifact` and
`artifact_from_directory` (installed at once), `add_artifact` (from a URL, all hashes
found out), `bind_artifact`, `add_download_source`, `unbind_artifact`,
`query_artifact_info`; the hashes themselves: `tree_hash`, `compute_git_tree_sha1`,
`compute_sha256`.

Every error derives from `FetchArtifactsError` and from the built-in error that a caller
would expect: an unknown name is a KeyError. ``fetch_artifacts.errors`` lists them.

Further modules: ``pkg_artifacts``, Julia's ``Pkg.Artifacts`` function for function;
``platforms``; ``tarball``, Julia's ``Tar``; ``julia_toml``.
"""

from __future__ import annotations

from fetch_artifacts import julia_process  # noqa: F401 - early, to take note of forks
from fetch_artifacts._version import __version__ as __version__

__all__ = [
    "ArchiveError",
    "ArgumentError",
    "ArgumentTypeError",
    "ArtifactFileNotFoundError",
    "ArtifactManager",
    "ArtifactNotFoundError",
    "ArtifactNotInstalledError",
    "ArtifactPathError",
    "ArtifactsTomlError",
    "ArtifactsTomlNotFoundError",
    "BindingExistsError",
    "DepotError",
    "DownloadError",
    "FetchArtifactsError",
    "HashMismatchError",
    "HashParseError",
    "InstallError",
    "JuliaError",
    "JuliaThrewError",
    "LockTimeoutError",
    "NoJuliaError",
    "NoMatchingPlatformError",
    "NotAFolderError",
    "NotAnArchiveError",
    "OracleError",
    "OverrideError",
    "Platform",
    "PlatformError",
    "ProgressEvent",
    "PublishError",
    "ReadOnlyArtifactError",
    "SettingsError",
    "SpecialFileError",
    "TarballHashMismatchError",
    "TreeHash",
    "TreeHashMismatchError",
    "UnhashableFileError",
    "UnpackError",
    "UnportableNameError",
    "add_artifact",
    "add_download_source",
    "artifact",
    "artifact_exists",
    "artifact_from_directory",
    "bind_artifact",
    "build_artifact",
    "clear_artifact_cache",
    "compute_git_tree_sha1",
    "compute_sha256",
    "create_artifact",
    "get_artifacts_toml",
    "get_cache_dir",
    "host_platform",
    "install_artifacts",
    "load_artifacts",
    "query_artifact_info",
    "set_cache_dir",
    "tree_hash",
    "unbind_artifact",
]

TYPE_CHECKING = False  # as type checkers know it; `typing` takes milliseconds to import
if TYPE_CHECKING:
    from fetch_artifacts import errors as errors
    from fetch_artifacts import julia_toml as julia_toml
    from fetch_artifacts import pkg_artifacts as pkg_artifacts
    from fetch_artifacts import platforms as platforms
    from fetch_artifacts import tarball as tarball
    from fetch_artifacts._api import (
        artifact,
        artifact_exists,
        clear_artifact_cache,
        get_artifacts_toml,
        get_cache_dir,
        install_artifacts,
        load_artifacts,
        set_cache_dir,
        tree_hash,
    )
    from fetch_artifacts._author_api import (
        add_artifact,
        add_download_source,
        artifact_from_directory,
        bind_artifact,
        build_artifact,
        compute_git_tree_sha1,
        compute_sha256,
        create_artifact,
        query_artifact_info,
        unbind_artifact,
    )
    from fetch_artifacts._manager import ArtifactManager
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.errors import (
        ArchiveError,
        ArgumentError,
        ArgumentTypeError,
        ArtifactFileNotFoundError,
        ArtifactNotFoundError,
        ArtifactNotInstalledError,
        ArtifactPathError,
        ArtifactsTomlError,
        ArtifactsTomlNotFoundError,
        BindingExistsError,
        DepotError,
        DownloadError,
        FetchArtifactsError,
        HashMismatchError,
        HashParseError,
        InstallError,
        JuliaError,
        JuliaThrewError,
        LockTimeoutError,
        NoJuliaError,
        NoMatchingPlatformError,
        NotAFolderError,
        NotAnArchiveError,
        OracleError,
        OverrideError,
        PlatformError,
        PublishError,
        ReadOnlyArtifactError,
        SettingsError,
        SpecialFileError,
        TarballHashMismatchError,
        TreeHashMismatchError,
        UnhashableFileError,
        UnpackError,
        UnportableNameError,
    )
    from fetch_artifacts.platforms import Platform, host_platform
    from fetch_artifacts.terminal.progress import ProgressEvent
else:  # hidden from type checkers, which would take any name to exist
    _MODULES = {"errors", "julia_toml", "pkg_artifacts", "platforms", "tarball"}
    _HOMES = {
        "ArtifactManager": "_manager",
        "Platform": "platforms",
        "ProgressEvent": "terminal.progress",
        "TreeHash": "digests",
        "host_platform": "platforms",
        "artifact": "_api",
        "artifact_exists": "_api",
        "clear_artifact_cache": "_api",
        "get_artifacts_toml": "_api",
        "get_cache_dir": "_api",
        "install_artifacts": "_api",
        "load_artifacts": "_api",
        "set_cache_dir": "_api",
        "tree_hash": "_api",
    }

    def __getattr__(name: str) -> object:
        """Import a name on first use (PEP 562).

        So the command answers Ctrl-C while it loads all else, and nobody waits for what
        is not used.
        """
        import importlib

        if name in _MODULES:
            return importlib.import_module(f"{__name__}.{name}")
        if name in __all__:
            home = (
                "errors" if name.endswith("Error") else _HOMES.get(name, "_author_api")
            )
            value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
            return globals().setdefault(name, value)
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *__all__})
