"""What a run of the benchmarks leaves: goals, JSON, a table and a chart."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart
from benchmarks.harness import compare, have, have_package
from benchmarks.run import (
    BEGIN,
    END,
    RED,
    RUN,
    Goal,
    Growth,
    Run,
    markdown,
    put_between_markers,
    reached,
)

POINTS = [
    Growth("hash", "200 files", 200, 0, 0.01, 3.0),
    Growth("hash", "2,000 files", 2000, 0, 0.1, 4.0),
    Growth("hash", "so many in one folder", 2000, 0, 9.0, 9.0),
    Growth("hash", "1 MB", 0, 1 << 20, 0.01, 3.0),
    Growth("hash", "8 GB", 0, 8 << 30, 4.0, 50.0),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of its own, in place of the process's."""
    for name in ("comparisons", "growth", "missing"):
        monkeypatch.setattr(RUN, name, [])
    monkeypatch.setattr(RUN, "benchmark", "some")
    return RUN


def test_a_goal_is_of_the_median_of_what_each_round_gave() -> None:
    seconds = {"ours": [1.0, 10.0, 3.0], "tar": [2.0, 10.0, 4.0]}
    assert reached(Goal(at_most=0.8, of="tar"), seconds).value == 0.75
    assert reached(Goal(at_most=2), seconds).value == 3
    assert reached(Goal(at_most=0.8, of="tar"), seconds).met
    assert not reached(Goal(at_most=2), seconds).met


def test_a_missed_goal_is_red_and_behind(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    contenders = {"ours": lambda: 0.3, "tar": lambda: 0.1}
    goals = [
        Goal(at_most=1.0),
        Goal(at_most=0.8, of="tar"),
        Goal(at_most=0.1, of="what is not there"),
    ]
    compare("unpack", contenders, rounds=1, goals=goals)
    printed = capsys.readouterr().out
    assert f"{RED}ours: 3.00 of tar, goal 0.8" in printed
    assert "ours: 300 ms, goal 1 s" in printed
    assert f"{RED}not measured: 0.1 of what is not there" in printed
    assert run.behind() == ["some: unpack: ours: 3.00 of tar, goal 0.8"]


def test_what_is_not_there_is_named_once_and_in_the_table(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not have("no-such-program")
    assert not have("no-such-program")
    assert not have_package("no_such_package")
    printed = capsys.readouterr().out
    assert printed.count(f"{RED}WITHOUT no-such-program: not on PATH") == 1
    assert "WITHOUT no_such_package: not installed" in printed
    assert "Not there: no-such-program, no_such_package." in markdown(run.as_json())


def test_memory_that_grows_is_behind(run: Run) -> None:
    run.growth.extend(POINTS)
    assert run.behind() == ["hash: 8 GB: 50 MB over the interpreter, goal 48"]


def test_the_table_of_a_run_can_be_made_from_its_json(run: Run, tmp_path: Path) -> None:
    contenders = {"curl | tar": lambda: 0.1, "ours": lambda: 0.3}
    goals = [Goal(at_most=0.8, of="curl | tar")]
    compare("unpack", contenders, rounds=1, goals=goals)
    run.write(tmp_path / "run.json")
    read = json.loads((tmp_path / "run.json").read_text())
    assert {"machine", "date", "commit"} <= read.keys()
    assert "A quick run" not in markdown(read)
    assert "A quick run" in markdown({**read, "quick": True})
    assert markdown(read).splitlines()[-1] == (
        r"| unpack | 300 ms | curl \| tar 100 ms (0.33) | "
        r"**missed**: ours: 3.00 of curl \| tar, goal 0.8 |"
    )


def test_the_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Head\n{BEGIN}\nold\n{END}\nTail\n")
    put_between_markers(page, "new\n")
    put_between_markers(page, "newer\n")
    assert page.read_text() == f"# Head\n{BEGIN}\n\nnewer\n\n{END}\nTail\n"
    page.write_text("no place")
    with pytest.raises(SystemExit):
        put_between_markers(page, "new\n")


def test_the_chart_has_a_point_for_each_size(run: Run, tmp_path: Path) -> None:
    run.growth.extend(POINTS)
    run.write(tmp_path / "run.json")
    svg = chart.draw(json.loads((tmp_path / "run.json").read_text()))
    lines = ET.fromstring(svg).findall("{*}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 2, 2, 2]


def test_there_is_no_chart_of_a_quick_run() -> None:
    with pytest.raises(ValueError, match="without --quick"):
        chart.draw({"growth": []})
