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

pytest_plugins = ["pytester"]


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


def _tally(
    live: int, *, verbs: str = "a b", floor: bool = True, version: str = "1.5.3"
) -> Tally:
    tally = Tally(check_floor=floor)
    julia = {JULIA: f"Julia {version} (process)", LIVE: True}
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


@pytest.mark.parametrize(
    ("version", "row"),
    [
        ("1.5.4", "1.5"),
        ("1.9.0", "1.6"),
        ("1.12.5", "1.12"),
        ("1.14.0-DEV.7", "1.13"),
    ],
)
def test_the_floor_is_that_of_the_newest_julia_it_has_reached(
    version: str, row: str
) -> None:
    floor = FLOORS[row]
    assert _tally(floor, version=version).fault() == ""
    assert f"at least {floor} live" in _tally(floor - 1, version=version).fault()


@pytest.mark.parametrize(("floor", "status"), [(True, 1), (False, 0)])
def test_tests_that_all_pass_fail_as_a_run_where_comparisons_have_vanished(
    floor: bool, status: int, pytester: pytest.Pytester
) -> None:
    notes = [(JULIA, "Julia 1.5.3 (process)"), (LIVE, True)]
    pytester.makepyfile(
        f"def test_one(request): request.node.user_properties.extend({notes})"
    )
    tally = Tally(check_floor=floor)
    result = pytester.runpytest_inprocess("-p", "no:hypothesispytest", plugins=[tally])
    result.assert_outcomes(passed=1)
    assert result.ret == status
    assert ("live comparisons: some have vanished" in result.outlines[-1]) == floor
    assert tally.live == 1
