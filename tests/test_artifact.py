"""How `artifact` finds its file, and what it says where it can't."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from fetch_artifacts import (
    artifact,
    artifact_exists,
    clear_artifact_cache,
    get_artifacts_toml,
    get_cache_dir,
    load_artifacts,
    set_cache_dir,
)
from fetch_artifacts.depot.stack import set_artifacts_directory
from fetch_artifacts.errors import (
    ArtifactFileNotFoundError,
    ArtifactNotFoundError,
    ArtifactPathError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    NoMatchingPlatformError,
)
from support.published import TREE_HASH, publish
from support.trees import names

MODULE = """
from fetch_artifacts import artifact, load_artifacts

def path(name):
    return artifact(name)

def manager():
    return load_artifacts()
"""


def make_module(file: Path) -> ModuleType:
    """A module that calls `artifact`, loaded from this file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("some_package.data", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with no Artifacts.toml in or above it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.mark.usefixtures("depot")
def test_the_file_beside_the_calling_module_counts(tmp_path: Path) -> None:
    publish(tmp_path / "package")
    module = make_module(tmp_path / "package/src/deep/data.py")
    assert module.path("Demo").name == TREE_HASH
    assert module.manager().toml_path == tmp_path / "package/Artifacts.toml"


@pytest.mark.usefixtures("depot")
def test_the_search_stops_at_a_julia_project_and_goes_on_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "package")
    module = make_module(tmp_path / "package/src/data.py")
    (tmp_path / "package/src/Project.toml").write_text("")
    with pytest.raises(ArtifactsTomlNotFoundError) as caught:
        module.path("Demo")
    searched = (tmp_path / "package/src", tmp_path / "elsewhere")
    assert caught.value.searched == searched
    for folder in searched:
        assert str(folder) in str(caught.value)
    other = publish(tmp_path / "elsewhere")
    assert module.manager().toml_path == other.toml
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("depot")
def test_a_command_line_program_without_a_file_looks_in_its_working_directory(
    tmp_path: Path,
) -> None:
    publish(tmp_path / "project")
    code = "from fetch_artifacts import artifact; print(artifact('Demo'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).name == TREE_HASH


@pytest.mark.usefixtures("depot")
def test_a_module_in_a_zip_is_told_how_to_give_its_file(tmp_path: Path) -> None:
    module = make_module(tmp_path / "real.py")
    module.__file__ = str(tmp_path / "package.zip/package/data.py")
    with pytest.raises(ArtifactsTomlNotFoundError, match=r"zip.*importlib\.resources"):
        module.path("Demo")


@pytest.mark.usefixtures("depot")
def test_a_path_that_is_given_is_used_as_it_is(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    (tmp_path / "package/sub").mkdir()
    odd = tmp_path / "package/sub/My data.toml"
    published.toml.rename(odd)
    assert artifact("Demo", odd).name == TREE_HASH
    with pytest.raises(ArtifactsTomlNotFoundError, match=r"absent\.toml"):
        artifact("Demo", tmp_path / "package/absent.toml")


@pytest.mark.usefixtures("depot")
def test_a_folder_stands_for_the_file_in_it_and_julias_own_name_comes_first(
    tmp_path: Path,
) -> None:
    published = publish(tmp_path / "package")
    assert load_artifacts(tmp_path / "package").toml_path == published.toml
    preferred = tmp_path / "package/JuliaArtifacts.toml"
    preferred.write_text(published.toml.read_text())
    assert load_artifacts(tmp_path / "package").toml_path == preferred


@pytest.mark.usefixtures("depot")
def test_an_unknown_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    with pytest.raises(ArtifactNotFoundError, match=r"'Demo'.*did you mean 'Demo'"):
        artifact("Dmeo", published.toml)
    with pytest.raises(KeyError):
        artifact("Dmeo", published.toml)


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("not TOML at all", "Artifacts.toml: expected TOML"),
        ("[Demo]\nlazy = true\n", r"Demo\.git-tree-sha1: expected 40 hex digits"),
        ("[Demo]\ngit-tree-sha1 = 3\n", r"Demo\.git-tree-sha1: .*found 3"),
        ("Demo = 3\n", "Demo: expected a table .*found 3"),
        ("[[Demo]]\nos = 3\n", r"Demo\[1\]\.os: expected a string, found 3"),
    ],
)
def test_a_file_that_cant_be_used_says_where_and_why(
    text: str, fault: str, tmp_path: Path
) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(text)
    with pytest.raises(ArtifactsTomlError, match=fault):
        artifact("Demo", toml)
    with pytest.raises(ValueError, match=fault):
        artifact("Demo", toml)


@pytest.mark.usefixtures("depot")
def test_an_entry_for_another_platform_says_what_differs(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    text = published.toml.read_text().replace("[Demo]", "[[Demo]]", 1)
    text = text.replace("\n\n", '\nos = "windows"\narch = "aarch64"\n\n', 1)
    published.toml.write_text(text)
    with pytest.raises(NoMatchingPlatformError, match="aarch64-w64-mingw32"):
        artifact("Demo", published.toml, platform="x86_64-linux-gnu")
    path = artifact("Demo", published.toml, platform="aarch64-w64-mingw32")
    assert path.name == TREE_HASH


@pytest.mark.usefixtures("depot")
def test_a_path_inside_the_artifact_may_follow_its_name(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    inside = artifact("Demo/bar/foo2", published.toml)
    assert inside.read_text() == "world!"
    assert inside.parent.parent.name == TREE_HASH
    assert artifact("Demo/", published.toml).name == TREE_HASH


def test_a_path_that_leads_out_of_the_artifact_installs_nothing(
    depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "package")
    with pytest.raises(ArtifactPathError, match=r"'\.\./other'"):
        artifact("Demo/../other", published.toml)
    assert not depot.exists()


@pytest.mark.usefixtures("depot")
def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    artifact("Demo", published.toml)
    text = published.toml.read_text()
    published.toml.write_text(text.replace("Demo", "Other"))
    assert artifact("Other", published.toml).name == TREE_HASH
    with pytest.raises(KeyError):
        artifact("Demo", published.toml)


@pytest.mark.usefixtures("depot")
def test_whether_it_is_there_and_away_with_it(tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    assert not artifact_exists("Demo", published.toml)
    path = artifact("Demo", published.toml)
    assert artifact_exists("Demo", published.toml)
    assert not artifact_exists("Unknown", published.toml)
    clear_artifact_cache("Demo", published.toml)
    assert not path.exists()
    artifact("Demo", published.toml)
    clear_artifact_cache(toml_path=published.toml)
    assert not path.exists()


def test_the_folder_for_artifacts_can_be_chosen(depot: Path, tmp_path: Path) -> None:
    published = publish(tmp_path / "package")
    assert get_cache_dir() == depot / "artifacts"
    set_cache_dir(tmp_path / "mine")
    try:
        assert get_cache_dir() == tmp_path / "mine"
        assert artifact("Demo", published.toml) == tmp_path / "mine" / TREE_HASH
    finally:
        set_artifacts_directory(None)
    assert names(tmp_path / "mine") == [TREE_HASH, "CACHEDIR.TAG"]
    assert not depot.exists()


@pytest.mark.usefixtures("depot")
def test_the_file_is_found_from_a_folder_or_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish(tmp_path / "package")
    (tmp_path / "package/sub").mkdir()
    assert get_artifacts_toml(published.toml) == published.toml
    assert get_artifacts_toml(tmp_path / "package/sub") == published.toml
    assert get_artifacts_toml() is None
    monkeypatch.chdir(tmp_path / "package/sub")
    assert get_artifacts_toml() == published.toml


def test_a_folder_without_a_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ArtifactsTomlNotFoundError, match="found a folder without one"):
        artifact("Demo", tmp_path)


def test_what_is_no_path_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("Artifacts.toml", "")
    packed = zipfile.Path(tmp_path / "package.zip", "Artifacts.toml")
    with pytest.raises(TypeError, match=r"expected a path.*importlib\.resources"):
        artifact("Demo", packed)  # type: ignore[arg-type] # that is the fault


@pytest.mark.usefixtures("depot")
def test_a_path_inside_must_exist_where_that_is_asked_for(tmp_path: Path) -> None:
    published = publish(tmp_path / "published")
    folder = artifact("Demo", published.toml, must_exist=True)
    assert artifact("Demo/foo3", published.toml, must_exist=True) == folder / "foo3"
    assert artifact("Demo/foo", published.toml) == folder / "foo"
    for name, missing, nearest in (
        ("Demo/bar/foo22", "foo22", "; did you mean 'foo2'?"),
        ("Demo/baar/bar/foo1", "baar", "; did you mean 'bar'?"),
        ("Demo/zzz", "zzz", ""),
    ):
        with pytest.raises(ArtifactFileNotFoundError) as caught:
            artifact(name, published.toml, must_exist=True)
        assert isinstance(caught.value, FileNotFoundError)
        assert str(caught.value).startswith(f"{name}: expected {missing!r} in {folder}")
        assert str(caught.value).endswith(f"found none{nearest}")
