"""The public names: which there are, how they are called."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import fetch_artifacts
from fetch_artifacts import TreeHash, errors

PUBLIC = [
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

# The modules that users import from, with all that each has for them.
FACES = {
    "fetch_artifacts": PUBLIC,
    "fetch_artifacts.errors": [name for name in PUBLIC if name.endswith("Error")],
    "fetch_artifacts.julia_toml": [
        "Table",
        "Unsigned",
        "dump_below",
        "dump_key",
        "dump_value",
        "dumps",
        "is_array_of_tables",
        "is_tabular",
        "loads",
        "parsefile",
        "tryparse",
    ],
    "fetch_artifacts.pkg_artifacts": [
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
    ],
    "fetch_artifacts.platforms": [
        "CompareStrategy",
        "Platform",
        "arch",
        "as_platform",
        "call_abi",
        "compare_default",
        "compare_minor_version",
        "compare_version_cap",
        "first_difference",
        "host_platform",
        "libc",
        "os",
        "parse_dl_name_version",
        "platform_dlext",
        "platform_name",
        "platforms_match",
        "select_platform",
        "valid_dl_path",
        "wordsize",
    ],
    "fetch_artifacts.tarball": [
        "create",
        "extract",
        "list",
        "members",
        "rewrite",
        "tree_hash",
    ],
}

# Written in protocol 2 when every module was directly in fetch_artifacts.
OLD_PICKLES = [
    (
        TreeHash.parse("1" * 40),
        b"\x80\x02cfetch_artifacts.digests\nTreeHash\n)\x81]c_codecs\nencode\n"
        b"X\x14\x00\x00\x00" + b"\x11" * 20 + b"X\x06\x00\x00\x00latin1\x86Rab.",
    ),
    (
        errors.ArtifactNotFoundError("m", name="x", path=None),
        (
            b"\x80\x02cfetch_artifacts.errors\n_rebuild\ncfetch_artifacts.errors\n"
            b"ArtifactNotFoundError\nX\x01\x00\x00\x00m\x85}(X\x07\x00\x00\x00messageX\x01\x00"
            b"\x00\x00mX\x04\x00\x00\x00nameX\x01\x00\x00\x00xX\x04\x00\x00\x00pathNu\x87R."
        ),
    ),
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


@pytest.mark.parametrize("face", FACES)
def test_a_face_has_these_names_and_no_others(face: str) -> None:
    module = importlib.import_module(face)
    own = [name for name, value in vars(module).items() if is_own(value, face)]
    listed = getattr(module, "__all__", [n for n in own if not n.startswith("_")])
    assert FACES[face] == sorted(listed)


def is_own(value: object, module: str) -> bool:
    return getattr(value, "__module__", None) == module and callable(value)


@pytest.mark.parametrize(
    "face", ["fetch_artifacts.julia_toml", "fetch_artifacts.platforms"]
)
def test_help_and_pickles_name_the_face_that_users_import(face: str) -> None:
    values = {
        name: getattr(importlib.import_module(face), name) for name in FACES[face]
    }
    values.pop("Table", None)  # an alias of a standard type
    assert {value.__module__ for value in values.values()} == {face}


@pytest.mark.parametrize(("value", "data"), OLD_PICKLES, ids=["TreeHash", "error"])
def test_old_pickles_load(value: object, data: bytes) -> None:
    loaded = pickle.loads(data)
    assert type(loaded) is type(value)
    assert (str(loaded), repr(loaded)) == (str(value), repr(value))


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
