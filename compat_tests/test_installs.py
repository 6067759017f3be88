"""What one language installs is there for the other, which downloads nothing again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from compat_tests.published import Published, publish
from compat_tests.trees import copy_tree, listing, random_tree
from fetch_artifacts import TreeHash, artifact, pkg_artifacts
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.install.hook import find_hook, run_hook
from fetch_artifacts.platforms import Platform
from support.trees import Link, Tree, make_tree


@pytest.fixture
def published(tmp_path: Path, httpserver: HTTPServer) -> Published:
    return publish(tmp_path, httpserver)


def _julia_install(julia: Julia, published: Published) -> Path:
    return julia.ensure_artifact_installed(published.name, published.toml)


def _ours_install(published: Published) -> Path:
    return pkg_artifacts.ensure_artifact_installed(published.name, published.toml)


def test_julia_sees_what_python_installed(julia: Julia, published: Published) -> None:
    path = _ours_install(published)

    assert julia.artifact_exists(published.tree_hash)
    assert julia.verify_artifact(published.tree_hash)
    assert path == julia.artifact_path(published.tree_hash)
    assert path == _julia_install(julia, published)
    assert published.downloads == 1


def test_python_sees_what_julia_installed(julia: Julia, published: Published) -> None:
    path = _julia_install(julia, published)

    tree_hash = TreeHash.parse(published.tree_hash)
    assert pkg_artifacts.artifact_exists(tree_hash)
    assert pkg_artifacts.verify_artifact(tree_hash)
    assert path == pkg_artifacts.artifact_path(tree_hash)
    assert path == artifact(published.name, published.toml)
    assert path == _ours_install(published)
    assert published.downloads == 1


def test_julia_sees_what_python_created(julia: Julia, published: Published) -> None:
    tree_hash = pkg_artifacts.create_artifact(
        lambda folder: copy_tree(published.source, folder)
    )

    assert published.tree_hash == str(tree_hash)
    assert julia.verify_artifact(published.tree_hash)
    _julia_install(julia, published)
    assert published.downloads == 0


def test_python_sees_what_julia_created(julia: Julia, published: Published) -> None:
    tree_hash = julia.create_artifact(published.source)

    assert published.tree_hash == tree_hash
    assert pkg_artifacts.verify_artifact(TreeHash.parse(tree_hash))
    _ours_install(published)
    assert published.downloads == 0


def test_a_depot_behind_the_first_serves_both(
    julia: Julia,
    depot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    published: Published,
) -> None:
    shared = depot / "artifacts"
    installed = _julia_install(julia, published)
    first = tmp_path / "first"
    monkeypatch.setenv("JULIA_DEPOT_PATH", os.pathsep.join([str(first), str(depot)]))

    assert shared / published.tree_hash == installed
    assert installed == _ours_install(published)
    assert installed == _julia_install(julia.at(first, depot), published)
    assert published.downloads == 1


def test_julia_notices_what_was_changed_in_an_install_of_python(
    julia: Julia, published: Published
) -> None:
    path = _ours_install(published)
    changed = path / "data" / "table.csv"
    changed.chmod(0o644)
    changed.write_text("a,b\n1,3\n")

    tree_hash = TreeHash.parse(published.tree_hash)
    assert julia.verify_artifact(published.tree_hash) is False
    assert pkg_artifacts.verify_artifact(tree_hash) is False


def test_what_python_removes_is_gone_for_julia_and_the_other_way_round(
    julia: Julia, published: Published
) -> None:
    tree_hash = TreeHash.parse(published.tree_hash)

    _ours_install(published)
    julia.remove_artifact(published.tree_hash)
    assert pkg_artifacts.artifact_exists(tree_hash) is False

    _julia_install(julia, published)
    pkg_artifacts.remove_artifact(tree_hash)
    assert julia.artifact_exists(published.tree_hash) is False


def test_modes_and_links_are_the_same_whoever_installs(
    julia: Julia,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    published: Published,
) -> None:
    julias, ours = tmp_path / "julias", tmp_path / "ours"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(ours))

    assert listing(_julia_install(julia.at(julias), published)) == listing(
        _ours_install(published)
    )


@pytest.mark.parametrize("seed", range(100, 110))
def test_modes_are_the_same_whoever_creates(
    julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    tree = {
        name: content
        for name, content in random_tree(seed).items()
        if not isinstance(content, Link)
    }

    julias, ours = _created_by_both(julia, tmp_path, monkeypatch, tree)

    assert julias == ours, tree


@pytest.mark.requires_julia("1.6")  # 1.5 takes write bits through links
def test_modes_and_links_are_the_same_whoever_creates(
    julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(100, 110):
        tree = random_tree(seed)
        julias, ours = _created_by_both(julia, tmp_path / str(seed), monkeypatch, tree)
        assert julias == ours, tree


def _created_by_both(
    julia: Julia, folder: Path, monkeypatch: pytest.MonkeyPatch, tree: Tree
) -> tuple[dict[str, str], dict[str, str]]:
    """The listings of one tree as Julia and as we install it."""
    source = make_tree(folder / "source", tree)
    julias, ours = folder / "julias", folder / "ours"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(ours))
    theirs = julia.at(julias).create_artifact(source)
    created = pkg_artifacts.create_artifact(lambda target: copy_tree(source, target))
    return (
        listing(julias / "artifacts" / theirs),
        listing(ours / "artifacts" / str(created)),
    )


HOOK = """
triplet = ARGS[1]
println("[Foo]")
println("git-tree-sha1 = \\"43563e7631a7eafae1f9f8d9d332e3de44ad7239\\"")
println("triplet = \\"$triplet\\"")
println("folder = \\"$(basename(pwd()))\\"")
"""


def test_a_hook_runs_in_a_real_julia(julia: Julia, tmp_path: Path) -> None:
    path = tmp_path / ".pkg" / "select_artifacts.jl"
    path.parent.mkdir()
    path.write_text(HOOK)

    hook = find_hook(tmp_path / "Artifacts.toml")

    assert hook is not None
    platform = Platform.parse("x86_64-linux-gnu-cuda+12.4")
    assert run_hook(hook, platform, julia=Path(julia.program())) == {
        "Foo": {
            "git-tree-sha1": "43563e7631a7eafae1f9f8d9d332e3de44ad7239",
            "triplet": "x86_64-linux-gnu-cuda+12.4",
            "folder": ".pkg",
        }
    }
