from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from fetch_artifacts.artifacts_toml.slash import (
    artifact_slash_lookup,
    check_tail,
    split_artifact_slash,
)
from fetch_artifacts.errors import ArtifactNotFoundError, ArtifactPathError
from fetch_artifacts.platforms import Platform
from support.fixtures import Case, load_vectors

LINUX = Platform.parse("x86_64-linux-gnu")


@pytest.mark.parametrize(("case", "answer"), load_vectors("slash"))
def test_what_a_text_with_slashes_means_is_julias(case: Case, answer: Case) -> None:
    table = tomli.loads(case["toml"])
    if not answer["ok"]:
        with pytest.raises(ArtifactNotFoundError, match="expected an artifact"):
            artifact_slash_lookup(case["name"], table, platform=LINUX)
        return
    name, tail, tree_hash = artifact_slash_lookup(case["name"], table, platform=LINUX)
    assert answer["name"] == name
    assert answer["tail"] == tail
    assert answer["hash"] == str(tree_hash)


@pytest.mark.parametrize(
    ("text", "name", "tail"),
    [("Foo", "Foo", ""), ("Foo/", "Foo", ""), (r"Foo\a/b", "Foo", "a/b")],
)
def test_the_first_piece_is_the_name(text: str, name: str, tail: str) -> None:
    assert split_artifact_slash(text) == (name, str(Path(tail)) if tail else "")


@pytest.mark.parametrize("tail", ["", "a/b", "..a/b..", "a/...", "a/"])
def test_a_tail_that_stays_inside_the_folder_is_fine(tail: str) -> None:
    check_tail(tail)


@pytest.mark.parametrize("tail", ["..", "a/../b", "a/..", r"a\..\b", "/etc"])
def test_a_tail_that_leads_out_of_the_folder_is_refused(tail: str) -> None:
    with pytest.raises(ArtifactPathError, match="does not lead out of it"):
        check_tail(tail)
