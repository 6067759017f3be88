"""A look-up that was answered before: what makes the answer void, and what it costs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_artifacts import ArtifactNotInstalledError, artifact
from fetch_artifacts.files import remembered
from fetch_artifacts.install import warm
from fetch_artifacts.install.warm import known_path
from support.published import TREE_HASH, publish

OTHER = "2" * 40
Later = Callable[[], None]


@pytest.fixture
def toml(tmp_path: Path, depot: Path) -> Path:
    for tree in (TREE_HASH, OTHER):
        (depot / "artifacts" / tree).mkdir(parents=True)
    return publish(tmp_path / "package").toml


def warmed(toml: Path, later: Later) -> Path:
    """The answer, once it is one that is known."""
    artifact("Demo", toml)
    later()
    path = artifact("Demo", toml)
    assert known_path("Demo", str(toml)) is path
    return path


def override(depot: Path, target: str) -> Path:
    path = depot / "artifacts" / "Overrides.toml"
    path.write_text(f'{TREE_HASH} = "{target}"\n')
    return path


def test_what_is_known_is_the_same_path(toml: Path, depot: Path, later: Later) -> None:
    assert warmed(toml, later) == depot / "artifacts" / TREE_HASH
    assert artifact("Demo/a/b", toml) == depot / "artifacts" / TREE_HASH / "a" / "b"
    assert known_path("Demo/a/b", str(toml)) == artifact("Demo/a/b", toml)


def test_a_folder_that_is_only_just_changed_is_not_trusted(
    toml: Path, depot: Path
) -> None:
    for target in (OTHER, "3" * 40, OTHER):
        override(depot, target)
        (depot / "artifacts" / target).mkdir(exist_ok=True)
        assert artifact("Demo", toml).name == target
        (depot / "artifacts" / "Overrides.toml").unlink()
        assert artifact("Demo", toml).name == TREE_HASH


@pytest.mark.parametrize("removed", [f"artifacts/{TREE_HASH}", "artifacts", "."])
def test_a_tree_that_was_removed_is_missing(
    removed: str, toml: Path, depot: Path, later: Later
) -> None:
    warmed(toml, later)
    shutil.rmtree(depot / removed)
    with pytest.raises(ArtifactNotInstalledError):
        artifact("Demo", toml, download=False)


def test_a_depot_that_went_after_it_was_made_for_the_artifact_has_nothing(
    toml: Path, depot: Path, later: Later
) -> None:
    for _ in range(2):
        shutil.rmtree(depot)
        later()
        assert artifact("Demo", toml).is_dir()  # installs it
    shutil.rmtree(depot)
    later()
    with pytest.raises(ArtifactNotInstalledError):
        artifact("Demo", toml, download=False)


def test_new_overrides_count_even_where_the_folder_gets_its_old_mtime_back(
    toml: Path, depot: Path, later: Later
) -> None:
    warmed(toml, later)
    folder = depot / "artifacts"
    before = folder.stat()
    override(depot, OTHER)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert artifact("Demo", toml).name == OTHER


def test_overrides_that_are_edited_in_place_count_whatever_their_mtime(
    toml: Path, depot: Path, later: Later
) -> None:
    path = override(depot, OTHER)
    before = path.stat()
    artifact("Demo", toml)
    later()
    assert artifact("Demo", toml).name == OTHER
    assert known_path("Demo", str(toml)) is None
    override(depot, "3" * 40)
    (depot / "artifacts" / ("3" * 40)).mkdir()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert artifact("Demo", toml).name == "3" * 40


def test_overrides_that_a_link_leads_to_count_as_soon_as_they_are_there(
    toml: Path, depot: Path, tmp_path: Path, later: Later
) -> None:
    (depot / "artifacts" / "Overrides.toml").symlink_to(tmp_path / "elsewhere.toml")
    artifact("Demo", toml)
    later()
    assert artifact("Demo", toml).name == TREE_HASH
    (tmp_path / "elsewhere.toml").write_text(f'{TREE_HASH} = "{OTHER}"\n')
    assert artifact("Demo", toml).name == OTHER


def test_overrides_of_a_depot_that_comes_later_count(
    toml: Path,
    depot: Path,
    tmp_path: Path,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "JULIA_DEPOT_PATH", os.pathsep.join([str(depot), str(tmp_path / "second")])
    )
    warmed(toml, later)
    (tmp_path / "second" / "artifacts").mkdir(parents=True)
    override(tmp_path / "second", OTHER)
    assert artifact("Demo", toml).name == OTHER


def test_a_tree_behind_a_link_is_looked_for_each_time(
    toml: Path, depot: Path, tmp_path: Path, later: Later
) -> None:
    tree = depot / "artifacts" / TREE_HASH
    tree.rmdir()
    (tmp_path / "shared").mkdir()
    tree.symlink_to(tmp_path / "shared")
    artifact("Demo", toml)
    later()
    assert artifact("Demo", toml) == tree
    (tmp_path / "shared").rmdir()
    with pytest.raises(ArtifactNotInstalledError):
        artifact("Demo", toml, download=False)


def test_another_hash_in_the_file_counts_at_once(toml: Path, later: Later) -> None:
    warmed(toml, later)
    before = toml.stat()
    toml.write_text(toml.read_text().replace(TREE_HASH, OTHER))
    os.utime(toml, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert artifact("Demo", toml).name == OTHER


def test_another_depot_counts_at_once(
    toml: Path, tmp_path: Path, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed(toml, later)
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "empty"))
    with pytest.raises(ArtifactNotInstalledError):
        artifact("Demo", toml, download=False)


def test_a_known_answer_takes_one_look_at_the_file_and_one_at_the_depot(
    toml: Path, depot: Path, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed(toml, later)
    looks: list[str] = []

    def stat(path: str) -> os.stat_result:
        looks.append(path)
        return Path(path).stat()

    for module in (remembered, warm):  # which has no other way to look
        monkeypatch.setattr(module, "os", SimpleNamespace(stat=stat))
    artifact("Demo", toml)
    assert looks == [str(toml), str(depot / "artifacts")]


def test_the_use_of_a_known_answer_is_logged_once_a_day(
    toml: Path, depot: Path, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed(toml, later)
    log = depot / "logs" / "artifact_usage.toml"
    log.unlink()
    artifact("Demo", toml)
    assert not log.exists()
    real = time.monotonic
    for place in (time, warm):
        monkeypatch.setattr(place, "monotonic", lambda: real() + 24 * 60 * 60)
    artifact("Demo", toml)
    assert log.exists()
