from __future__ import annotations

import io
import re
import sys
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.terminal import progress
from fetch_artifacts.terminal.columns import columns_of
from fetch_artifacts.terminal.progress import ProgressBars, ProgressEvent, Stage
from support.commands import Terminal

HOLDER = "for process 1 on host to install it, 5 s so far"
STEPS = (
    ProgressEvent(name="Demo", stage="waiting", note=HOLDER),
    ProgressEvent(name="Demo", stage="downloading", done=1_000_000, total=2_500_000),
    ProgressEvent(name="Demo", stage="retrying", note="in 2 s: HTTP status 503"),
    ProgressEvent(name="Demo", stage="retrying", note="in 1 s: HTTP status 503"),
    ProgressEvent(name="Demo", stage="verifying", done=2_500_000, total=2_500_000),
    ProgressEvent(name="Demo", stage="installed", done=2_500_000, total=2_500_000),
)


def _put(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
    # pytest itself puts a stream of its own in its place between fixture and test.
    stand_in = SimpleNamespace(stderr=stream, modules=sys.modules)
    monkeypatch.setattr(progress, "sys", stand_in)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    _put(monkeypatch, stream)
    return stream


@pytest.fixture(params=[60, 80, 120])
def terminal(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    stream = Terminal()
    _put(monkeypatch, stream)
    monkeypatch.setattr(progress, "_columns", lambda _: request.param)
    return stream


def shown_lines(terminal: Terminal) -> list[str]:
    """All texts that a line of the terminal ever had."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", terminal.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def test_a_pipe_gets_a_line_for_each_artifact_where_that_is_wanted(
    pipe: io.StringIO,
) -> None:
    with progress.show_progress(verbose=True) as report:
        assert report is not None
        for step in STEPS:
            report(step)
    assert pipe.getvalue().splitlines() == [
        f"fetch-artifacts: Demo: waiting {HOLDER}",
        "fetch-artifacts: Demo: retrying in 2 s: HTTP status 503",
        "fetch-artifacts: Demo: installed (2.5 MB)",
    ]
    with progress.show_progress() as report:
        assert report is None


def test_a_process_without_standard_error_is_shown_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PROGRESS", "on")
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=None))
    with progress.show_progress(verbose=True) as report:
        assert report is None
    assert list(progress.counted("ab", 2, "hashing")) == ["a", "b"]


def test_a_dumb_terminal_gets_lines_without_escape_sequences(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with progress.show_progress(verbose=True) as report:
        assert report is not None
        for name in ("Demo", "Other"):
            report(ProgressEvent(name=name, stage="downloading", done=1, total=180))
            report(ProgressEvent(name=name, stage="installed", done=180, total=180))
    assert list(progress.counted("ab", 2, "hashing")) == ["a", "b"]
    assert terminal.getvalue() == (
        "fetch-artifacts: Demo: installed (180 B)\n"
        "fetch-artifacts: Other: installed (180 B)\n"
    )


def test_a_small_artifact_is_not_told_to_have_no_bytes(pipe: io.StringIO) -> None:
    with progress.show_progress(verbose=True) as report:
        assert report is not None
        report(ProgressEvent(name="Demo", stage="installed", done=180, total=180))
    assert pipe.getvalue() == "fetch-artifacts: Demo: installed (180 B)\n"


def test_a_terminal_gets_a_line_with_size_and_stage(terminal: Terminal) -> None:
    with progress.show_progress() as report:
        assert report is not None
        for step in STEPS:
            report(step)
        report(ProgressEvent(name="Other", stage="downloading", done=1))
    lines = shown_lines(terminal)
    assert any(
        re.match(r"Demo +downloading +40% .* 2\.5 MB", line) for line in lines
    ), lines
    assert any("waiting     for process 1 on host" in line for line in lines)
    assert any("retrying    in 2 s: HTTP status 503" in line for line in lines)
    assert any(re.match(r"Demo +installed +2\.5 MB in", line) for line in lines)
    assert any(line.startswith("total") for line in lines)


def test_no_line_is_wider_than_the_terminal_and_no_stage_is_cut(
    terminal: Terminal,
) -> None:
    stages: tuple[Stage, ...] = ("waiting", "downloading", "retrying", "verifying")
    name = "a_very_long_name_of_an_artifact_that_nobody_would_give"
    width = progress._columns(None)  # type: ignore[arg-type]
    with progress.show_progress() as report:
        assert report is not None
        for stage in stages:
            note = "in 8 s: " + "x" * 200 if stage in {"waiting", "retrying"} else ""
            for done in (0, 999_000_000):
                report(
                    ProgressEvent(
                        name=name, stage=stage, done=done, total=10**9, note=note
                    )
                )
    for stage in stages:
        assert any(f" {stage}" in line for line in shown_lines(terminal)), stage
    # What is not a bar of tqdm's, which fills its line, is at most that wide.
    texts = [line for line in shown_lines(terminal) if "|" not in line]
    assert max(map(len, texts)) <= max(width, 80)


def test_a_failed_line_is_replaced_whole(terminal: Terminal) -> None:
    with progress.show_progress() as report:
        assert report is not None
        report(STEPS[1])
        report(ProgressEvent(name="Demo", stage="failed"))
    assert shown_lines(terminal)[-1].split() == ["Demo", "failed"]


def test_a_resumed_part_does_not_count_into_the_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    _put(monkeypatch, Terminal())
    rates: list[float] = []
    monkeypatch.setattr(progress, "_draw", lambda bar, event, rate: rates.append(rate))
    bars = ProgressBars()
    for done in (900_000_000, 901_000_000, 902_000_000):
        bars(ProgressEvent(name="Demo", stage="downloading", done=done, total=10**9))
        now[0] += 1
    bars.close()
    assert rates == [0, 1e6, 1e6]


def test_no_line_between_is_empty_and_the_total_is_last(terminal: Terminal) -> None:
    with progress.show_progress() as report:
        assert isinstance(report, ProgressBars)

        def rows() -> list[int]:
            running = [each.bar.pos for each in report._running.values()]
            assert report._total is not None
            return [-pos for pos in (*running, report._total.pos)]

        for name in "abcd":
            report(ProgressEvent(name=name, stage="downloading", done=1, total=9))
        assert rows() == [0, 1, 2, 3, 4]
        for name in "bd":
            report(ProgressEvent(name=name, stage="installed", done=9, total=9))
        assert rows() == [0, 1, 2]


def test_names_cannot_garble_the_terminal(terminal: Terminal) -> None:
    with progress.show_progress() as report:
        assert report is not None
        report(ProgressEvent(name="{n}\x1b]0;x", stage="downloading", done=1, total=2))
        report(ProgressEvent(name="{n}\x1b]0;x", stage="installed", done=2, total=2))
    assert "\x1b]" not in terminal.getvalue()
    assert r"{n}\x1b]0;x" in terminal.getvalue()


@pytest.mark.parametrize("value", ["off", "OFF", "0"])
def test_progress_can_be_turned_off(
    value: str, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PROGRESS", value)
    with progress.show_progress(verbose=True) as report:
        assert report is None
    assert terminal.getvalue() == ""


def test_progress_can_be_turned_on_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, pipe: io.StringIO
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PROGRESS", "on")
    with progress.show_progress() as report:
        assert report is not None
        report(STEPS[-1])
    assert "installed" in pipe.getvalue()


def test_a_bad_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PROGRESS", "fast")
    with (
        pytest.raises(SettingsError, match="FETCH_ARTIFACTS_PROGRESS: expected on or"),
        progress.show_progress(),
    ):
        pass


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_without_widgets_gets_text_and_no_warning(
    widgets: bool, monkeypatch: pytest.MonkeyPatch, pipe: io.StringIO
) -> None:
    shown: list[Callable[..., None]] = []
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_has_widgets", lambda: widgets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress.show_progress() as report:
            assert report is not None
            shown.append(report)
            if not widgets:
                report(STEPS[-1])
    assert isinstance(shown[0], ProgressBars) == widgets
    assert ("installed" in pipe.getvalue()) != widgets


def test_the_lines_of_names_of_wide_characters_line_up(terminal: Terminal) -> None:
    names = "気象データ観測所一覧表と記録", "\N{ROCKET}", "Demo"
    with progress.show_progress() as report:
        assert report is not None
        for name in names:
            report(ProgressEvent(name=name, stage="installed", done=10**6))
    lines = [line for line in shown_lines(terminal) if " installed " in line]
    starts = {columns_of(line[: line.index("installed")]) for line in lines}
    assert len(lines) == 3
    assert len(starts) == 1


def test_a_number_that_does_not_fit_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    _put(monkeypatch, stream)
    monkeypatch.setattr(progress, "_columns", lambda _: 45)
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with progress.show_progress() as report:
        assert report is not None
        for done in (0, 10**6):
            now[0] += 1
            report(
                ProgressEvent(name="A", stage="downloading", done=done, total=2 * 10**6)
            )
    assert f"{'A':16} downloading  50%  2.0 MB" in shown_lines(stream)
