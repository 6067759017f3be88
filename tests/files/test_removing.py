from __future__ import annotations

import errno
import gzip
import os
import stat
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.errors import InstallError, TreeHashMismatchError
from fetch_artifacts.files.removing import remove_tree, require_removable
from support.archives import file, pax
from support.published import publish
from support.trees import Link, as_nobody, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")


def test_a_tree_of_read_only_files_and_folders_is_removed(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "t", {"a/b/f": "x", "a/g": (b"y", 0o444)})
    (root / "a/b").chmod(0o500)
    (root / "a").chmod(0o500)
    remove_tree(root)
    assert not root.exists()


@UNIX
def test_a_folder_that_its_owner_may_not_even_list_is_removed() -> None:
    with as_nobody() as folder:
        root = make_tree(folder / "t", {"a/b/f": "x"})
        (root / "a/b").chmod(0o000)
        (root / "a").chmod(0o300)
        root.chmod(0o000)
        remove_tree(root)
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
    remove_tree(root)
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
    assert ".fetch_artifacts" not in names(depot)  # nothing is left in it


@UNIX
def test_links_in_a_tree_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = make_tree(tmp_path / "kept", {"f": "x"})
    kept.chmod(0o555)
    make_tree(tmp_path / "t", {"a/l": Link("../../kept"), "m": Link("../kept/f")})
    remove_tree(tmp_path / "t")
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
        remove_tree(root)
    monkeypatch.undo()
    assert caught.value.filename == str(root)
    assert (root / "a/f").exists()


def test_removing_a_link_leaves_its_target(tmp_path: Path) -> None:
    make_tree(tmp_path / "t", {"f": "x"})
    (tmp_path / "link").symlink_to("t")
    remove_tree(tmp_path / "link")
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["f"]


def test_removing_what_is_missing_is_fine(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")


@UNIX
def test_a_tree_that_only_another_user_can_empty_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, shut = tmp_path.stat().st_uid, tmp_path / "tree" / "sub"
    make_tree(tmp_path / "tree", {"file": "x", "sub/file": "x", "open/file": "x"})
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != shut)
    require_removable(tmp_path / "tree")  # its owner could change the mode

    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(PermissionError, match=f"only user {owner}, .* empty {shut};"):
        require_removable(tmp_path / "tree")
    require_removable(tmp_path / "tree" / "open")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    require_removable(tmp_path / "tree")
