"""The seam to Julia itself: what it carries, and that its failures are no answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.conformance.questions import Julia, version_numbers
from fetch_artifacts.errors import JuliaThrewError, OracleError


def test_a_julia_answers_with_its_version(julia: Julia) -> None:
    assert version_numbers(julia.version()) >= (1, 5)


def test_odd_bytes_in_a_path_survive_the_way_to_julia_and_back(
    julia: Julia, tmp_path: Path
) -> None:
    depot = tmp_path / "tab\t newline\n ü \udcff"

    answer = julia.at(depot).artifact_path("ab" * 20)

    assert depot / "artifacts" / ("ab" * 20) == answer


def test_an_exception_in_julia_is_a_julia_error(julia: Julia) -> None:
    with pytest.raises(JuliaThrewError) as caught:
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


def test_many_questions_at_once_have_the_answers_that_each_has(julia: Julia) -> None:
    questions = [("triplet", "x86_64-linux-gnu"), ("artifact_path", "no hash", True)]

    first, second = julia.ask_all(questions)

    assert first == ["x86_64-linux-gnu"]
    assert isinstance(second, JuliaThrewError)


def test_the_depots_of_the_running_julia_are_what_they_were(
    julia: Julia, tmp_path: Path
) -> None:
    before = julia.ask("present_depots")

    julia.at(tmp_path / "one", tmp_path / "two").artifact_path("ab" * 20)

    assert before == julia.ask("present_depots")
