"""The mapping that `load_artifacts` gives."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from fetch_artifacts import (
    ArtifactManager,
    ArtifactNotInstalledError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    DepotError,
    NoMatchingPlatformError,
    artifact,
    artifact_exists,
    clear_artifact_cache,
    get_cache_dir,
    install_artifacts,
    load_artifacts,
)
from fetch_artifacts.pkg_artifacts import with_artifacts_directory
from support.published import TREE_HASH, Published, entry, publish, sha256
from support.trees import names


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def _on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-gnu")


def for_platform(published: Published, name: str, os: str, arch: str) -> str:
    """The text of an entry for one platform."""
    text = entry((published.url, sha256(published.data)), name=name)
    text = text.replace(f"[{name}]", f"[[{name}]]", 1)
    return text.replace("\n\n", f'\nos = "{os}"\narch = "{arch}"\n\n', 1)


def test_an_entry_tells_what_the_file_says(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(
        f"""
[Data]
git-tree-sha1 = "{TREE_HASH}"
description = "An emulator"
has_noise = false

    [[Data.download]]
    url = "https://example.org/a.tar.gz?download=1"
    sha256 = "{"AB" * 32}"
    size = 12

    [[Data.download]]
    url = "https://example.net/a.tar.gz"
    sha256 = "{"cd" * 32}"
"""
    )
    manager = load_artifacts(toml)
    data = manager.artifacts["Data"]
    assert list(manager.artifacts.keys()) == ["Data"]
    assert (data.name, data.git_tree_sha1) == ("Data", TREE_HASH)
    assert (data.lazy, data.os, data.arch) == (False, None, None)
    assert data.metadata == {"description": "An emulator", "has_noise": False}
    assert data.metadata.get("doi") is None
    assert {"name": "Data", **data.metadata}["has_noise"] is False
    assert bool(data.downloads)
    assert len(data.downloads) == 2
    assert data.downloads[0].url == "https://example.org/a.tar.gz?download=1"
    assert [source.sha256 for source in data.downloads] == ["ab" * 32, "cd" * 32]
    assert [source.size for source in data.downloads] == [12, None]


def test_metadata_that_a_user_changes_are_nobody_elses(published: Published) -> None:
    manager = load_artifacts(published.toml)
    manager.artifacts["Demo"].metadata["mine"] = True
    assert manager.artifacts["Demo"].metadata == {}


@pytest.mark.usefixtures("depot", "_on_linux")
def test_of_several_platforms_an_entry_is_the_one_for_this_machine(
    published: Published,
) -> None:
    published.toml.write_text(
        for_platform(published, "Demo", "macos", "aarch64").replace(TREE_HASH, "0" * 40)
        + for_platform(published, "Demo", "linux", "x86_64")
    )
    manager = load_artifacts(published.toml)
    demo = manager.artifacts["Demo"]
    assert (demo.os, demo.arch, demo.git_tree_sha1) == ("linux", "x86_64", TREE_HASH)
    assert manager["Demo"].name == TREE_HASH


@pytest.mark.usefixtures("depot", "_on_linux")
def test_names_for_other_machines_are_not_among_the_names(published: Published) -> None:
    text = published.toml.read_text()
    published.toml.write_text(text + for_platform(published, "Mac", "macos", "aarch64"))
    manager = load_artifacts(published.toml)
    assert list(manager) == list(manager.artifacts) == ["Demo"]
    assert len(manager) == len(manager.artifacts) == 1
    assert "Mac" not in manager
    assert not manager.exists("Mac")
    manager.clear("Mac")
    assert {name: path.name for name, path in manager.items()} == {"Demo": TREE_HASH}
    with pytest.raises(NoMatchingPlatformError, match="aarch64-apple-darwin"):
        manager["Mac"]


@pytest.mark.usefixtures("depot")
def test_an_entry_at_fault_hides_no_other(published: Published) -> None:
    text = published.toml.read_text()
    published.toml.write_text(f'{text}\n[Wrong]\ngit-tree-sha1 = "no hash"\n')
    manager = load_artifacts(published.toml)
    assert list(manager.artifacts) == ["Demo", "Wrong"]
    assert manager["Demo"].name == TREE_HASH
    with pytest.raises(ArtifactsTomlError, match=r"Wrong\.git-tree-sha1"):
        manager.artifacts["Wrong"]


def test_a_source_at_fault_hides_nothing_else_of_its_entry(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    text = entry(("https://example.org/a.tar.gz", ""))
    toml.write_text(text.replace("\n\n", '\ndoi = "10.1"\n\n', 1))
    demo = load_artifacts(toml).artifacts["Demo"]
    assert demo.metadata == {"doi": "10.1"}
    with pytest.raises(ArtifactsTomlError, match=r"Demo\.download\[1\]\.sha256"):
        demo.downloads  # noqa: B018


def test_it_is_a_mapping_from_names_to_paths(depot: Path, published: Published) -> None:
    path = depot / "artifacts" / TREE_HASH
    manager = load_artifacts(published.toml)
    assert dict(manager) == {"Demo": path}
    assert list(manager.values()) == [path]
    assert manager.get("Demo") == manager.get_path("Demo") == path
    assert manager.get("Unknown") is None
    assert "Unknown" not in manager
    assert not manager.artifacts.__contains__(3)
    assert manager["Demo/foo3"].read_text() == "baz!"


def test_to_look_at_a_manager_installs_nothing(
    depot: Path, published: Published
) -> None:
    manager = load_artifacts(published.toml)
    again = load_artifacts(published.toml)
    assert repr(manager) == f"ArtifactManager({str(published.toml)!r})"
    assert repr(manager.artifacts) == f"<artifacts of {published.toml}: Demo>"
    for view in (manager.keys(), manager.values(), manager.items()):
        assert repr(manager) in repr(view)
    assert manager == again
    assert manager == copy.deepcopy(manager) == pickle.loads(pickle.dumps(manager))
    assert {manager: 1}[again] == 1
    assert manager != {"Demo": depot}
    assert manager.artifacts == again.artifacts
    assert bool(manager)
    assert "Demo" in manager
    assert not manager.exists("Demo")
    assert not depot.exists()


def test_managers_of_other_files_or_folders_are_others(
    tmp_path: Path, published: Published
) -> None:
    here = ArtifactManager(published.toml, tmp_path / "here")
    assert here != ArtifactManager(published.toml, tmp_path / "there")
    assert here != ArtifactManager(published.toml)
    assert here != ArtifactManager(publish(tmp_path / "b").toml, tmp_path / "here")


def test_each_manager_has_a_folder_of_its_own(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    here = load_artifacts(published.toml, tmp_path / "here")
    there = load_artifacts(published.toml, cache_dir=str(tmp_path / "there"))
    assert here.cache_dir == tmp_path / "here"
    assert here["Demo"] == tmp_path / "here" / TREE_HASH
    assert (here.exists("Demo"), there.exists("Demo")) == (True, False)
    assert there["Demo"] == tmp_path / "there" / TREE_HASH
    here.clear()
    assert (here.exists("Demo"), there.exists("Demo")) == (False, True)
    assert not depot.exists()


def test_a_folder_of_a_file_counts_for_all_functions_that_take_the_file(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    elsewhere = artifact("Demo", published.toml)
    here = tmp_path / "here"
    manager = load_artifacts(published.toml, here)
    assert not artifact_exists("Demo", published.toml)
    assert artifact("Demo", published.toml) == here / TREE_HASH
    assert load_artifacts(published.toml).cache_dir == here
    link = tmp_path / "link.toml"
    link.symlink_to(published.toml)
    assert install_artifacts(link) == {"Demo": here / TREE_HASH}
    clear_artifact_cache("Demo", published.toml)
    assert not manager.exists("Demo")
    assert not artifact_exists("Demo", published.toml)
    assert elsewhere.is_dir()
    assert get_cache_dir() == depot / "artifacts"


def test_the_folder_of_a_file_gives_way_to_a_block_around_the_call(
    tmp_path: Path, published: Published
) -> None:
    load_artifacts(published.toml, tmp_path / "here")
    with with_artifacts_directory(tmp_path / "there"):
        assert artifact("Demo", published.toml) == tmp_path / "there" / TREE_HASH


def test_the_folder_of_a_manager_counts_for_the_manager_alone(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    ArtifactManager(published.toml, tmp_path / "here")
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH


def test_the_folder_is_made_at_once(tmp_path: Path, published: Published) -> None:
    ArtifactManager(published.toml, cache_dir=tmp_path / "a/b")
    assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(DepotError, match="expected a folder for artifacts"):
        load_artifacts(published.toml, tmp_path / "file")
    with pytest.raises(ArtifactsTomlNotFoundError):
        ArtifactManager(tmp_path / "gone.toml", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_paths_are_those_of_when_the_manager_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Published
) -> None:
    monkeypatch.chdir(tmp_path)
    manager = ArtifactManager("published/Artifacts.toml", "cache")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert manager.toml_path == published.toml
    assert manager["Demo"] == tmp_path / "cache" / TREE_HASH


def test_without_a_folder_of_its_own_it_uses_the_depot(
    depot: Path, published: Published
) -> None:
    manager = load_artifacts(published.toml)
    assert manager.cache_dir == depot / "artifacts"
    assert manager["Demo"] == depot / "artifacts" / TREE_HASH


@pytest.mark.usefixtures("depot")
def test_a_manager_follows_its_file(published: Published) -> None:
    manager = load_artifacts(published.toml)
    published.toml.write_text(published.toml.read_text().replace("Demo", "Other"))
    assert list(manager.artifacts) == ["Other"]
    assert manager["Other"].name == TREE_HASH
    with pytest.raises(KeyError):
        manager["Demo"]


def test_what_is_missing_is_not_installed_against_ones_will(
    depot: Path, published: Published
) -> None:
    manager = load_artifacts(published.toml)
    with pytest.raises(ArtifactNotInstalledError):
        manager.get_path("Demo", download=False)
    with pytest.raises(RuntimeError):
        manager.get_path("Demo", False)
    assert not depot.exists()


def test_a_missing_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.toml"):
        ArtifactManager(tmp_path / "absent.toml")


def test_clear_deletes_what_the_file_names(depot: Path, published: Published) -> None:
    stranger = depot / "artifacts" / ("1" * 40)
    stranger.mkdir(parents=True)
    manager = load_artifacts(published.toml)
    for cleared in ("Demo", None):
        assert manager["Demo"].is_dir()
        manager.clear("Unknown")
        assert manager.exists("Demo")
        manager.clear(cleared)
        assert not manager.exists("Demo")
    assert names(depot / "artifacts") == ["1" * 40, "CACHEDIR.TAG"]


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("verbose", [False, True])
def test_only_a_verbose_one_speaks_and_never_on_standard_output(
    verbose: bool, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    load_artifacts(published.toml, verbose=verbose).get_path("Demo")
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Demo: installed" in err) == verbose


def test_a_manager_reads_well_and_installs_nothing_for_it(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    toml = published.toml
    assert repr(ArtifactManager(toml)) == f"ArtifactManager({str(toml)!r})"
    with_folder = ArtifactManager(toml, tmp_path / "here")
    assert repr(with_folder).endswith(f", cache_dir='{tmp_path}/here')")
    toml.write_text(
        toml.read_text().replace("[Demo]", "['<b>']").replace("[Demo.", "['<b>'.")
    )
    cells = f"<td>&lt;b&gt;</td><td>{TREE_HASH}</td><td>no</td>"
    assert cells in ArtifactManager(toml)._repr_html_()
    assert not depot.exists()
