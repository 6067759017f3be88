"""The recorded answers that the unit tests rely on are what such a Julia says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.conformance.questions import Julia, version_numbers
from fetch_artifacts.errors import JuliaThrewError
from support.fixtures import FIXTURES, Case, load_vectors
from support.trees import Tree, make_tree, recorded_tree


@pytest.fixture
def recorded(julia: Julia) -> str:
    """The recorded version of the same minor release as the running Julia."""
    found = julia.version()
    for folder in FIXTURES.glob("julia-*"):
        version = folder.name.removeprefix("julia-")
        if version_numbers(version)[:2] == version_numbers(found)[:2]:
            return version
    pytest.skip(f"no answers of Julia {found} are recorded")


def _answers(domain: str, version: str) -> tuple[tuple[Case, Case], ...]:
    if not (FIXTURES / f"julia-{version}" / f"{domain}.toml").exists():
        pytest.skip(f"no answers of Julia {version} on {domain} are recorded")
    return load_vectors(domain, version)


def test_tree_hashes(julia: Julia, recorded: str, tmp_path: Path) -> None:
    for number, (case, answer) in enumerate(_answers("tree", recorded)):
        path = make_tree(tmp_path / str(number), recorded_tree(case))
        assert answer["git_tools"] == julia.tree_hash(path), case
        if "git_tools_sha256" in answer:
            assert answer["git_tools_sha256"] == julia.sha256_tree_hash(path), case


def test_where_an_artifacts_toml_is_found(
    julia: Julia, recorded: str, tmp_path: Path
) -> None:
    for number, (case, answer) in enumerate(_answers("find", recorded)):
        files: Tree = dict.fromkeys(case["files"], "")
        tree: Tree = {"r/s/t/u": None, "Project.toml": ""}  # nothing above counts
        root = make_tree(tmp_path / str(number), tree | files)
        found = julia.find_artifacts_toml(root / case["from"])
        text = "" if found is None else str(found).replace(str(root), "{ROOT}")
        assert answer["value"] == text, case


def test_toml_text(julia: Julia, recorded: str) -> None:
    for case, answer in _answers("print", recorded):
        assert answer["sorted"] == julia.print_toml(case["toml"]), case


def test_the_order_of_tags(julia: Julia, recorded: str) -> None:
    for case, answer in _answers("order", recorded):
        assert answer["want"] == julia.triplet(case["platform"]), case
        for triplet in answer["triplets"]:  # read again, they may be in another order
            parts = sorted(triplet.split("-"))
            assert parts == sorted(julia.triplet(triplet).split("-")), triplet


def test_triplets(julia: Julia, recorded: str) -> None:
    for case, answer in _answers("triplet", recorded):
        assert answer.get("triplet") == _triplet(julia, case["s"]), case


def _triplet(julia: Julia, text: str) -> str | None:
    try:
        return julia.triplet(text)
    except JuliaThrewError:
        return None
