from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fetch_artifacts.files.remembered import Remembered

SECOND = 1_000_000_000


# As git does it: a stamp of the second in which the file was read tells nothing.
@pytest.mark.parametrize(
    ("age", "whole_seconds", "remembered"),
    [
        (1, False, True),
        (0.01, False, False),
        (2.5, True, False),
        (5, True, True),
    ],
)
def test_a_stamp_is_trusted_once_no_edit_can_have_the_same(
    age: float,
    whole_seconds: bool,
    remembered: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    stamp = 1_000_000_000 * SECOND + (0 if whole_seconds else 1)
    os.utime(path, ns=(stamp, stamp))
    monkeypatch.setattr(time, "time_ns", lambda: stamp + int(age * SECOND))
    read = Remembered(lambda name: Path(name).read_text())
    assert read.get(str(path)) == "old"
    path.write_text("new")
    os.utime(path, ns=(stamp, stamp))
    assert (read.get(str(path)) == "old") is remembered
