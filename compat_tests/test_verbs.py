"""What no other comparison asks Julia: each verb of oracle.jl is asked by some test.

`compat_tests.counting` fails a whole run in which one was not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from compat_tests.trees import listing, random_tree
from fetch_artifacts import julia_toml, pkg_artifacts, tarball
from fetch_artifacts.artifacts_toml.slash import artifact_slash_lookup
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.platforms import Platform
from fetch_artifacts.settings.depot_path import parse_depot_path
from support.trees import Tree, make_tree

A, B, C = "a" * 40, "b" * 40, "c" * 40
TOML = f"""\
[Plain]
git-tree-sha1 = "{A}"

[Lazy]
git-tree-sha1 = "{B}"
lazy = true

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "{C}"
libc = "glibc"
os = "linux"

    [[ByPlatform.download]]
    sha256 = "{"0" * 64}"
    url = "https://example.org/x.tar.gz"
"""
LINUX, WINDOWS = "x86_64-linux-gnu", "x86_64-w64-mingw32"
PLAIN_TREE: Tree = {"a/b": "1", "bin/run": ("#!/bin/sh\n", 0o755), "empty": None}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "Artifacts.toml"
    path.write_text(TOML)
    return path


@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
@pytest.mark.parametrize("name", ["Plain", "Lazy", "ByPlatform", "Absent"])
def test_entries(julia: Julia, toml: Path, name: str, platform: str) -> None:
    ours = pkg_artifacts.artifact_meta(name, toml, platform=platform)
    expected = julia.artifact_meta(name, toml, platform)
    assert expected == (None if ours is None else julia_toml.dumps(ours))


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
def test_all_hashes(julia: Julia, toml: Path, platform: str, lazy: bool) -> None:
    ours = pkg_artifacts.extract_all_hashes(toml, platform=platform, include_lazy=lazy)
    expected = julia.extract_all_hashes(toml, platform, include_lazy=lazy)
    assert sorted(expected) == sorted(map(str, ours))


@pytest.mark.requires_julia("1.6")
@pytest.mark.parametrize("lazy", [True, False])
def test_downloads(julia: Julia, toml: Path, lazy: bool) -> None:
    ours = pkg_artifacts.select_downloadable_artifacts(
        toml, platform=LINUX, include_lazy=lazy
    )
    expected = julia.select_downloadable_artifacts(toml, LINUX, include_lazy=lazy)
    assert expected == sorted(ours)


def test_names(julia: Julia, toml: Path) -> None:
    assert julia.artifact_names(toml) == sorted(pkg_artifacts.load_artifacts_toml(toml))


@pytest.mark.parametrize("value", [None, "/x", "/x:/y", "/x:~/d", "~", "/x:/x"])
def test_depots(julia: Julia, value: str | None) -> None:
    bundled = julia.depot_path(Path("/home/u"), None)[1:]
    ours = parse_depot_path(value, home="/home/u", bundled=bundled)
    assert julia.depot_path(Path("/home/u"), value) == list(ours)


@pytest.mark.requires_julia("1.12")  # where an empty first part means the user's depot
@pytest.mark.parametrize("value", [":/x", "/x:", "/x::/y", ":"])
def test_depots_that_come_with_julia(julia: Julia, value: str) -> None:
    bundled = julia.depot_path(Path("/home/u"), None)[1:]
    ours = parse_depot_path(value, home="/home/u", bundled=bundled)
    assert julia.depot_path(Path("/home/u"), value) == list(ours)


@pytest.mark.requires_julia("1.6")
@pytest.mark.parametrize("name", ["Plain", "Plain/x", "Plain/x/y/", "ByPlatform/a"])
def test_names_with_slashes(julia: Julia, toml: Path, name: str) -> None:
    table = pkg_artifacts.load_artifacts_toml(toml)
    ours = artifact_slash_lookup(name, table, platform=Platform.parse(LINUX))
    expected = julia.slash_lookup(name, toml, LINUX)
    assert expected == (ours.name, ours.tail, str(ours.tree_hash))


@pytest.mark.requires_julia("1.6")
@pytest.mark.parametrize("portable", [True, False])
def test_tarballs_are_the_same_bytes(
    julia: Julia, tmp_path: Path, portable: bool
) -> None:
    tree = make_tree(tmp_path / "tree", PLAIN_TREE)
    julias, ours = tmp_path / "julias.tar", tmp_path / "ours.tar"
    julia.tar_create(tree, julias, portable=portable)
    tarball.create(tree, ours, portable=portable)
    assert julias.read_bytes() == ours.read_bytes()


@pytest.mark.requires_julia("1.6")
def test_tarballs_are_unpacked_and_hashed_alike(julia: Julia, tmp_path: Path) -> None:
    for seed in range(20):
        folder = tmp_path / str(seed)
        tree = make_tree(folder / "tree", random_tree(seed))
        julia.tar_create(tree, folder / "a.tar")
        julia.tar_extract(folder / "a.tar", folder / "julias")
        tarball.extract(folder / "a.tar", folder / "ours")
        assert listing(folder / "julias") == listing(folder / "ours"), seed
        for skip in (True, False):
            expected = julia.tar_tree_hash(folder / "a.tar", skip_empty=skip)
            ours = tarball.tree_hash(folder / "a.tar", skip_empty=skip)
            assert expected == str(ours), seed


def test_the_verbs_are_told(julia: Julia) -> None:
    assert {"artifact_hash", "capabilities", "tree_hash"} <= set(julia.capabilities())


def test_a_question_can_be_timed(julia: Julia, toml: Path) -> None:
    assert julia.seconds("artifact_hash", "Plain", toml, "", number=3) > 0
