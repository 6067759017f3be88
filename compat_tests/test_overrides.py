"""Overrides.toml files send both languages to the same places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compat_tests.questions import Julia
from fetch_artifacts import pkg_artifacts

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
def test_paths(
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
