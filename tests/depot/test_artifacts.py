from __future__ import annotations

import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from fetch_artifacts.depot import artifacts as depots
from fetch_artifacts.depot.staging import Depot
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError, LockTimeoutError, OverrideError
from support.trees import make_tree, names

# {foo1: "Hello", foo2: "world!"}, Pkg.jl test/artifacts.jl:47
HELLO = TreeHash.parse("98cda294312216b19e2a973e9c291c0f5181c98c")
OTHER = TreeHash.parse("1" * 40)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two empty depots."""
    first, second = tmp_path / "one", tmp_path / "two"
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}{os.pathsep}{second}")
    return first, second


def install(root: Path, tree_hash: TreeHash = HELLO) -> Path:
    return make_tree(
        root / "artifacts" / str(tree_hash), {"foo1": "Hello", "foo2": "world!"}
    )


def test_a_missing_artifact_has_its_path_in_the_first_depot(
    two: tuple[Path, Path],
) -> None:
    assert depots.artifact_path(HELLO) == two[0] / "artifacts" / str(HELLO)
    assert depots.find_artifact(HELLO) is None
    assert not depots.artifact_exists(HELLO)


def test_an_artifact_is_found_in_any_depot_and_the_first_wins(
    two: tuple[Path, Path],
) -> None:
    there = install(two[1])
    assert depots.artifact_path(HELLO) == there
    here = install(two[0])
    assert depots.artifact_path(HELLO) == here
    assert depots.artifact_paths(HELLO) == (here, there)


def test_a_file_in_the_place_of_the_folder_is_no_artifact(depot: Path) -> None:
    make_tree(depot / "artifacts", {str(HELLO): "a file"})
    assert not depots.artifact_exists(HELLO)


def test_an_empty_depot_path_is_an_error_that_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JULIA_DEPOT_PATH", "")
    for ask in (depots.artifact_path, lambda _: Depot.first()):
        with pytest.raises(DepotError, match="JULIA_DEPOT_PATH is set and empty"):
            ask(HELLO)
    assert not depots.artifact_exists(HELLO)


def test_a_chosen_directory_stands_for_all_depots_and_ends_with_the_block(
    depot: Path, tmp_path: Path
) -> None:
    install(depot)
    with depots.with_artifacts_directory(tmp_path / "mine"):
        assert depots.artifact_path(HELLO) == tmp_path / "mine" / str(HELLO)
        assert not depots.artifact_exists(HELLO)
        with depots.with_artifacts_directory(tmp_path / "inner"):
            assert depots.artifacts_dirs() == (tmp_path / "inner",)
        assert depots.artifacts_dirs("x") == (tmp_path / "mine" / "x",)
    assert depots.artifact_exists(HELLO)


def test_a_chosen_directory_is_its_threads_own(depot: Path, tmp_path: Path) -> None:
    seen = []
    with depots.with_artifacts_directory(tmp_path / "mine"):
        thread = threading.Thread(target=lambda: seen.append(depots.artifacts_dirs()))
        thread.start()
        thread.join()
    assert seen == [(depot / "artifacts",)]


def test_a_directory_set_for_the_process_counts_in_all_threads(
    depot: Path, tmp_path: Path
) -> None:
    seen = []
    depots.set_artifacts_directory(tmp_path / "mine")
    try:
        thread = threading.Thread(target=lambda: seen.append(depots.artifacts_dirs()))
        thread.start()
        thread.join()
    finally:
        depots.set_artifacts_directory(None)
    assert seen == [(tmp_path / "mine",)]
    assert depots.artifacts_dirs() == (depot / "artifacts",)


def test_an_override_leads_to_a_folder_or_to_another_tree(
    depot: Path, tmp_path: Path
) -> None:
    text = f'{HELLO} = "{tmp_path}/real"\n{OTHER} = "{HELLO}"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    assert depots.artifact_path(HELLO) == tmp_path / "real"
    assert depots.artifact_path(OTHER) == tmp_path / "real"
    assert not depots.artifact_exists(HELLO)
    assert depots.is_overridden(OTHER)
    plain = depots.artifact_path(HELLO, honor_overrides=False)
    assert plain == depot / "artifacts" / str(HELLO)


def test_overrides_that_go_in_a_circle_are_an_error(depot: Path) -> None:
    text = f'{HELLO} = "{OTHER}"\n{OTHER} = "{HELLO}"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    with pytest.raises(OverrideError, match=f"{HELLO} -> {OTHER} -> {HELLO}"):
        depots.artifact_path(HELLO)


def test_removing_deletes_from_every_depot_but_nothing_that_is_overridden(
    two: tuple[Path, Path],
) -> None:
    install(two[0])
    install(two[1])
    overrides = make_tree(two[1] / "artifacts", {"Overrides.toml": f'{HELLO} = "/x"'})
    depots.remove_artifact(HELLO)
    assert names(two[0] / "artifacts") == [str(HELLO)]
    (overrides / "Overrides.toml").unlink()
    depots.remove_artifact(HELLO)
    assert names(two[0] / "artifacts") == names(two[1] / "artifacts") == []


def test_verifying_tells_intact_from_changed_missing_and_overridden(
    depot: Path, tmp_path: Path
) -> None:
    assert not depots.verify_artifact(HELLO)
    path = install(depot)
    assert depots.verify_artifact(HELLO)
    (path / "foo1").write_text("hello")
    assert not depots.verify_artifact(HELLO)
    text = f'{HELLO} = "{tmp_path}/real"'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    assert depots.verify_artifact(HELLO)
    assert not depots.verify_artifact(HELLO, honor_overrides=True)


def test_a_staged_tree_is_committed_in_one_step_and_leaves_nothing_else(
    depot: Path,
) -> None:
    with Depot.first().stage() as folder:
        assert folder.parent == depot / ".fetch_artifacts"
        make_tree(folder, {"foo1": "Hello", "foo2": "world!"})
        assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
        path = Depot.first().commit(folder, HELLO)
    assert path == depot / "artifacts" / str(HELLO)
    assert names(path) == ["foo1", "foo2"]
    assert names(depot) == ["artifacts"]


def test_a_failure_leaves_nothing_of_the_staged_tree(depot: Path) -> None:
    def fails() -> None:
        with Depot.first().stage() as folder:
            make_tree(folder, {"a/b": "c"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert names(depot) == ["artifacts"]
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


# Pkg.jl Artifacts.jl:84-89: the root gets the mode of artifacts/, setgid included.
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o2775])
def test_the_root_of_a_new_artifact_has_the_mode_of_its_parent(
    mode: int, depot: Path
) -> None:
    (depot / "artifacts").mkdir(parents=True)
    (depot / "artifacts").chmod(mode)
    with Depot.first().stage() as folder:
        path = Depot.first().commit(folder, HELLO)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_commit_that_comes_second_leaves_the_first_as_it_is(depot: Path) -> None:
    there = make_tree(depot / "artifacts" / str(HELLO), {"first": "1"})
    with Depot.first().stage() as folder:
        make_tree(folder, {"second": "2"})
        assert Depot.first().commit(folder, HELLO) == there
    assert names(there) == ["first"]


def test_where_no_rename_leads_into_artifacts_the_staging_is_there(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def crosses_disks(self: Path, target: Path) -> Path:
        if self.parent.name == ".fetch_artifacts":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", crosses_disks)
    with Depot.first().stage() as folder:
        assert folder.parent == depot / "artifacts"
        assert folder.name.startswith("jl_")
        Depot.first().commit(folder, HELLO)
    assert names(depot / "artifacts") == [str(HELLO), "CACHEDIR.TAG"]
    assert names(depot) == ["artifacts"]


def test_a_tree_that_another_depot_has_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    there = make_tree(second / "artifacts" / str(HELLO), {"hello": "world"})
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}{os.pathsep}{second}")
    with Depot.first().stage() as folder:
        assert Depot.first().commit(folder, HELLO) == there
    assert names(first / "artifacts") == ["CACHEDIR.TAG"]


def test_what_is_an_error_of_ours_already_is_not_put_into_other_words(
    depot: Path,
) -> None:
    error = LockTimeoutError("somebody else's lock", path=depot)
    with pytest.raises(LockTimeoutError) as caught, Depot.first().stage():
        raise error
    assert caught.value is error


def test_a_depot_that_is_a_file_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "file"))
    with pytest.raises(DepotError, match=r"file: can't install.*JULIA_DEPOT_PATH"):
        Depot.first().prepare()


def test_what_a_dead_process_left_a_day_ago_is_swept_and_nothing_newer(
    depot: Path,
) -> None:
    for place in (".fetch_artifacts", "artifacts"):
        make_tree(depot / place, {"jl_old/a": "x", "jl_new/a": "x", "other/a": "x"})
        long_ago = time.time() - 25 * 60 * 60
        os.utime(depot / place / "jl_old", (long_ago, long_ago))
    with Depot.first().stage():
        pass
    assert names(depot / ".fetch_artifacts") == ["jl_new", "other"]
    assert names(depot / "artifacts") == ["CACHEDIR.TAG", "jl_new", "other"]
