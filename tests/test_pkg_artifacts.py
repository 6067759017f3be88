"""The face that has Julia's names; what stands behind it has tests of its own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts import Platform, TreeHash, pkg_artifacts
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    BindingExistsError,
    DepotError,
    InstallError,
    OverrideError,
)
from support.published import TREE, TREE_HASH, publish, sha256
from support.trees import make_tree, names

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
PACKAGE = "d8e3a1f0-1111-4222-8333-444455556666"


def bound(toml: Path, *names_and_hashes: tuple[str, str]) -> Path:
    for name, tree_hash in names_and_hashes:
        pkg_artifacts.bind_artifact(toml, name, tree_hash)
    return toml


@pytest.mark.usefixtures("depot")
def test_a_name_leads_to_its_entry_its_hash_and_its_path(
    depot: Path, tmp_path: Path
) -> None:
    toml = bound(tmp_path / "Artifacts.toml", ("a", ONE))
    assert pkg_artifacts.artifact_meta("a", toml) == {"git-tree-sha1": ONE}
    tree_hash = pkg_artifacts.artifact_hash("a", toml)
    assert tree_hash == TreeHash.parse(ONE)
    assert pkg_artifacts.artifact_path(ONE) == depot / "artifacts" / ONE
    assert not pkg_artifacts.artifact_exists(ONE)


# Artifacts.jl:389-433: what is missing is nothing, not an error.
def test_what_is_missing_is_none(tmp_path: Path) -> None:
    toml = bound(tmp_path / "Artifacts.toml", ("a", ONE))
    assert pkg_artifacts.artifact_meta("b", toml) is None
    assert pkg_artifacts.artifact_hash("b", toml) is None
    absent = tmp_path / "absent.toml"
    assert pkg_artifacts.artifact_meta("a", absent) is None
    assert pkg_artifacts.select_downloadable_artifacts(absent) == {}
    assert pkg_artifacts.extract_all_hashes(absent) == ()
    with pytest.raises(ArtifactsTomlError):
        pkg_artifacts.load_artifacts_toml(absent)


def test_what_can_be_downloaded_is_chosen_for_the_platform(
    depot: Path, tmp_path: Path
) -> None:
    toml = tmp_path / "Artifacts.toml"
    linux = Platform("x86_64", "linux")
    download = [("https://example.org/a.tar.gz", "a" * 64)]
    pkg_artifacts.bind_artifact(
        toml, "a", ONE, platform=linux, download_info=download, lazy=True
    )
    pkg_artifacts.bind_artifact(toml, "b", TWO)
    choose = pkg_artifacts.select_downloadable_artifacts
    assert choose(toml, platform="x86_64-linux-gnu") == {}
    assert list(choose(toml, platform=linux, include_lazy=True)) == ["a"]
    assert choose(toml, platform="x86_64-apple-darwin", include_lazy=True) == {}
    hashes = pkg_artifacts.extract_all_hashes(toml, platform=linux, include_lazy=True)
    assert [str(each) for each in hashes] == [ONE, TWO]
    # Pkg.jl Artifacts.jl:278: to bind is to use.
    assert str(toml) in (depot / "logs/artifact_usage.toml").read_text("utf-8")


@pytest.mark.usefixtures("depot")
def test_a_binding_is_replaced_only_by_force_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    toml = bound(tmp_path / "Artifacts.toml", ("a", ONE))
    with pytest.raises(BindingExistsError, match="'a' already exists"):
        pkg_artifacts.bind_artifact(toml, "a", TWO)
    pkg_artifacts.bind_artifact(toml, "a", TWO, force=True)
    assert str(pkg_artifacts.artifact_hash("a", toml)) == TWO
    pkg_artifacts.unbind_artifact(toml, "a")
    assert toml.read_bytes() == b""


def test_a_tree_that_is_made_is_installed_verified_archived_and_removed(
    depot: Path, tmp_path: Path
) -> None:
    made = pkg_artifacts.create_artifact(lambda folder: make_tree(folder, TREE))
    assert str(made) == TREE_HASH
    assert names(depot / "artifacts") == [TREE_HASH, "CACHEDIR.TAG"]
    assert pkg_artifacts.verify_artifact(made)
    digest = pkg_artifacts.archive_artifact(made, tmp_path / "a.tar.gz")
    data = (tmp_path / "a.tar.gz").read_bytes()
    assert str(digest) == hashlib.sha256(data).hexdigest()
    pkg_artifacts.remove_artifact(made)
    assert not pkg_artifacts.artifact_exists(made)
    with pytest.raises(DepotError, match="install it first"):
        pkg_artifacts.archive_artifact(made, tmp_path / "b.tar.gz")


def test_what_another_depot_has_is_not_made_again(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pkg_artifacts.create_artifact(lambda folder: make_tree(folder, TREE))
    first = tmp_path / "first"
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}:{depot}")
    made = pkg_artifacts.create_artifact(lambda folder: make_tree(folder, TREE))
    assert pkg_artifacts.artifact_path(made) == depot / "artifacts" / TREE_HASH
    assert names(first / "artifacts") == ["CACHEDIR.TAG"]


def test_an_artifact_is_installed_by_name_or_by_hash_and_url(
    depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "p")
    path = pkg_artifacts.ensure_artifact_installed("Demo", published.toml)
    assert path == depot / "artifacts" / TREE_HASH
    pkg_artifacts.remove_artifact(TREE_HASH)
    pkg_artifacts.download_artifact(TREE_HASH, published.url)
    assert pkg_artifacts.verify_artifact(TREE_HASH)
    pkg_artifacts.remove_artifact(TREE_HASH)
    digest = sha256(published.data)
    pkg_artifacts.download_artifact(TREE_HASH, published.url, digest)
    with pytest.raises(InstallError, match=f"expected a tree of git-tree-sha1 {ONE}"):
        pkg_artifacts.download_artifact(ONE, published.url)
    with pytest.raises(ArtifactNotFoundError):
        pkg_artifacts.ensure_artifact_installed("Absent", published.toml)


def test_overrides_by_hash_and_by_package(depot: Path, tmp_path: Path) -> None:
    toml = bound(tmp_path / "Artifacts.toml", ("a", ONE), ("b", TWO))
    text = f'{TWO} = "/by/hash"\n\n[{PACKAGE}]\na = "/by/name"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    query = pkg_artifacts.query_override
    assert query(TWO) == Path("/by/hash")
    assert query(ONE) is None
    assert query(pkg_uuid=PACKAGE, name="a") == Path("/by/name")
    assert query(pkg_uuid=PACKAGE, name="b") is None
    with pytest.raises(TypeError, match="expected a hash"):
        query(name="a")
    # Artifacts.jl:341-375: the package's file must have been loaded in its name.
    assert pkg_artifacts.artifact_path(ONE) == depot / "artifacts" / ONE
    assert pkg_artifacts.artifact_hash("a", toml, pkg_uuid=PACKAGE) is not None
    assert pkg_artifacts.artifact_path(ONE) == depot / "artifacts" / ONE
    pkg_artifacts.load_artifacts_toml(toml, pkg_uuid=PACKAGE)
    assert pkg_artifacts.artifact_path(ONE) == Path("/by/name")
    assert query(ONE) == Path("/by/name")
    with pytest.raises(OverrideError, match="overridden"):
        pkg_artifacts.archive_artifact(ONE, tmp_path / "a.tar.gz")


# Artifacts.jl:341-375: a hash that was once redirected stays so.
def test_files_of_one_package_are_overridden_together(
    depot: Path, tmp_path: Path
) -> None:
    make_tree(depot / "artifacts", {"Overrides.toml": f'[{PACKAGE}]\na = "/mine"\n'})
    for number, tree_hash in enumerate((ONE, TWO)):
        toml = bound(tmp_path / f"{number}.toml", ("a", tree_hash))
        pkg_artifacts.load_artifacts_toml(toml, pkg_uuid=PACKAGE.upper())
    assert pkg_artifacts.artifact_path(ONE) == Path("/mine")
    assert pkg_artifacts.artifact_path(TWO) == Path("/mine")


def test_a_file_that_cannot_be_overridden_is_told_when_it_is_loaded_and_only_then(
    depot: Path, tmp_path: Path
) -> None:
    make_tree(depot / "artifacts", {"Overrides.toml": f'[{PACKAGE}]\na = "/mine"\n'})
    toml = tmp_path / "Artifacts.toml"
    toml.write_text("[a]\nlazy = true\n")
    with pytest.raises(OverrideError, match=f"{toml}: a: it is overridden, but"):
        pkg_artifacts.load_artifacts_toml(toml, pkg_uuid=PACKAGE)
    assert pkg_artifacts.artifact_path(THREE) == depot / "artifacts" / THREE


@pytest.mark.usefixtures("depot")
def test_a_text_with_slashes_is_looked_up(tmp_path: Path) -> None:
    toml = bound(tmp_path / "Artifacts.toml", ("a", ONE))
    found = pkg_artifacts.artifact_slash_lookup("a/b/c", toml)
    assert (found.name, found.tail, str(found.tree_hash)) == ("a", "b/c", ONE)
    assert pkg_artifacts.split_artifact_slash("a/b") == ("a", "b")


def test_every_name_is_there() -> None:
    for name in pkg_artifacts.__all__:
        assert callable(getattr(pkg_artifacts, name))
    assert sorted(pkg_artifacts.__all__) == list(pkg_artifacts.__all__)


# Pkg's test/artifacts.jl: "Override.toml", "platform-specific artifacts".
def test_an_entry_with_its_file_installs_too(depot: Path, tmp_path: Path) -> None:
    published = publish(tmp_path / "published")
    meta = pkg_artifacts.artifact_meta("Demo", published.toml)
    assert meta is not None
    path = pkg_artifacts.ensure_artifact_installed("Demo", meta, published.toml)
    assert path == depot / "artifacts" / TREE_HASH
    assert path.is_dir()
    assert str(published.toml) in (depot / "logs/artifact_usage.toml").read_text()


@pytest.mark.usefixtures("depot")
def test_an_entry_alone_is_not_enough() -> None:
    wrong: Any = pkg_artifacts.ensure_artifact_installed
    with pytest.raises(TypeError, match="the entry's file"):
        wrong("Demo", {"git-tree-sha1": ONE})


def test_all_can_be_installed_lazy_ones_where_asked_for(
    depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "published")
    text = published.toml.read_text().replace("\n\n", "\nlazy = true\n\n", 1)
    published.toml.write_text(text)
    with pytest.warns(DeprecationWarning, match="install_artifacts"):
        pkg_artifacts.ensure_all_artifacts_installed(published.toml)
    assert not pkg_artifacts.artifact_exists(TREE_HASH)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        pkg_artifacts.ensure_all_artifacts_installed(published.toml, include_lazy=True)
    assert (depot / "artifacts" / TREE_HASH).is_dir()


def test_overrides_are_read_again_where_that_is_forced(depot: Path) -> None:
    file = depot / "artifacts/Overrides.toml"
    file.parent.mkdir(parents=True)
    for target in (TWO, THREE):
        file.write_text(f'{ONE} = "{target}"\n')
        os.utime(file, (1000, 1000))  # looks unchanged
        found = pkg_artifacts.load_overrides(force=True)
        assert found.resolve(TreeHash.parse(ONE)) == TreeHash.parse(target)


# Artifacts' test/runtests.jl: "Artifacts malformed", and pack_platform! in Pkg's tests.
def test_a_platform_goes_into_an_entry_and_comes_out_again() -> None:
    platform = Platform("x86_64", "linux", cuda="11.4")
    meta = {"git-tree-sha1": ONE}
    assert pkg_artifacts.pack_platform(meta, platform) is meta
    assert meta["cuda"] == "11.4"
    assert pkg_artifacts.unpack_platform(meta, "a", "Artifacts.toml") == platform
    assert pkg_artifacts.pack_platform({}, "i686-w64-mingw32") == {
        "arch": "i686",
        "os": "windows",
    }


@pytest.mark.parametrize("key", ["os", "arch"])
def test_an_entry_without_a_platform_has_none(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"os": "linux", "arch": "x86_64", "git-tree-sha1": ONE}
    del entry[key]
    assert pkg_artifacts.unpack_platform(entry, "foo", "Artifacts.toml") is None
    assert f"Artifacts.toml: foo.{key}: expected a string, found nothing" in caplog.text
