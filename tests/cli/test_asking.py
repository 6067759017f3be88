"""The question that `remove` and `gc` ask on a terminal."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fetch_artifacts.depot.usage import orphans
from support.commands import Result, Terminal, run, run_on
from support.published import TREE_HASH


def answer(
    monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str | Path
) -> Result:
    """Run a command on a terminal at which somebody types a text."""
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    return run_on(Terminal(), Terminal(), arguments)


@pytest.fixture
def tree(toml: Path, depot: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(orphans, "NEW_FOR", timedelta(0))
    assert run("install").exit_code == 0
    return depot / "artifacts" / TREE_HASH


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["remove", "Demo"], r"Delete Demo \([\d.]+ kB\)\? \[y/N\]:"),
        (
            ["gc", "--collect-delay", "0"],
            r"Delete 1 unused artifact, [\d.]+ kB\? \[y/N\]:",
        ),
    ],
)
def test_it_names_what_goes_and_no_answer_deletes_nothing(
    arguments: list[str],
    question: str,
    toml: Path,
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if arguments[0] == "gc":
        toml.rename(toml.with_name("Elsewhere.toml"))
    said = answer(monkeypatch, "n\n", *arguments)
    assert said.exit_code == 1
    assert re.fullmatch(
        question + " ?fetch-artifacts: nothing was deleted\n", said.stderr
    )
    said = answer(monkeypatch, "", *arguments)  # the end of the input: Ctrl-D
    assert said.exit_code == 130
    assert re.fullmatch(question + " ?\nfetch-artifacts: interrupted\n", said.stderr)
    assert tree.exists()
    said = answer(monkeypatch, "y\n", *arguments)
    assert (said.exit_code, tree.exists()) == (0, False)


def test_nothing_is_asked_where_nothing_goes(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["gc"], ["remove", "--dry-run", "Demo"]):
        assert answer(monkeypatch, "n\n", *arguments).stderr == ""
    assert tree.exists()
    assert answer(monkeypatch, "n\n", "remove", "--yes", "Demo").stderr == ""
    assert not tree.exists()
    assert answer(monkeypatch, "n\n", "remove", "Demo").stderr == ""
