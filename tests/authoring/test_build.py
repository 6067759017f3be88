from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts import TreeHash, pkg_artifacts
from fetch_artifacts.archive.writer import archive_directory, choose_compression
from fetch_artifacts.authoring.build import (
    archive_artifact,
    artifact_from_directory,
    build_artifact,
    create_artifact,
)
from fetch_artifacts.errors import (
    ArchiveError,
    DepotError,
    LockTimeoutError,
    OverrideError,
    UnhashableFileError,
)
from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.fixtures import UNIX
from support.published import TREE, TREE_HASH
from support.trees import Link, Tree, full_disk, make_tree, names

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")


def test_a_built_artifact_is_installed_by_its_hash(depot: Path) -> None:
    with build_artifact() as folder:
        make_tree(folder.path, TREE)
    assert str(folder.tree_hash) == TREE_HASH
    assert depot / "artifacts" / TREE_HASH == folder.path
    assert (folder / "foo3").read_text() == "baz!"
    assert os.fspath(folder) == str(folder.path)
    assert names(depot) == ["artifacts"]


def test_the_files_of_a_built_artifact_are_read_only_and_its_folders_not(
    depot: Path,
) -> None:
    with build_artifact() as folder:
        make_tree(folder.path, {"run": (b"", 0o755), "a/b": (b"", 0o664)})
    modes = {
        name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("run", "a/b")
    }
    assert modes == {"run": 0o555, "a/b": 0o444}
    assert os.access(folder / "a", os.W_OK)


def test_a_folder_that_is_being_built_has_no_hash_yet(depot: Path) -> None:
    with build_artifact() as folder, pytest.raises(DepotError, match="still being"):
        _ = folder.tree_hash


def test_a_build_that_fails_leaves_nothing(depot: Path) -> None:
    def build() -> None:
        with build_artifact() as folder:
            (folder / "half").touch()
            raise KeyError("the author's own")

    with pytest.raises(KeyError):
        build()
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
    assert names(depot) == ["artifacts"]


def full_quota(_: Path) -> None:
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def copy_to_full_disk(folder: Path) -> None:
    source = make_tree(folder.parents[3] / "source", TREE)
    shutil.copytree(source, folder / "copy", copy_function=full_disk)


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (full_disk, os.strerror(errno.ENOSPC)),
        (full_quota, os.strerror(errno.EDQUOT)),
        (copy_to_full_disk, os.strerror(errno.ENOSPC)),  # an error of errors
    ],
)
def test_a_build_on_a_full_disk_is_an_error_that_names_the_depot(
    fill: Callable[[Path], None], reason: str, tmp_path: Path, depot: Path
) -> None:
    with pytest.raises(DepotError) as caught:
        create_artifact(fill)
    assert str(caught.value) == (
        f"{depot}: can't write to this depot: {reason}; free some space"
    )
    assert isinstance(caught.value.__cause__, OSError)
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "input.csv"),
        PermissionError(errno.EACCES, "Permission denied", "input.csv"),
        TimeoutError("no answer"),
        shutil.Error([("a", "b", "[Errno 2] No such file or directory: 'a'")]),
        LockTimeoutError("somebody else's lock", path=Path("lock")),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("depot")
def test_an_error_of_the_authors_own_comes_out_as_it_is(error: OSError) -> None:
    def fill(_: Path) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        create_artifact(fill)
    assert caught.value is error


@pytest.mark.parametrize("step", ["chmod", "rename"])
def test_a_finished_build_that_the_depot_does_not_take_is_a_depot_error(
    step: str, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **_options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def build() -> None:
        with build_artifact() as folder:
            make_tree(folder.path, TREE)
            monkeypatch.setattr(os, step, fail)

    with pytest.raises(DepotError, match=f"^{depot}: can't write .*JULIA_DEPOT_PATH"):
        build()
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


def test_a_copy_on_a_full_disk_is_an_error_that_names_the_depot(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_tree(tmp_path / "source", TREE)
    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(DepotError, match=rf"^{depot}: can't write .*free some space"):
        artifact_from_directory(source)
    assert names(depot / "artifacts") == []  # not even an empty CACHEDIR.TAG


@needs_fifo
def test_a_build_with_what_git_cannot_store_is_refused(depot: Path) -> None:
    with pytest.raises(UnhashableFileError, match="pipe"), build_artifact() as folder:
        os.mkfifo(folder / "pipe")
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


def test_a_tree_that_another_depot_has_is_not_built_again(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with build_artifact() as built:
        make_tree(built.path, TREE)
    first = tmp_path / "first"
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}{os.pathsep}{depot}")
    with build_artifact() as again:
        make_tree(again.path, TREE)
    assert again.path == built.path
    assert not (first / "artifacts" / TREE_HASH).exists()


def test_create_artifact_takes_a_function_that_fills(depot: Path) -> None:
    tree_hash = create_artifact(lambda folder: make_tree(folder, TREE))
    assert str(tree_hash) == TREE_HASH
    assert pkg_artifacts.verify_artifact(tree_hash)


def test_an_artifact_from_a_directory_is_a_copy_with_links(
    tmp_path: Path, depot: Path
) -> None:
    source = make_tree(tmp_path / "source", TREE)
    before = (source / "foo3").stat().st_mode
    assert str(artifact_from_directory(source)) == TREE_HASH
    installed = depot / "artifacts" / TREE_HASH
    assert (installed / "foo3_link").readlink() == Path("foo3")
    assert not (installed / "foo3").stat().st_mode & 0o222
    assert (source / "foo3").stat().st_mode == before
    assert str(artifact_from_directory(source)) == TREE_HASH


@pytest.mark.parametrize("made", [True, False])
def test_only_a_folder_becomes_an_artifact(
    tmp_path: Path, depot: Path, *, made: bool
) -> None:
    path = tmp_path / "file"
    if made:
        path.touch()
    found = "something else" if made else "nothing"
    with pytest.raises(ArchiveError, match=f"expected a folder, found {found}"):
        artifact_from_directory(path)
    with pytest.raises(ArchiveError, match=f"expected a folder, found {found}"):
        archive_directory(path, tmp_path / "a.tar.gz", "gz")


def test_an_archive_has_the_contents_at_its_top_level(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", TREE)
    archive = archive_directory(source, tmp_path / "a.tar.gz", "gz")
    data = archive.path.read_bytes()
    assert (str(archive.sha256), archive.size) == (
        hashlib.sha256(data).hexdigest(),
        len(data),
    )
    with tarfile.open(archive.path) as members:
        found = {member.name: member.linkname for member in members}
    assert found == {
        **dict.fromkeys(["bar", "bar/bar", "bar/bar/foo1", "bar/foo2", "foo3"], ""),
        "bar/infinite_link": "../bar",
        "foo3_link": "foo3",
    }


def test_the_same_tree_gives_the_same_archive(tmp_path: Path) -> None:
    one = make_tree(tmp_path / "one", TREE)
    other = make_tree(tmp_path / "other", dict(reversed(TREE.items())))
    os.utime(other / "foo3", (1, 1))
    (other / "foo3").chmod(0o600)
    archives = [
        archive_directory(folder, tmp_path / f"{folder.name}.tar.gz", "gz")
        for folder in (one, other)
    ]
    assert archives[0].sha256 == archives[1].sha256
    assert archives[0].path.read_bytes() == archives[1].path.read_bytes()


@needs_fifo
def test_an_archive_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", TREE)
    archive = tmp_path / "out" / "a.tar.gz"
    archive.parent.mkdir()
    archive_directory(source, archive, "gz")
    before = archive.read_bytes()
    os.mkfifo(source / "pipe")
    with pytest.raises(UnhashableFileError):
        archive_directory(source, archive, "gz")
    assert archive.read_bytes() == before
    assert names(archive.parent) == ["a.tar.gz"]


@pytest.mark.parametrize("name", ["a.tar.gz", "bar/a.tar.gz", "../link/a.tar.gz"])
def test_an_archive_cannot_be_in_the_folder_that_it_holds(
    tmp_path: Path, name: str
) -> None:
    source = make_tree(tmp_path / "source", TREE)
    (tmp_path / "link").symlink_to(source / "bar")
    with pytest.raises(ArchiveError, match="outside"):
        archive_directory(source, source / name, "gz")
    assert names(source) == ["bar", "foo3", "foo3_link"]


@pytest.mark.parametrize(
    ("name", "wish", "expected"),
    [
        (None, "auto", "gz"),
        (None, None, None),
        ("a", "auto", "gz"),
        ("a.bin", "xz", "xz"),
        ("a.tar.gz", "auto", "gz"),
        ("A.TGZ", "auto", "gz"),
        ("a.tgz", "gz", "gz"),
        ("a.tar.xz", "auto", "xz"),
        ("a.txz", "auto", "xz"),
        ("a.tar.bz2", "auto", "bz2"),
        ("a.tbz", "bz2", "bz2"),
        ("a.tar.zst", "auto", "zst"),
        ("a.tar", "auto", None),
        ("a.tar", None, None),
    ],
)
def test_the_compression_is_the_one_asked_for_or_promised(
    name: str | None, wish: str | None, expected: str | None
) -> None:
    path = None if name is None else Path(name)
    assert choose_compression(path, wish) == expected


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("a.tar.gz", "xz"),
        ("a.tar.xz", "gz"),
        ("a.tar.gz", None),
        ("a.tar", "gz"),
        ("a.zip", "auto"),
        ("a.7z", "gz"),
    ],
)
def test_a_name_that_promises_another_compression_is_refused(
    name: str, wish: str | None
) -> None:
    with pytest.raises(ArchiveError, match="expected a name that fits"):
        choose_compression(Path(name), wish)


@pytest.mark.parametrize("wish", ["zip", "gzip", "tar", "", "GZ"])
def test_an_unknown_compression_is_refused(wish: str) -> None:
    expected = "expected 'auto', 'gz', 'xz', 'bz2', 'zst' or None, found"
    with pytest.raises(ArchiveError, match=expected):
        choose_compression(None, wish)


def test_an_installed_artifact_is_archived(tmp_path: Path, depot: Path) -> None:
    source = make_tree(tmp_path / "source", TREE)
    tree_hash = artifact_from_directory(source)
    made = archive_artifact(tree_hash, tmp_path / "a.tar.gz")
    # The modes that installing takes away are in no archive.
    assert made.sha256 == archive_directory(source, tmp_path / "b", "gz").sha256


def test_what_is_not_installed_cannot_be_archived(tmp_path: Path, depot: Path) -> None:
    with pytest.raises(DepotError, match="install it first"):
        archive_artifact(TreeHash.parse(TREE_HASH), tmp_path / "a.tar.gz")


def test_an_overridden_artifact_is_archived_only_when_told_so(
    tmp_path: Path, depot: Path
) -> None:
    other = make_tree(tmp_path / "other", {"other": ""})
    (depot / "artifacts").mkdir(parents=True)
    (depot / "artifacts" / "Overrides.toml").write_text(f'{TREE_HASH} = "{other}"\n')
    tree_hash = TreeHash.parse(TREE_HASH)
    with pytest.raises(
        OverrideError,
        match=r"Overrides\.toml:1, .* honor_overrides=True,.* override --remove",
    ):
        archive_artifact(tree_hash, tmp_path / "a.tar.gz")
    made = archive_artifact(tree_hash, tmp_path / "a.tar.gz", honor_overrides=True)
    with tarfile.open(made.path) as members:
        assert members.getnames() == ["other"]


# ArtifactUtils.jl: `cp(source, artifact_dir; follow_symlinks)`.
@UNIX
@pytest.mark.usefixtures("depot")
def test_links_can_be_followed(tmp_path: Path) -> None:
    outside = make_tree(tmp_path / "outside", {"f": "far", "run": ("x", 0o755)})
    tree: Tree = {
        "d/a": "near",
        "to_file": Link("d/a"),
        "to_folder": Link("d"),
        "far": Link(str(outside)),
    }
    source = make_tree(tmp_path / "source", tree)
    followed: Tree = {
        "d/a": "near",
        "to_file": "near",
        "to_folder/a": "near",
        "far/f": "far",
        "far/run": ("x", 0o755),
    }
    expected = hash_directory(make_tree(tmp_path / "followed", followed))
    assert expected == artifact_from_directory(source, follow_symlinks=True)
    assert artifact_from_directory(source) == hash_directory(source)


@UNIX
@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"l": Link(".")}, "l: .* back to where it is"),
        ({"a/b/l": Link("..")}, "a/b/l: .* back to where it is"),
        ({"a/l": Link("../b"), "b/m": Link("../a")}, "a/l/m: .* back to where it is"),
        ({"l": Link("l")}, "l: .* back to where it is"),
        (
            {"l": Link("nowhere")},
            "l: .* leads to .*/source/nowhere, which does not exist; remove it",
        ),
    ],
)
def test_links_in_a_circle_or_to_nowhere_can_not_be_followed(
    tmp_path: Path, tree: Tree, fault: str
) -> None:
    source = make_tree(tmp_path / "source", tree)
    with pytest.raises(UnhashableFileError, match=f"source/{fault}"):
        artifact_from_directory(source, follow_symlinks=True)
