from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fetch_artifacts.depot import artifacts as depots
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError, OverrideError
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


# It would be downloaded again.
def test_an_artifact_that_a_network_file_system_lost_sight_of_is_looked_for_again(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = install(depot)
    left = [OSError(errno.ESTALE, os.strerror(errno.ESTALE))] * 4
    real = os.stat

    def lose(path: object, **options: object) -> os.stat_result:
        if left and str(path) == str(tree):
            raise left.pop()
        return real(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", lose)
    assert depots.find_artifact(HELLO) == tree
    assert not left


def test_an_empty_depot_path_is_an_error_that_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JULIA_DEPOT_PATH", "")
    for ask in (depots.artifact_path, lambda _: FirstDepot.present()):
        with pytest.raises(DepotError, match="JULIA_DEPOT_PATH is set and empty"):
            ask(HELLO)
    assert not depots.artifact_exists(HELLO)


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
