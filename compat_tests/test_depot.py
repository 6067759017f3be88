"""Both languages find, use and collect the same artifacts of shared depots."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from compat_tests.published import Published, publish
from fetch_artifacts import artifact, pkg_artifacts
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.depot.override_edits import set_override

A, B, C, D = (digit * 40 for digit in "abcd")
# What the Overrides.toml of the first and of the second depot say.
OVERRIDES = {
    "none": ("", ""),
    "to a folder": (f'{A} = "{{ROOT}}/elsewhere"', ""),
    "to no folder": (f'{A} = "{{ROOT}}/missing"', ""),
    "to another artifact": (f'{A} = "{B}"', ""),
    "by way of another": (f'{A} = "{C}"\n{C} = "{B}"', ""),
    "in the second depot": ("", f'{A} = "{{ROOT}}/elsewhere"'),
    "in both": (f'{A} = "{B}"', f'{A} = "{{ROOT}}/elsewhere"'),
    "taken back": (f'{A} = ""', f'{A} = "{{ROOT}}/elsewhere"'),
    "upper case": (f'{A.upper()} = "{B.upper()}"', ""),
    "a relative path": (f'{A} = "elsewhere"', ""),
    "a number": (f"{A} = 1", ""),
    "no hash": ('name = "/elsewhere"', f'{A} = "{B}"'),
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_overridden_paths(
    julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    depots = [tmp_path / "one", tmp_path / "two"]
    for depot, text in zip(depots, OVERRIDES[name], strict=True):
        (depot / "artifacts").mkdir(parents=True)
        overrides = depot / "artifacts" / "Overrides.toml"
        overrides.write_text(text.replace("{ROOT}", str(tmp_path)), "utf-8")
    (tmp_path / "elsewhere").mkdir()
    (depots[1] / "artifacts" / B).mkdir()
    (depots[0] / "artifacts" / D).mkdir()
    monkeypatch.setenv("JULIA_DEPOT_PATH", os.pathsep.join(map(str, depots)))

    for tree_hash in (A, B, C, D):
        for honor in (True, False):
            expected = _julia_place(julia.at(*depots), tree_hash, honor=honor)
            assert expected == _ours_place(tree_hash, honor=honor), (tree_hash, honor)


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: file names are text here")
def test_an_override_to_a_path_that_is_not_utf_8(
    julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / os.fsdecode(b'caf\xe9 "quoted"')
    elsewhere.mkdir()
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "depot"))
    set_override(tmp_path / "depot" / "artifacts", A, elsewhere)
    place = _julia_place(julia.at(tmp_path / "depot"), A, honor=True)
    assert place == _ours_place(A, honor=True) == (elsewhere, True)


def _julia_place(julia: Julia, tree_hash: str, *, honor: bool) -> tuple[Path, bool]:
    """The path, and whether it is there."""
    return (
        julia.artifact_path(tree_hash, honor_overrides=honor),
        julia.artifact_exists(tree_hash, honor_overrides=honor),
    )


def _ours_place(tree_hash: str, *, honor: bool) -> tuple[Path, bool]:
    """The path, and whether it is there."""
    return (
        pkg_artifacts.artifact_path(tree_hash, honor_overrides=honor),
        pkg_artifacts.artifact_exists(tree_hash, honor_overrides=honor),
    )


@pytest.fixture
def published(tmp_path: Path, httpserver: HTTPServer) -> Published:
    return publish(tmp_path, httpserver)


def test_what_python_uses_is_kept(julia: Julia, published: Published) -> None:
    artifact(published.name, published.toml)

    julia.gc()

    assert julia.verify_artifact(published.tree_hash)


def test_what_no_file_names_any_more_is_collected(
    julia: Julia, published: Published
) -> None:
    artifact(published.name, published.toml)
    published.toml.unlink()

    julia.gc()

    assert julia.artifact_exists(published.tree_hash) is False


def test_what_both_use_is_logged_where_both_read_it(
    julia: Julia, published: Published
) -> None:
    artifact(published.name, published.toml)
    julia.bind_artifact(published.toml, "Other", "1" * 40)  # logs the use of the file
    artifact(published.name, published.toml)

    julia.gc()

    assert julia.verify_artifact(published.tree_hash)
