from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_artifacts.files import remembered
from fetch_artifacts.files.remembered import Remembered

SECOND = 1_000_000_000


# As git does it: a stamp of the second in which the file was read tells nothing.
@pytest.mark.parametrize(
    ("age", "whole_seconds", "trusted"),
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
    trusted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    stamp = 1_000_000_000 * SECOND + (0 if whole_seconds else 1)
    same = SimpleNamespace(st_mtime_ns=stamp, st_ctime_ns=stamp, st_ino=1, st_size=3)
    monkeypatch.setattr(remembered, "os", SimpleNamespace(stat=lambda _: same))
    monkeypatch.setattr(time, "time_ns", lambda: stamp + int(age * SECOND))
    read = Remembered(lambda name: Path(name).read_text())
    assert read.get(str(path)) == "old"
    path.write_text("new")
    assert (read.get(str(path)) == "old") is trusted


def test_an_edit_that_restores_size_and_mtime_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    before = path.stat()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10 * SECOND)
    read = Remembered(lambda name: Path(name).read_text())
    assert read.get(str(path)) == "old"
    path.write_text("new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read.get(str(path)) == "new"


# Else what is kept for the lost file would stand for a file that is gone later.
def test_what_a_network_file_system_lost_sight_of_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    read = Remembered(os.path.exists)

    def lose(_: str) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patched:
        patched.setattr(remembered, "os", SimpleNamespace(stat=lose))
        assert read.get(str(path))
    path.unlink()
    assert not read.get(str(path))
