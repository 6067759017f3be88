"""Julia's artifact system for Python, sharing one depot with Julia.

An Artifacts.toml binds names to folders by their git-tree-sha1::

    from fetch_artifacts import artifact

    path = artifact("MyDataset")  # a Path, installed first where it was missing

`fetch_artifacts.pkg_artifacts` is Julia's ``Pkg.Artifacts``, function for function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts import errors, platforms
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
from fetch_artifacts._version import __version__
from fetch_artifacts.artifact_manager import ArtifactManager
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.platforms import Platform, host_platform
from fetch_artifacts.progress import ProgressEvent

if TYPE_CHECKING:
    from types import ModuleType

    from fetch_artifacts import julia_toml, pkg_artifacts, tarball

__all__ = [
    "ArtifactManager",
    "FetchArtifactsError",
    "Platform",
    "ProgressEvent",
    "TreeHash",
    "__version__",
    "artifact",
    "artifact_exists",
    "clear_artifact_cache",
    "errors",
    "get_artifacts_toml",
    "get_cache_dir",
    "host_platform",
    "install_artifacts",
    "julia_toml",
    "load_artifacts",
    "pkg_artifacts",
    "platforms",
    "set_cache_dir",
    "tarball",
    "tree_hash",
]


def __getattr__(name: str) -> ModuleType:
    """Import what takes long to import when it is asked for (PEP 562)."""
    if name in __all__:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
