from __future__ import annotations

import time
from pathlib import Path

import pytest

from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from support.fixtures import Case, load_vectors
from support.trees import Link, make_tree


@pytest.mark.parametrize(
    ("case", "answer"), [*load_vectors("find"), *load_vectors("find", "1.5.3")]
)
def test_the_file_found_is_julias(case: Case, answer: Case, tmp_path: Path) -> None:
    make_tree(tmp_path, dict.fromkeys(case["files"], ""))
    (tmp_path / "r/s/t/u").mkdir(parents=True, exist_ok=True)
    found = find_artifacts_toml(f"{tmp_path}/{case['from']}")
    assert answer["value"] == str(found or "").replace(str(tmp_path), "{ROOT}")


def test_a_relative_path_begins_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"Artifacts.toml": "", "src/x.py": ""})
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "Artifacts.toml" == find_artifacts_toml("src/x.py")
    assert tmp_path / "Artifacts.toml" == find_artifacts_toml("x.py")


def test_the_search_ends_below_the_root() -> None:
    assert find_artifacts_toml("/") is None


def settle() -> None:
    """Wait until what was made of a folder is remembered."""
    time.sleep(0.1)


def test_files_that_come_and_go_are_seen(tmp_path: Path) -> None:
    make_tree(tmp_path, {"Artifacts.toml": "", "below/x.py": ""})
    settle()
    assert tmp_path / "Artifacts.toml" == find_artifacts_toml(tmp_path / "below")
    make_tree(tmp_path, {"below/Artifacts.toml": ""})
    assert tmp_path / "below/Artifacts.toml" == find_artifacts_toml(tmp_path / "below")
    (tmp_path / "below/Artifacts.toml").unlink()
    assert tmp_path / "Artifacts.toml" == find_artifacts_toml(tmp_path / "below")


def test_what_a_link_leads_to_may_come_and_go(tmp_path: Path) -> None:
    make_tree(tmp_path, {"package/Artifacts.toml": Link("../shared.toml")})
    settle()
    assert find_artifacts_toml(tmp_path / "package") is None
    (tmp_path / "shared.toml").touch()
    found = find_artifacts_toml(tmp_path / "package")
    assert tmp_path / "package/Artifacts.toml" == found
    (tmp_path / "shared.toml").unlink()
    assert find_artifacts_toml(tmp_path / "package") is None
