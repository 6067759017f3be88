from __future__ import annotations

import io
import sys

import pytest

from fetch_artifacts import progress
from fetch_artifacts.progress import ProgressEvent

STEPS = (
    ProgressEvent(name="Demo", stage="waiting", note="waiting for process 1 on host"),
    ProgressEvent(name="Demo", stage="downloading", done=1_000_000, total=2_500_000),
    ProgressEvent(name="Demo", stage="verifying", done=2_500_000, total=2_500_000),
    ProgressEvent(name="Demo", stage="installed", done=2_500_000, total=2_500_000),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_line_for_each_artifact_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with progress.show_progress(verbose=True) as report:
        assert report is not None
        for step in STEPS:
            report(step)
    assert pipe.getvalue().splitlines() == [
        "fetch-artifacts: Demo: waiting for process 1 on host",
        "fetch-artifacts: Demo: installed (2.5 MB)",
    ]
    with progress.show_progress() as report:
        assert report is None


def test_a_terminal_gets_a_bar_with_bytes_and_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.show_progress() as report:
        assert report is not None
        for step in STEPS:
            report(step)
        report(ProgressEvent(name="Other", stage="downloading", done=1))
    text = terminal.getvalue()
    assert "Demo: 100%" in text
    assert "2.50M/2.50M" in text
    assert "installed" in text
    assert "fetch-artifacts: Demo: waiting for process 1 on host\n" in text
    assert text.endswith("\n")  # the bar that never came to an end is put away too
