from __future__ import annotations

import threading
from pathlib import Path

from fetch_artifacts.depot import artifacts as depots
from fetch_artifacts.depot.stack import (
    artifacts_dirs,
    set_artifacts_directory,
    with_artifacts_directory,
)
from fetch_artifacts.digests import TreeHash
from support.trees import make_tree

# {foo1: "Hello", foo2: "world!"}, Pkg.jl test/artifacts.jl:47
HELLO = TreeHash.parse("98cda294312216b19e2a973e9c291c0f5181c98c")
OTHER = TreeHash.parse("1" * 40)


def install(root: Path, tree_hash: TreeHash = HELLO) -> Path:
    return make_tree(
        root / "artifacts" / str(tree_hash), {"foo1": "Hello", "foo2": "world!"}
    )


def test_a_chosen_directory_stands_for_all_depots_and_ends_with_the_block(
    depot: Path, tmp_path: Path
) -> None:
    install(depot)
    with with_artifacts_directory(tmp_path / "mine"):
        assert depots.artifact_path(HELLO) == tmp_path / "mine" / str(HELLO)
        assert not depots.artifact_exists(HELLO)
        with with_artifacts_directory(tmp_path / "inner"):
            assert artifacts_dirs() == (tmp_path / "inner",)
        assert artifacts_dirs("x") == (tmp_path / "mine" / "x",)
    assert depots.artifact_exists(HELLO)


def test_a_chosen_directory_is_its_threads_own(depot: Path, tmp_path: Path) -> None:
    seen = []
    with with_artifacts_directory(tmp_path / "mine"):
        thread = threading.Thread(target=lambda: seen.append(artifacts_dirs()))
        thread.start()
        thread.join()
    assert seen == [(depot / "artifacts",)]


def test_a_directory_set_for_the_process_counts_in_all_threads(
    depot: Path, tmp_path: Path
) -> None:
    seen = []
    set_artifacts_directory(tmp_path / "mine")
    try:
        thread = threading.Thread(target=lambda: seen.append(artifacts_dirs()))
        thread.start()
        thread.join()
    finally:
        set_artifacts_directory(None)
    assert seen == [(tmp_path / "mine",)]
    assert artifacts_dirs() == (depot / "artifacts",)
