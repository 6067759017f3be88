"""Files of another machine, and the copies that answer in their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts import artifact, errors
from fetch_artifacts.artifacts_toml.shipped import (
    in_place_of,
    ship,
    shipped_above,
    unship,
)
from support.published import TREE_HASH, publish

FOLDER = Path("/there").absolute()
THERE = str(FOLDER / "project" / "Artifacts.toml")


@pytest.fixture
def here(tmp_path: Path, depot: Path) -> Iterator[str]:
    """A file of this machine, which answers for one of another."""
    copy = str(publish(tmp_path / "copy").toml)
    ship(THERE, copy)
    yield copy
    unship(THERE, copy)


def test_a_copy_answers_to_the_path_of_the_file_and_of_its_folder(
    here: str, depot: Path
) -> None:
    installed = depot / "artifacts" / TREE_HASH
    assert artifact("Demo", THERE) == installed
    assert artifact("Demo", Path(THERE).parent) == installed


def test_a_copy_is_found_where_no_file_was_named(
    here: str, depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = publish(tmp_path / "other").toml
    other.write_text("")
    monkeypatch.chdir(other.parent)  # the working directory says less
    assert artifact("Demo") == depot / "artifacts" / TREE_HASH


def test_other_paths_stay_as_they_are(here: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ArtifactsTomlNotFoundError):
        artifact("Demo", FOLDER / "Artifacts.toml")
    assert in_place_of(str(tmp_path)) == str(tmp_path)


def test_of_several_the_nearest_above_the_caller_counts(here: str) -> None:
    pairs = [
        (str(FOLDER / "Artifacts.toml"), "outer"),
        (str(Path("/elsewhere/Artifacts.toml").absolute()), "last"),
    ]
    for pair in pairs:
        ship(*pair)
    try:
        assert shipped_above(str(FOLDER / "project" / "src")) == here
        assert shipped_above(str(FOLDER / "projects")) == "outer"
        assert shipped_above("/nowhere") == shipped_above("") == "last"
    finally:
        for pair in pairs:
            unship(*pair)


def test_what_was_taken_back_is_not_found(here: str) -> None:
    ship(THERE, "newer")
    assert in_place_of(THERE) == "newer"
    unship(THERE, "newer")
    assert in_place_of(THERE) == here
    assert shipped_above("/nowhere") == here


def test_nothing_is_above_where_nothing_was_sent() -> None:
    assert shipped_above("/there/project") is None
