"""Which Julia is taken, and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fetch_artifacts.conformance import juliacall, transports
from fetch_artifacts.conformance.questions import open_julia, version_numbers
from fetch_artifacts.errors import NoJuliaError
from support.fake_julia import make_fake_julia

needs_scripts = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a script"
)


@pytest.fixture(autouse=True)
def _without_juliacall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "find_spec", lambda _name: None)
    monkeypatch.delitem(sys.modules, "juliacall", raising=False)


def test_oracle_jl_is_beside_the_modules() -> None:
    assert transports.ORACLE_JL.is_file()


@pytest.mark.parametrize("choice", ["auto", "process", "no-such-julia", None])
def test_without_a_julia_the_three_ways_to_get_one_are_told(
    monkeypatch: pytest.MonkeyPatch, choice: str | None
) -> None:
    monkeypatch.setenv("JULIA", "no-such-julia")
    with pytest.raises(NoJuliaError, match="no program 'no-such-julia'") as caught:
        open_julia(choice).__enter__()
    for way in ("PATH", "JULIA", "--julia", "juliacall"):
        assert way in str(caught.value)


def test_without_juliacall_it_says_how_to_install_it_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(juliacall, "find_spec", lambda _name: None)
    told: list[str] = []
    install = r"juliacall is not installed; put a .*fetch-artifacts\[julia\]"
    with pytest.raises(NoJuliaError, match=install):
        open_julia("juliacall", tell=told.append).__enter__()
    assert not told


@pytest.mark.parametrize(
    ("variable", "source"),
    [
        ("FETCH_ARTIFACTS_ORACLE", "FETCH_ARTIFACTS_ORACLE asks for it"),
        ("JULIA", "as JULIA says"),
    ],
)
def test_a_variable_that_names_no_program_is_blamed(
    monkeypatch: pytest.MonkeyPatch, variable: str, source: str
) -> None:
    monkeypatch.setenv(variable, "banana")
    with pytest.raises(NoJuliaError, match=rf"no program 'banana' \({source}\);"):
        open_julia().__enter__()


@needs_scripts
def test_the_program_that_julia_names_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = make_fake_julia(tmp_path / "bin" / "julia")
    monkeypatch.setenv("JULIA", str(named))
    with open_julia() as julia:
        assert julia.version() == "1.12.5"
        assert julia.way == "process"
        assert julia.reason == f"juliacall is not installed; {named} is used"


@needs_scripts
def test_the_environment_chooses_and_an_argument_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (make_fake_julia(tmp_path / name / "julia") for name in ("one", "two"))
    monkeypatch.setenv("FETCH_ARTIFACTS_ORACLE", str(one))
    with open_julia() as julia:
        assert str(one) in julia.reason
    with open_julia(str(two)) as julia:
        assert str(two) in julia.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5.3", (1, 5, 3)), ("1.14.0-DEV.123", (1, 14, 0)), ("1.6", (1, 6))],
)
def test_a_version_is_compared_by_its_numbers(
    text: str, expected: tuple[int, ...]
) -> None:
    assert expected == version_numbers(text)
