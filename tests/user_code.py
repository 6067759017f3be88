"""Code as users of the package may write it: type checkers read it, nobody runs it.

mypy and pyright check it in their strict modes, so the types that users see can't
change unnoticed. What must be a mistake is marked so; both tell where a mark is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fetch_artifacts
from fetch_artifacts import (
    ArtifactManager,
    ArtifactNotFoundError,
    FetchArtifactsError,
    Platform,
    ProgressEvent,
    TreeHash,
    add_artifact,
    add_download_source,
    artifact,
    artifact_exists,
    artifact_from_directory,
    bind_artifact,
    build_artifact,
    clear_artifact_cache,
    compute_git_tree_sha1,
    compute_sha256,
    create_artifact,
    get_artifacts_toml,
    get_cache_dir,
    host_platform,
    install_artifacts,
    load_artifacts,
    pkg_artifacts,
    query_artifact_info,
    set_cache_dir,
    tree_hash,
    unbind_artifact,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type

TOML = Path(__file__).parent / "Artifacts.toml"


def use_artifacts() -> None:
    assert_type(artifact("Data"), Path)
    assert_type(artifact("Data", str(TOML), True), Path)
    assert_type(artifact("Data", toml_path=TOML, verbose=True, download=False), Path)
    artifact("Data", platform="x86_64-linux-gnu")
    artifact("Data", platform=Platform("x86_64", "linux", libc="glibc"))
    assert_type(artifact_exists("Data", TOML), bool)
    assert_type(install_artifacts(TOML, ["Data"]), dict[str, Path])
    install_artifacts(include_lazy=True, jobs=2, progress=show)
    assert_type(get_artifacts_toml(), Path | None)
    assert_type(get_cache_dir(), Path)
    set_cache_dir("cache")
    clear_artifact_cache()
    clear_artifact_cache("Data", toml_path=str(TOML))
    assert_type(host_platform().triplet, str)


def use_a_manager() -> None:
    manager = load_artifacts(TOML, cache_dir="cache", verbose=True)
    assert_type(manager, ArtifactManager)
    assert_type(manager["Data"], Path)
    assert_type(manager.get("Data"), Path | None)
    assert_type(manager.get_path("Data", download=False), Path)
    assert_type(list(manager.artifacts.keys()), list[str])
    assert_type(dict(manager), dict[str, Path])
    assert_type(manager.exists("Data"), bool)
    assert_type(manager.toml_path, Path)
    assert_type(manager.cache_dir, Path)
    manager.clear()
    entry = manager.artifacts["Data"]
    assert_type(entry.git_tree_sha1, str)
    assert_type(entry.lazy, bool)
    assert_type(entry.os, str | None)
    assert_type(entry.metadata, dict[str, Any])
    assert_type([source.url for source in entry.downloads], list[str])
    assert_type(entry.downloads[0].sha256, str)


def make_artifacts(folder: Path) -> None:
    created = create_artifact(folder, "data.tar.gz", compression="gz")
    assert_type(created["git_tree_sha1"], str)
    assert_type(created["size"], int)
    bind_artifact(
        TOML, "Data", created["git_tree_sha1"], "https://a.org", created["sha256"]
    )
    added = add_artifact(toml_path=TOML, name="Data", tarball_url="https://a.org")
    assert_type(added["url"], str)
    add_download_source(TOML, "Data", "https://b.org", added["sha256"])
    info = query_artifact_info("https://a.org", compute_tree_hash=False)
    assert_type(info.get("git_tree_sha1"), str | None)
    with build_artifact() as build:
        (build / "a.txt").write_text("a")
    assert_type(build.tree_hash, TreeHash)
    assert_type(artifact_from_directory(folder), TreeHash)
    assert_type(str(tree_hash(folder, algorithm="git-sha256")), str)
    assert_type(compute_git_tree_sha1(folder), str)
    assert_type(compute_sha256("data.tar.gz"), str)
    assert_type(unbind_artifact(TOML, "Data"), bool)


def catch_errors() -> Sequence[str]:
    try:
        artifact("Data")
    except ArtifactNotFoundError as error:
        assert_type(error.name, str)
    except FetchArtifactsError as error:
        assert_type(error.message, str)
    return [fetch_artifacts.errors.PlatformError.__name__, fetch_artifacts.__version__]


def show(event: ProgressEvent) -> None:
    assert_type(event.total, int | None)


def use_julias_names() -> AbstractContextManager[Path]:
    assert_type(pkg_artifacts.artifact_exists(TreeHash.parse("0" * 40)), bool)
    fetch_artifacts.tarball.create("folder", Path("data.tar"))
    return pkg_artifacts.with_artifacts_directory("cache")


def make_mistakes() -> None:
    artifact(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    artifact("Data", TOML, False, None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    create_artifact(".", compression="zip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert fetch_artifacts.artefact  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert create_artifact(".")["hash"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
