"""Julia's Tar from Python: create, extract, tree_hash and the list of members."""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path

import pytest

from archives import END, file, folder, listing, pax, symlink
from fetch_artifacts import tarball
from fetch_artifacts.errors import UnhashableFileError, UnpackError
from fetch_artifacts.member import Member
from support import Link, Tree, as_nobody, load_vectors, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
ANY_NAMES = pytest.mark.skipif(
    sys.platform != "linux", reason="this system changes or refuses some names"
)
VECTORS = load_vectors("tar")
IDS = [case["id"] for case, _ in VECTORS]
# a/, b/x (executable), b.txt, empty/, lnk -> b/x: julia-spec's test 5
MIXED: Tree = {
    "a": "hello",
    "b/x": ("world", 0o755),
    "b.txt": "",
    "empty": None,
    "lnk": Link("b/x"),
}


@pytest.mark.parametrize(("case", "answer"), VECTORS, ids=IDS)
@pytest.mark.parametrize("skip_empty", [False, True])
def test_a_recorded_archive_has_julias_tree_hash(
    case: dict[str, str],
    answer: dict[str, dict[str, object]],
    skip_empty: bool,
) -> None:
    archive = io.BytesIO(base64.b64decode(case["data"]))
    expected = answer["tree_hash_skip_empty" if skip_empty else "tree_hash"]
    if not expected["ok"]:
        with pytest.raises(UnpackError):
            tarball.tree_hash(archive, skip_empty=skip_empty)
    else:
        actual = tarball.tree_hash(archive, skip_empty=skip_empty)
        assert expected["value"] == str(actual)


@ANY_NAMES
@pytest.mark.parametrize(("case", "answer"), VECTORS, ids=IDS)
def test_a_recorded_archive_is_extracted_as_julia_does_it(
    tmp_path: Path, case: dict[str, str], answer: dict[str, dict[str, object]]
) -> None:
    archive = io.BytesIO(base64.b64decode(case["data"]))
    expected = answer["extract"]
    before = os.umask(0o022)
    try:
        if not expected["ok"]:
            with pytest.raises(UnpackError):
                tarball.extract(archive, tmp_path / "tree")
            assert not (tmp_path / "tree").exists()
        else:
            tree = tarball.extract(archive, tmp_path / "tree")
            assert expected["listing"] == listing(tree)
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("git-sha1", "444d5e5894f45981ac67c91022a7934b4cb3b094"),
        (
            "git-sha256",
            "f204b49f7ec4fce330712b0560296f21c3c2543da1c32ee5caac1f0c31b2c963",
        ),
    ],
)
def test_the_tree_hash_of_what_create_makes(
    tmp_path: Path, algorithm: str, expected: str
) -> None:
    archive = tmp_path / "a.tar"
    tarball.create(make_tree(tmp_path / "tree", MIXED), archive)
    assert str(tarball.tree_hash(archive, algorithm=algorithm)) == expected


def test_without_empty_folders_it_is_the_hash_of_the_artifact(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    tarball.create(make_tree(tmp_path / "tree", MIXED), archive)
    actual = tarball.tree_hash(archive, skip_empty=True)
    assert str(actual) == "3135cd02f1786f3cc2987c8958aa353d68581a07"


def test_a_link_outside_ascii_has_gits_hash_here() -> None:
    # julia-spec's test 9: Tar.jl counts bytes, Pkg counts characters.
    archive = io.BytesIO(symlink(b"l", "tärget".encode()))
    actual = tarball.tree_hash(archive)
    assert str(actual) == "ead5217b73f158397ffbcf9ab718635b78905626"


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="git-md5"):
        tarball.tree_hash(io.BytesIO(), algorithm="git-md5")


def test_a_file_further_up_gives_way_in_the_hash() -> None:
    # Tar.tree_hash takes what Tar.extract refuses.
    archive = io.BytesIO(file(b"a") + file(b"a/b/c", b"1"))
    same = io.BytesIO(file(b"a/b/c", b"1"))
    assert tarball.tree_hash(same) == tarball.tree_hash(archive)


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnpackError, match="found b'\\\\x1f\\\\x8b"):
        tarball.extract(io.BytesIO(b"\x1f\x8b\x08" + bytes(600)), tmp_path / "tree")


# --- where things go


def test_a_folder_is_made_in_one_that_exists(tmp_path: Path) -> None:
    tree = tarball.extract(io.BytesIO(file(b"f", b"1")), tmp_path / "tree")
    assert tree == tmp_path / "tree"
    assert (tree / "f").read_text() == "1"


def test_an_empty_folder_is_used_as_it_is(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir(mode=0o700)
    tarball.extract(io.BytesIO(file(b"f")), str(tree))
    assert [path.name for path in tree.iterdir()] == ["f"]


def test_a_full_folder_is_left_alone(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"mine": ""})
    with pytest.raises(FileExistsError, match="expected an empty folder"):
        tarball.extract(io.BytesIO(file(b"f")), tree)
    assert [path.name for path in tree.iterdir()] == ["mine"]


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        tarball.extract(io.BytesIO(file(b"f")), path)
    assert path.read_text() == "mine"


def test_the_parent_of_a_new_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tarball.extract(io.BytesIO(file(b"f")), tmp_path / "no" / "tree")


def test_an_empty_folder_is_empty_again_after_an_error(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    with pytest.raises(UnpackError):
        tarball.extract(io.BytesIO(file(b"f") + file(b"../f")), tree)
    assert list(tree.iterdir()) == []


@UNIX
def test_a_folder_of_any_depth_is_empty_again_after_an_error(tmp_path: Path) -> None:
    deep = pax((b"path", b"a/" * 1500 + b"f")) + file(b"q", b"1")
    with pytest.raises(UnpackError, match=r"\.\./f"):
        tarball.extract(io.BytesIO(deep + file(b"../f")), tmp_path / "tree")
    assert names(tmp_path) == []


@UNIX
@pytest.mark.parametrize("umask", [0o400, 0o555, 0o700])
def test_no_umask_hides_the_error_or_keeps_what_was_unpacked(umask: int) -> None:
    archive = io.BytesIO(folder(b"d/") + file(b"e/f", b"1") + file(b"../f"))
    with as_nobody() as home:
        before = os.umask(umask)
        try:
            with pytest.raises((UnpackError, PermissionError)):
                tarball.extract(archive, home / "tree")
        finally:
            os.umask(before)
        assert names(home) == []


def test_links_become_copies_on_request(tmp_path: Path) -> None:
    archive = io.BytesIO(file(b"f", b"1") + symlink(b"l", b"f"))
    tree = tarball.extract(archive, tmp_path / "tree", copy_symlinks=True)
    assert not (tree / "l").is_symlink()
    assert (tree / "l").read_text() == "1"


def test_a_file_object_stays_open(tmp_path: Path) -> None:
    archive = io.BytesIO()
    tarball.create(make_tree(tmp_path / "tree", MIXED), archive)
    assert len(archive.getvalue()) == 8 * 512


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs")
def test_an_archive_that_cannot_be_completed_is_removed(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "x" * 1_000_000})
    os.mkfifo(tree / "pipe")
    with pytest.raises(UnhashableFileError):
        tarball.create(tree, tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


# --- members


def test_members_tell_what_is_in_an_archive() -> None:
    archive = io.BytesIO(
        folder(b"d/") + file(b"d/f", b"12345", 0o755) + symlink(b"l", b"d") + END
    )
    assert [
        (member.path, member.kind, member.executable, member.size, member.link)
        for member in tarball.members(archive)
    ] == [
        (b"d", "directory", True, 0, b""),
        (b"d/f", "file", True, 5, b""),
        (b"l", "symlink", True, 0, b"d"),
    ]


def test_members_have_their_contents(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(file(b"a", b"1") + file(b"b", b"x" * 700_000) + file(b"c", b"3"))

    def content(member: Member) -> bytes:
        return b"".join(member.pieces)

    assert [content(member) for member in tarball.members(path)] == [
        *(b"1", b"x" * 700_000, b"3"),
    ]
