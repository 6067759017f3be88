"""Which trees the files in a usage log name, and what is said where one is wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from fetch_artifacts import TreeHash
from fetch_artifacts.artifacts_toml.file import parse_artifacts_toml
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.usage import references
from fetch_artifacts.depot.usage.references import ReferenceReader, Use
from fetch_artifacts.errors import ArtifactsTomlError, DepotError

A, B = "a" * 40, "b" * 40
GOOD = f'[Good]\ngit-tree-sha1 = "{A}"\n'


@pytest.fixture
def good(depot: Path, tmp_path: Path) -> Path:
    """A file that the depot's log names."""
    return in_use(depot, tmp_path / "good" / "Artifacts.toml", GOOD)


def in_use(depot: Path, toml: Path, text: str) -> Path:
    toml.parent.mkdir()
    toml.write_text(text)
    log = depot / "logs" / "artifact_usage.toml"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(f'[["{toml}"]]\ntime = 2026-01-01T00:00:00Z\n')
    return toml


def uses(reader: ReferenceReader, depot: Path) -> dict[TreeHash, tuple[Use, ...]]:
    return dict(reader.read([str(depot / "logs")]).uses)


BAD = {
    "no TOML": ("= 1", "Artifacts.toml: .*line 1"),
    "no table": ("Bad = [1]\n", "Bad.*expected a table, found 1"),
    "no hash": ("[Bad]\nlazy = true\n", "git-tree-sha1: expected 40 hex digits"),
    "short": ('[Bad]\ngit-tree-sha1 = "12"\n', "expected 40 hex digits, found 2"),
}


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD)
def test_a_wrong_file_is_told_once_and_the_others_count(
    text: str,
    fault: str,
    good: Path,
    depot: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = in_use(depot, tmp_path / "bad" / "Artifacts.toml", text)
    reader = ReferenceReader(DepotStack.present(), strict=False)
    expected = {TreeHash.parse(A): (Use(good, "Good"),)}
    assert uses(reader, depot) == uses(reader, depot) == expected
    (record,) = caplog.records
    assert str(bad) in record.getMessage()
    assert re.search(fault, record.getMessage())
    assert "what it names is not kept" in record.getMessage()


@pytest.mark.parametrize("name", ["no table", "no hash", "short"])
@pytest.mark.usefixtures("good")
def test_a_strict_reader_stops_at_an_entry_without_a_hash(
    name: str, depot: Path, tmp_path: Path
) -> None:
    text, fault = BAD[name]
    in_use(depot, tmp_path / "bad" / "Artifacts.toml", text)
    with pytest.raises(ArtifactsTomlError, match=fault):
        uses(ReferenceReader(DepotStack.present()), depot)


def test_a_file_that_is_too_large_may_name_anything(
    good: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_LARGEST", 1 << 20)
    os.truncate(good, (1 << 20) + 1)
    with pytest.raises(DepotError, match="expected at most 1 MB; make it readable"):
        uses(ReferenceReader(DepotStack.present()), depot)


def test_a_file_is_parsed_again_when_it_has_changed(
    good: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Path] = []

    def noted(text: bytes, toml: Path) -> object:
        parsed.append(toml)
        return parse_artifacts_toml(text, toml)

    monkeypatch.setattr(references, "parse_artifacts_toml", noted)
    os.utime(good, (1, 1))  # settled: it can't change within this stamp
    reader = ReferenceReader(DepotStack.present())
    first = uses(reader, depot)
    assert uses(reader, depot) == first == {TreeHash.parse(A): (Use(good, "Good"),)}
    assert parsed == [good]
    good.write_text(GOOD.replace(A, B))
    assert uses(reader, depot) == {TreeHash.parse(B): (Use(good, "Good"),)}
    assert parsed == [good, good]
    assert str(Use(good, "Good")) == f"Good of {good}"
