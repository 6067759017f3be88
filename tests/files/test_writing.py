from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from fetch_artifacts.files.writing import (
    current_umask,
    replacing,
    write_atomically,
)
from support.trees import names


def test_an_atomic_write_keeps_the_mode_and_the_link(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to("real.toml")
    write_atomically(link, "new é")
    assert link.is_symlink()
    assert real.read_text("utf-8") == "new é"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert names(tmp_path) == ["link.toml", "real.toml"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_gets_the_mode_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert current_umask() == umask
        write_atomically(tmp_path / "f", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~umask


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "f"
    target.write_text("old")

    def full(*_: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_a_write_that_is_given_up_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    def give_up() -> None:
        with replacing(tmp_path / "f") as file:
            file.write(b"half")
            raise ZeroDivisionError

    (tmp_path / "f").write_text("old")
    with pytest.raises(ZeroDivisionError):
        give_up()
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(fifo, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert fifo.is_fifo()


def test_a_file_whose_name_has_the_greatest_length_can_be_written(
    tmp_path: Path,
) -> None:
    name = "n" * 255
    write_atomically(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "f"
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(path, "x")
    assert str(path) == caught.value.filename


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_an_error_for_lack_of_space_names_the_file(tmp_path: Path, number: int) -> None:
    with pytest.raises(OSError, match="full") as caught, replacing(tmp_path / "f"):
        raise OSError(number, "full")
    assert str(tmp_path / "f") == caught.value.filename
    with pytest.raises(OSError, match="other") as caught, replacing(tmp_path / "f"):
        raise OSError(errno.EIO, "other")  # of a file that is read, perhaps
    assert caught.value.filename is None


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "d", "x")
    assert names(tmp_path) == ["d"]
