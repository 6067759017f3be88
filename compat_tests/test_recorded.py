"""The recorded answers that the unit tests rely on are what such a Julia says today."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli

from compat_tests.counting import RECORDED, SKIPPED
from fetch_artifacts.conformance.questions import Julia, version_numbers
from support.fixtures import FIXTURES

DOMAINS = sorted(path.stem for path in (FIXTURES / "cases").glob("*.toml"))


@pytest.fixture(scope="session")
def again(
    _session_julia: Julia, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The answers of the running Julia, by domain, as record.jl records them."""
    folder = tmp_path_factory.mktemp("recorded")
    record = FIXTURES / "record.jl"
    program = _session_julia.program()
    command = [program, "--startup-file=no", str(record), "--to", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.stem: path for path in folder.glob("*.toml")}


@pytest.mark.parametrize("domain", DOMAINS)
def test_answers(
    julia: Julia,
    again: dict[str, Path],
    domain: str,
    request: pytest.FixtureRequest,
) -> None:
    recorded = _recorded(domain, julia.version())
    note = request.node.user_properties.append
    if recorded is None or domain not in again:
        note((SKIPPED, "want of recorded answers"))
        pytest.skip(f"no answers of Julia {julia.version()} on {domain} are recorded")
    expected, found = _answers(recorded), _answers(again[domain])
    assert len(expected) == len(found) > 0
    for number, pair in enumerate(zip(expected, found, strict=True)):
        assert pair[0] == pair[1], f"{domain}, case {number + 1}"
    note((RECORDED, len(expected)))


def _recorded(domain: str, version: str) -> Path | None:
    """The answers of a Julia of the same minor release, None where there are none."""
    for path in FIXTURES.glob(f"julia-*/{domain}.toml"):
        known = path.parent.name.removeprefix("julia-")
        if version_numbers(known)[:2] == version_numbers(version)[:2]:
            return path
    return None


def _answers(path: Path) -> list[Any]:
    answers: list[Any] = tomli.loads(path.read_text("utf-8"))["answer"]
    return [_without_wording(answer) for answer in answers]


def _without_wording(value: Any) -> Any:
    """All but the words of an error, which change from version to version.

    ``usage`` is left out too, as it was recorded with logs that had no place.
    """
    match value:
        case dict():
            kept = value.keys() - {"message", "usage"}
            return {key: _without_wording(value[key]) for key in kept}
        case list():
            return [_without_wording(each) for each in value]
        case _:
            return value
