from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fetch_artifacts.files.paths import absolute, hindrance, make_folders, obstacle
from support.fixtures import UNIX


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with ``a/b``, and ``link`` to it."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    return tmp_path.resolve()


@UNIX
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("link/../file", "a/file"),
        ("link/.././file", "a/file"),
        ("link/../../file", "file"),
        ("a/b/../file", "a/file"),
        ("link/file", "link/file"),
        ("a/../link/x/../file", "link/file"),
        ("a..b/file", "a..b/file"),
        ("missing/../file", "file"),
        ("./a//b/", "a/b"),
    ],
)
def test_a_path_leads_where_the_system_says(
    linked: Path, monkeypatch: pytest.MonkeyPatch, path: str, meant: str
) -> None:
    assert str(linked / meant) == absolute(f"{linked}/{path}")
    monkeypatch.chdir(linked)
    assert str(linked / meant) == absolute(path)
    assert str(linked / meant) == absolute(Path(path))


def test_there_is_nothing_above_the_root() -> None:
    assert Path("/").resolve() == Path(absolute("/../.."))


def test_missing_folders_are_made(tmp_path: Path) -> None:
    make_folders(tmp_path / "a" / "b")
    make_folders(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folders(tmp_path / "file")


@UNIX
def test_a_folder_that_another_client_of_nfs_has_just_made_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "depot" / "artifacts"
    folder.mkdir(parents=True)
    asked: set[Path] = set()
    is_dir, open_folder = Path.is_dir, os.open

    def remembered(path: Path, **options: bool) -> bool:
        """As NFS: there is nothing new in a folder until the folder is opened."""
        return path.parent in asked and is_dir(path, **options)

    def ask(path: Path, flags: int) -> int:
        asked.add(Path(path))
        return open_folder(path, flags)

    monkeypatch.setattr(Path, "is_dir", remembered)
    monkeypatch.setattr(os, "open", ask)
    make_folders(folder)
    assert tmp_path / "depot" in asked


# "/ is not a folder; remove it", it said once.
def test_a_folder_that_a_network_file_system_lost_sight_of_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(path: Path, **_: object) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    monkeypatch.setattr(Path, "stat", lose)
    assert obstacle(tmp_path) == ""


@UNIX
def test_a_link_to_itself_is_an_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    assert obstacle(tmp_path / "a").startswith(f"{tmp_path}/a is a link to a, where")


def test_what_is_in_the_way_of_a_file_is_named_with_its_path(tmp_path: Path) -> None:
    error = FileExistsError(errno.EEXIST, "found a folder", "/a/b.pid")
    assert hindrance(tmp_path, error) == "/a/b.pid: found a folder"
    assert hindrance(tmp_path, ValueError("no text")) == "no text"
