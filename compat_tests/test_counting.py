"""Comparisons that vanish fail a whole run."""

from __future__ import annotations

import pytest

from compat_tests.counting import (
    FLOORS,
    JULIA,
    KNOWN_VERBS,
    LIVE,
    SKIPPED,
    VERBS,
    Tally,
)


def _report(when: str, outcome: str, **facts: object) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="test",
        location=("test", None, "test"),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=None,
        when=when,  # type: ignore[arg-type]
        user_properties=list(facts.items()),
    )


def _tally(live: int, *, verbs: str = "a b", floor: bool = True) -> Tally:
    tally = Tally(check_floor=floor)
    julia = {JULIA: "Julia 1.5.3 (process)", LIVE: True}
    for _ in range(live):
        tally.pytest_runtest_logreport(_report("call", "passed", **julia))
        ended = {VERBS: verbs, KNOWN_VERBS: "a b"}
        tally.pytest_runtest_logreport(_report("teardown", "passed", **ended))
    skipped = {SKIPPED: "Julia 1.12"}
    tally.pytest_runtest_logreport(_report("setup", "skipped", **skipped))
    return tally


def test_the_line_says_what_was_compared_and_what_not() -> None:
    line = _tally(2).line()
    assert line.startswith("compared with Julia 1.5.3 (process): 2 tests live")
    assert "2 of 2 verbs" in line
    assert line.endswith("skipped: 1 for Julia 1.12")


def test_no_skipped_test_is_left_out_of_the_line() -> None:
    tally = Tally(check_floor=True)
    for reason in ("NOT COMPARED WITH JULIA: none found", "no symbolic links here"):
        report = _report("setup", "skipped")
        report.longrepr = ("test.py", 1, f"Skipped: {reason}")
        tally.pytest_runtest_logreport(report)
    assert tally.line().endswith("skipped: 1 for another reason, 1 for want of a Julia")


def test_enough_of_them_is_no_fault() -> None:
    assert _tally(FLOORS["1.5"]).fault() == ""


def test_fewer_than_the_floor_is_a_fault_of_a_whole_run_only() -> None:
    few = FLOORS["1.5"] - 1
    assert "some have vanished" in _tally(few).fault()
    assert _tally(few, floor=False).fault() == ""


def test_a_verb_that_no_test_asks_is_a_fault() -> None:
    assert _tally(FLOORS["1.5"], verbs="a").fault() == "no test asks Julia: b"
