from __future__ import annotations

import errno
import gzip
import os
import stat
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.errors import InstallError, TreeHashMismatchError
from fetch_artifacts.files import writing as _fs
from support.archives import file, pax
from support.published import publish
from support.trees import Link, as_nobody, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")


def test_a_tree_of_read_only_files_and_folders_is_removed(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "t", {"a/b/f": "x", "a/g": (b"y", 0o444)})
    (root / "a/b").chmod(0o500)
    (root / "a").chmod(0o500)
    _fs.remove_tree(root)
    assert not root.exists()


@UNIX
def test_a_folder_that_its_owner_may_not_even_list_is_removed() -> None:
    with as_nobody() as folder:
        root = make_tree(folder / "t", {"a/b/f": "x"})
        (root / "a/b").chmod(0o000)
        (root / "a").chmod(0o300)
        root.chmod(0o000)
        _fs.remove_tree(root)
        assert not root.exists()


@UNIX
def test_a_tree_deeper_than_python_recurses_and_paths_are_long_is_removed(
    tmp_path: Path,
) -> None:
    root = tmp_path / "t"
    root.mkdir()
    # One path can't name it: each folder is made in the one before.
    folder = os.open(root, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("a", dir_fd=folder)
        inner = os.open("a", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("f", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    _fs.remove_tree(root)
    assert not os.path.lexists(root)


@UNIX
def test_a_deep_tree_with_a_wrong_hash_is_told_and_leaves_nothing(
    depot: Path, tmp_path: Path
) -> None:
    data = gzip.compress(
        pax((b"path", b"a/" * 1500 + b"f")) + file(b"f") + file(b"q", b"1")
    )
    published = publish(tmp_path / "published", data)
    with pytest.raises(InstallError) as caught:
        artifact("Demo", published.toml)
    [(_, error)] = caught.value.attempts
    assert isinstance(error, TreeHashMismatchError)
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
    assert not (depot / ".fetch_artifacts").exists()


@UNIX
def test_links_in_a_tree_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = make_tree(tmp_path / "kept", {"f": "x"})
    kept.chmod(0o555)
    make_tree(tmp_path / "t", {"a/l": Link("../../kept"), "m": Link("../kept/f")})
    _fs.remove_tree(tmp_path / "t")
    assert names(tmp_path) == ["kept"]
    assert (kept / "f").read_text() == "x"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o555


@UNIX
def test_what_cannot_be_removed_is_an_error_with_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(name: str, *, dir_fd: int) -> None:
        raise PermissionError(errno.EPERM, "not permitted", name)

    root = make_tree(tmp_path / "t", {"a/f": "x"})
    monkeypatch.setattr(os, "unlink", denied)
    with pytest.raises(PermissionError) as caught:
        _fs.remove_tree(root)
    monkeypatch.undo()
    assert caught.value.filename == str(root)
    assert (root / "a/f").exists()


def test_removing_a_link_leaves_its_target(tmp_path: Path) -> None:
    make_tree(tmp_path / "t", {"f": "x"})
    (tmp_path / "link").symlink_to("t")
    _fs.remove_tree(tmp_path / "link")
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["f"]


def test_removing_what_is_missing_is_fine(tmp_path: Path) -> None:
    _fs.remove_tree(tmp_path / "none")


def test_a_rename_that_comes_second_reports_it_and_changes_nothing(
    tmp_path: Path,
) -> None:
    make_tree(tmp_path / "new", {"f": "new"})
    make_tree(tmp_path / "old", {"f": "old"})
    assert not _fs.rename_directory(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old/f").read_text() == "old"
    assert (tmp_path / "new/f").read_text() == "new"


# Pkg.jl Artifacts.jl:70-103: EACCES, EPERM and EBUSY are tried again.
@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_rename_waits_for_whoever_holds_the_folder(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "new", {"f": "x"})
    failures = [OSError(code, "held"), OSError(code, "held")]
    rename = Path.rename

    def held_at_first(self: Path, target: Path) -> Path:
        if failures:
            raise failures.pop()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", held_at_first)
    assert _fs.rename_directory(tmp_path / "new", tmp_path / "there")
    assert (tmp_path / "there/f").read_text() == "x"


def test_a_rename_onto_another_file_system_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def crosses(self: Path, target: Path) -> Path:
        calls.append(target)
        raise OSError(errno.EXDEV, "crosses devices")

    monkeypatch.setattr(Path, "rename", crosses)
    (tmp_path / "new").mkdir()
    with pytest.raises(OSError, match="crosses devices"):
        _fs.rename_directory(tmp_path / "new", tmp_path / "there")
    assert len(calls) == 1


def test_an_atomic_write_keeps_the_mode_and_the_link(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to("real.toml")
    _fs.write_atomically(link, "new é")
    assert link.is_symlink()
    assert real.read_text("utf-8") == "new é"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert names(tmp_path) == ["link.toml", "real.toml"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_gets_the_mode_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert _fs.current_umask() == umask
        _fs.write_atomically(tmp_path / "f", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~umask


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "f"
    target.write_text("old")

    def full(self: Path, _target: Path) -> Path:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        _fs.write_atomically(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_a_write_that_is_given_up_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    def give_up() -> None:
        with _fs.replacing(tmp_path / "f") as file:
            file.write(b"half")
            raise ZeroDivisionError

    (tmp_path / "f").write_text("old")
    with pytest.raises(ZeroDivisionError):
        give_up()
    assert (tmp_path / "f").read_text() == "old"
    assert names(tmp_path) == ["f"]


@UNIX
def test_a_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        _fs.write_atomically(fifo, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert fifo.is_fifo()


def test_a_file_whose_name_has_the_greatest_length_can_be_written(
    tmp_path: Path,
) -> None:
    name = "n" * 255
    _fs.write_atomically(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "f"
    with pytest.raises(FileNotFoundError) as caught:
        _fs.write_atomically(path, "x")
    assert str(path) == caught.value.filename


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        _fs.write_atomically(tmp_path / "d", "x")
    assert names(tmp_path) == ["d"]
