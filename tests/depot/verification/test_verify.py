"""Trees on file systems that can't keep all of them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from fetch_artifacts import artifact, pkg_artifacts
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.state import sweep_state
from fetch_artifacts.depot.verification import verify
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import UnhashableFileError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.published import TREE_HASH, Published, publish
from support.trees import Link, Tree, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="stands for NTFS and FAT on Unix")
TREE: Tree = {
    "bin/run": ("#!/bin/sh\n", 0o755),
    "lib/x.so.1": "x",
    "lib/x.so": Link("x.so.1"),
    "share/lib": Link("../lib"),
    "share/out": Link("/etc/nothing"),
}


def no_links(*_: object, **_options: object) -> None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


@pytest.fixture
def published(tmp_path: Path) -> Published:
    found = publish(tmp_path / "published", tree=TREE)
    wanted = hash_directory(make_tree(tmp_path / "wanted", TREE))
    text = found.toml.read_text("utf-8").replace(TREE_HASH, str(wanted))
    found.toml.write_text(text, "utf-8")
    return found


@pytest.fixture
def modeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modes are taken and not kept, as with ntfs-3g."""
    verify._keeps_modes.cache_clear()
    monkeypatch.setattr(os, "fchmod", lambda *_: None)


def install(published: Published, *, mode: int | None = None) -> Path:
    """Install a tree, and give all files the one mode of a file system."""
    tree = artifact("Demo", published.toml)
    if mode is not None:
        for path in tree.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.chmod(mode)
    return tree


def is_whole(tree: Path) -> bool:
    return pkg_artifacts.verify_artifact(TreeHash.parse(tree.name))


def rewrite(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"y" * path.stat().st_size)


@UNIX
@pytest.mark.usefixtures("modeless")
@pytest.mark.parametrize("mode", [0o777, 0o600])
@pytest.mark.parametrize("links", [True, False])
def test_a_tree_is_whole_where_neither_modes_nor_links_are_kept(
    mode: int,
    links: bool,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
    depot: Path,
) -> None:
    if not links:
        monkeypatch.setattr(os, "symlink", no_links)
    tree = install(published, mode=mode)
    assert (tree / "share" / "lib").is_symlink() == links
    assert str(hash_directory(tree)) != tree.name
    assert is_whole(tree)
    rewrite(tree / "share" / "lib" / "x.so.1")
    assert not is_whole(tree)


@UNIX
@pytest.mark.usefixtures("modeless")
@pytest.mark.parametrize("lost", ["bin/run", "lib/x.so", "share/lib"])
def test_what_is_lost_later_is_damage_there_too(
    lost: str, published: Published, monkeypatch: pytest.MonkeyPatch, depot: Path
) -> None:
    monkeypatch.setattr(os, "symlink", no_links)
    tree = install(published, mode=0o777)
    assert is_whole(tree)
    if (tree / lost).is_dir():
        shutil.rmtree(tree / lost)
    else:
        (tree / lost).unlink()
    assert not is_whole(tree)


@UNIX
def test_copies_that_were_asked_for_are_no_damage(
    published: Published, monkeypatch: pytest.MonkeyPatch, depot: Path
) -> None:
    monkeypatch.setenv("BINARYPROVIDER_COPYDEREF", "true")
    tree = install(published)
    assert not (tree / "lib" / "x.so").is_symlink()
    assert is_whole(tree)
    (tree / "bin" / "run").chmod(0o444)
    assert not is_whole(tree)


@UNIX
@pytest.mark.usefixtures("modeless")
def test_lost_modes_are_damage_where_modes_are_kept(
    published: Published, monkeypatch: pytest.MonkeyPatch, depot: Path
) -> None:
    tree = install(published, mode=0o777)
    monkeypatch.undo()
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(depot))
    verify._keeps_modes.cache_clear()
    assert not is_whole(tree)


@UNIX
@pytest.mark.usefixtures("modeless")
def test_a_tree_of_which_nothing_is_noted_is_said_to_be_whole_perhaps(
    published: Published, depot: Path
) -> None:
    tree = install(published, mode=0o777)
    shutil.rmtree(depot / "logs" / "fetch_artifacts_kept")
    fault = verify.fault_of(tree, TreeHash.parse(tree.name))
    assert "this file system keeps no execute bits" in fault
    assert fault.endswith("so it may be undamaged")


@UNIX
@pytest.mark.usefixtures("modeless")
@pytest.mark.parametrize("content", ["", "0" * 40, "x without modes", "\xff" * 400])
def test_a_damaged_note_counts_as_none(
    content: str, published: Published, depot: Path
) -> None:
    tree = install(published, mode=0o777)
    record = depot / "logs" / "fetch_artifacts_kept" / tree.name
    record.write_text(content, "latin-1")
    assert not is_whole(tree)
    record.unlink()
    os.mkfifo(record)
    assert not is_whole(tree)  # and nobody waits for it


@UNIX
@pytest.mark.usefixtures("modeless")
def test_a_folder_that_was_chosen_has_its_notes(
    published: Published, tmp_path: Path
) -> None:
    with pkg_artifacts.with_artifacts_directory(tmp_path / "chosen"):
        assert is_whole(install(published, mode=0o777))


@UNIX
@pytest.mark.usefixtures("modeless")
def test_notes_of_trees_that_are_gone_are_swept(
    published: Published, depot: Path
) -> None:
    tree = install(published)
    records = depot / "logs" / "fetch_artifacts_kept"
    for name in ("0" * 40, "1" * 40):
        (records / name).touch()
    os.utime(records / ("0" * 40), (0, 0))
    os.utime(records / tree.name, (0, 0))
    sweep_state([depot], DepotStack.present())
    assert names(records) == sorted(["1" * 40, tree.name])


@UNIX
def test_a_tree_that_is_kept_whole_has_no_note(
    published: Published, depot: Path
) -> None:
    tree = install(published)
    record = depot / "logs" / "fetch_artifacts_kept" / tree.name
    record.parent.mkdir()
    record.write_text("of another file system")
    shutil.rmtree(tree)
    assert install(published) == tree
    assert not record.exists()


@UNIX
def test_a_note_that_cannot_be_written_is_told(
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
    depot: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("BINARYPROVIDER_COPYDEREF", "true")
    (depot / "logs").mkdir(parents=True)
    (depot / "logs" / "fetch_artifacts_kept").touch()
    assert install(published).is_dir()
    assert "can't note what is kept of" in caplog.text


@UNIX
def test_a_tree_that_went_stale_is_an_error_of_ours(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    tree = install(published)
    monkeypatch.setattr(verify, "kept_of", stale)
    with pytest.raises(UnhashableFileError, match=tree.name):
        verify.fault_of(tree, TreeHash.parse(tree.name))
