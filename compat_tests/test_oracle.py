"""The seam to Julia itself: what it carries, and that its failures are no answers."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from compat_tests.oracle import (
    JuliaCall,
    JuliaError,
    JuliaProcess,
    NoJuliaError,
    OracleError,
)
from compat_tests.questions import Julia, open_julia, version_numbers


def test_a_julia_answers_with_its_version(julia: Julia) -> None:
    assert version_numbers(julia.version()) >= (1, 5)


def test_odd_bytes_in_a_path_survive_the_way_to_julia_and_back(
    julia: Julia, tmp_path: Path
) -> None:
    depot = tmp_path / "tab\t newline\n ü \udcff"

    answer = julia.at(depot).artifact_path("ab" * 20)

    assert depot / "artifacts" / ("ab" * 20) == answer


def test_an_exception_in_julia_is_a_julia_error(julia: Julia) -> None:
    with pytest.raises(JuliaError) as caught:
        julia.artifact_path("not a hash")

    assert caught.value.kind == "ArgumentError"


@pytest.mark.parametrize("question", [("no_such_verb",), ("tree_hash", "a", "b")])
def test_nonsense_is_not_taken_for_an_exception_of_julia(
    julia: Julia, question: tuple[str, ...]
) -> None:
    with pytest.raises(OracleError, match=question[0]):
        julia.ask(*question)


def test_what_julia_prints_is_no_answer(julia: Julia, tmp_path: Path) -> None:
    julia.gc()  # prints a page

    assert julia.artifact_exists("ab" * 20) is False


def test_a_julia_that_crashes_is_an_oracle_error_with_its_last_words(
    tmp_path: Path,
) -> None:
    program = _program(tmp_path, "sys.stdin.readline(); sys.exit('signal 11')")
    transport = JuliaProcess(program)
    try:
        with pytest.raises(OracleError, match=r"ended with 1;(.|\n)*signal 11"):
            transport.exchange("request")
    finally:
        transport.close()


def test_a_julia_that_hangs_is_an_oracle_error(tmp_path: Path) -> None:
    program = _program(tmp_path, "import time; time.sleep(60)")
    transport = JuliaProcess(program, timeout=0.2)
    try:
        with pytest.raises(OracleError, match=r"was silent 0\.2 s"):
            transport.exchange("request")
    finally:
        transport.close()


def test_without_a_julia_there_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JULIA", "/no/such/julia")

    with pytest.raises(NoJuliaError, match="set JULIA"), open_julia("process"):
        pass


def test_juliacall_carries_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    stub = ModuleType("juliacall")
    stub.Main = SimpleNamespace(  # type: ignore[attr-defined]
        include=loaded.append,
        Oracle=SimpleNamespace(answer=lambda _line: _encode("ok", "1.12.5")),
    )
    monkeypatch.setitem(sys.modules, "juliacall", stub)

    version = Julia(JuliaCall()).version()

    assert [Path(path).name for path in loaded] == ["oracle.jl"]
    assert version == "1.12.5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5.3", (1, 5, 3)), ("1.14.0-DEV.123", (1, 14, 0)), ("1.6", (1, 6))],
)
def test_a_version_is_compared_by_its_numbers(
    text: str, expected: tuple[int, ...]
) -> None:
    assert expected == version_numbers(text)


def _encode(*fields: str) -> str:
    return " ".join(base64.b64encode(field.encode()).decode() for field in fields)


def _program(folder: Path, body: str) -> str:
    program = folder / "julia"
    program.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    program.chmod(0o755)
    return str(program)
