"""The public names: which there are, how they are called, what it costs to get them."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import fetch_artifacts
from fetch_artifacts import errors

PUBLIC = [
    "ArchiveError",
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
    "LockTimeoutError",
    "NoMatchingPlatformError",
    "OverrideError",
    "Platform",
    "PlatformError",
    "ProgressEvent",
    "PublishError",
    "ReadOnlyArtifactError",
    "SettingsError",
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

# inspect.signature of each public name of fetch-artifacts 0.1.0, without annotations.
# Only create_artifact had another default: "xz", whatever the archive was called.
SIGNATURES_0_1_0 = {
    "ArtifactManager": "(toml_path, cache_dir=None, verbose=False)",
    "add_artifact": "(toml_path, name, tarball_url, lazy=True, force=False,"
    " clear=True, verbose=True)",
    "add_download_source": "(toml_path, name, download_url, sha256)",
    "artifact": "(name, toml_path=None, verbose=False)",
    "artifact_exists": "(name, toml_path=None)",
    "bind_artifact": "(toml_path, name, git_tree_sha1, download_url, sha256,"
    " lazy=True, force=False)",
    "clear_artifact_cache": "(name=None, toml_path=None)",
    "compute_git_tree_sha1": "(directory)",
    "compute_sha256": "(filepath)",
    "create_artifact": "(directory, archive_path=None, compression='auto')",
    "get_artifacts_toml": "(search_path=None)",
    "get_cache_dir": "()",
    "load_artifacts": "(toml_path=None, cache_dir=None, verbose=False)",
    "query_artifact_info": "(url, compute_tree_hash=True)",
    "set_cache_dir": "(path)",
    "unbind_artifact": "(toml_path, name)",
}

HEAVY = {
    "backports.zstd",
    "bz2",
    "click",
    "compression.zstd",
    "concurrent.futures",
    "hashlib",  # OpenSSL
    "lzma",
    "requests",
    "tempfile",
    "tqdm",
    "zlib_ng",
}


def run(code: str) -> list[str]:
    """The words that a new Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def without_annotations(parameters: list[inspect.Parameter]) -> str:
    empty = inspect.Parameter.empty
    bare = [parameter.replace(annotation=empty) for parameter in parameters]
    return str(inspect.Signature(bare))


def test_the_public_names_are_these_in_sorted_order() -> None:
    assert fetch_artifacts.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


def test_a_star_import_gives_them_and_nothing_else() -> None:
    space: dict[str, object] = {}
    exec("from fetch_artifacts import *", space)
    assert sorted(space.keys() - {"__builtins__"}) == PUBLIC


def test_every_error_is_public() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == {name for name in PUBLIC if name.endswith("Error")}


@pytest.mark.parametrize("name", SIGNATURES_0_1_0)
def test_what_0_1_0_was_called_with_fits_and_all_else_is_by_keyword(name: str) -> None:
    function: Callable[..., Any] = getattr(fetch_artifacts, name)
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert SIGNATURES_0_1_0[name] == without_annotations(positional)
    added = parameters[len(positional) :]
    assert all(p.default is not p.empty for p in added)


def test_to_import_the_package_imports_nothing_heavy() -> None:
    before = "import sys; before = set(sys.modules); import fetch_artifacts;"
    loaded = run(before + "print(*set(sys.modules) - before)")
    assert "fetch_artifacts._api" in loaded
    assert not HEAVY & set(loaded)


def test_modules_are_there_without_an_import_of_their_own() -> None:
    names = ("errors", "julia_toml", "pkg_artifacts", "platforms", "tarball")
    listed = ", ".join(f"fetch_artifacts.{name}.__name__" for name in names)
    found = run(f"import fetch_artifacts; print({listed})")
    assert found == [f"fetch_artifacts.{name}" for name in names]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'fetch_artifacts' has no attribute 'b'"):
        eval("fetch_artifacts.b")
    with pytest.raises(ImportError, match="'b' from 'fetch_artifacts'"):
        exec("from fetch_artifacts import b")


def test_dir_and_help_tell_of_every_public_name() -> None:
    assert set(PUBLIC) <= set(dir(fetch_artifacts))
    page = pydoc.plain(pydoc.render_doc(fetch_artifacts))
    lines = {line.strip() for line in page.splitlines()}
    for name in PUBLIC:
        starts = (f"{name}(", f"class {name}(")
        assert any(line.startswith(starts) for line in lines), name


def test_the_overview_names_every_function() -> None:
    overview = str(fetch_artifacts.__doc__)
    assert [n for n in PUBLIC if n.islower() and f"`{n}`" not in overview] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_sentence_to_say_what_it_is(name: str) -> None:
    documented = inspect.getdoc(getattr(fetch_artifacts, name))
    assert documented is not None
    assert documented.partition("\n")[0].endswith((".", ":"))
