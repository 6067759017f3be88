"""Each row of mutations.toml fits the code, which only a run of them would show."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

import fetch_artifacts

PACKAGE = Path(fetch_artifacts.__file__).parent
TESTS = Path(__file__).parent
MUTATIONS = tomli.loads((TESTS / "mutation/mutations.toml").read_text("utf-8"))
AT_LEAST = 40


@pytest.mark.parametrize("file", sorted({m["file"] for m in MUTATIONS["mutation"]}))
def test_a_mutation_has_its_line_and_its_test(file: str) -> None:
    code = (PACKAGE / file).read_text("utf-8")
    for mutation in MUTATIONS["mutation"]:
        if mutation["file"] == file:
            assert code.count(mutation["before"]) == 1, mutation["before"]
            module, *_, test = mutation["test"].split("::")
            function, _, _ = test.partition("[")
            assert f"def {function}(" in (TESTS / module).read_text("utf-8"), test


def test_there_are_forty_and_no_two_are_the_same() -> None:
    rows = {(m["file"], m["before"], m["after"]) for m in MUTATIONS["mutation"]}
    assert len(rows) == len(MUTATIONS["mutation"]) >= AT_LEAST
