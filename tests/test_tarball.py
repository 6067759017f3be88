"""Julia's Tar from Python: create, extract, tree_hash and the list of members."""

from __future__ import annotations

import base64
import bz2
import errno
import gzip
import io
import lzma
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts import tarball
from fetch_artifacts.errors import (
    ArchiveError,
    UnhashableFileError,
    UnpackError,
    UnportableNameError,
)
from fetch_artifacts.tar.member import Member
from support.archives import END, file, folder, listing, pax, symlink
from support.fixtures import ANY_NAMES, load_vectors
from support.trees import Link, Tree, as_nobody, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
VECTORS = load_vectors("tar")
IDS = [case["id"] for case, _ in VECTORS]
# a/, b/x (executable), b.txt, empty/, lnk -> b/x: Julia's answer
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
    # Tar.jl counts bytes, Pkg counts characters (Pkg.jl GitTools.jl:234).
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


@pytest.mark.parametrize(
    ("compress", "name"),
    [(gzip.compress, "gzip"), (lzma.compress, "xz"), (bz2.compress, "bzip2")],
)
def test_a_compressed_archive_is_refused_with_what_it_is(
    tmp_path: Path, compress: Callable[[bytes], bytes], name: str
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(compress(file(b"f", os.urandom(1000))))
    fault = f"a.tar: expected an uncompressed tar archive, found {name} data"
    with pytest.raises(UnpackError, match=fault):
        tarball.extract(path, tmp_path / "tree")
    with pytest.raises(UnpackError, match=fault):
        tarball.tree_hash(path)
    with pytest.raises(UnpackError, match=fault):
        list(tarball.members(path))
    assert names(tmp_path) == ["a.tar"]


def test_a_name_like_the_start_of_compressed_data_is_a_name() -> None:
    archive = file(b"BZh") + file(b"../f")
    with pytest.raises(UnpackError, match=r"'\.\./f' is refused"):
        tarball.tree_hash(io.BytesIO(archive))


# --- what is read from and written to


@pytest.mark.parametrize("wrong", [b"bytes", None, 3, io.StringIO("text")])
def test_what_is_no_binary_file_is_refused_with_what_is_taken(
    tmp_path: Path, wrong: Any
) -> None:
    fault = "expected a path (str or os.PathLike) or a binary file object, found "
    expected = re.escape(fault + type(wrong).__name__)
    if wrong is not None:  # that is a new temporary file
        with pytest.raises(TypeError, match=expected):
            tarball.create(make_tree(tmp_path / "tree", MIXED), wrong)
    with pytest.raises(TypeError, match=expected):
        tarball.extract(wrong, tmp_path / "other")
    with pytest.raises(TypeError, match=expected):
        tarball.tree_hash(wrong)
    with pytest.raises(TypeError, match=expected):
        list(tarball.members(wrong))
    assert names(tmp_path) == ([] if wrong is None else ["tree"])


def test_a_file_in_text_mode_is_to_be_opened_in_binary_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with path.open("w") as text, pytest.raises(TypeError, match="open it in binary"):
        tarball.create(make_tree(tmp_path / "tree", MIXED), text)  # type: ignore[arg-type]
    with path.open() as text, pytest.raises(TypeError, match="open it in binary"):
        tarball.tree_hash(text)  # type: ignore[arg-type]


class Slow(io.RawIOBase):
    """A raw file that takes some bytes of each write, as pipes and sockets may."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int | None:
        self.taken += bytes(data[: self.most or 0])
        return self.most and min(self.most, len(data))


def test_what_takes_less_than_it_is_given_gets_all_in_the_end(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    whole = io.BytesIO()
    tarball.create(tree, whole)
    slow = Slow(1000)
    tarball.create(tree, slow)  # type: ignore[call-overload]
    assert whole.getvalue() == slow.taken


@pytest.mark.parametrize("most", [0, None])
def test_what_takes_nothing_is_an_error(tmp_path: Path, most: int | None) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    with pytest.raises(BlockingIOError, match="no room to write"):
        tarball.create(tree, Slow(most))  # type: ignore[call-overload]


def test_a_writer_that_does_not_count_is_taken_at_its_word(tmp_path: Path) -> None:
    class Plain:
        taken = b""

        def write(self, data: bytes) -> None:
            self.taken += data

    plain = Plain()
    tarball.create(make_tree(tmp_path / "tree", MIXED), plain)  # type: ignore[call-overload]
    assert len(plain.taken) == 8 * 512


@UNIX
def test_a_reader_that_has_nothing_yet_is_not_at_its_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb", 0) as pipe, os.fdopen(writing, "wb") as other:
        other.write(file(b"f", b"1"))
        other.flush()
        with pytest.raises(BlockingIOError, match="nothing to read"):
            tarball.tree_hash(pipe)
        with pytest.raises(BlockingIOError, match="nothing to read"):
            tarball.extract(pipe, tmp_path / "tree")
    assert names(tmp_path) == []


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
    with pytest.raises(FileExistsError, match="an empty folder, found a file"):
        tarball.extract(io.BytesIO(file(b"f")), path)
    assert path.read_text() == "mine"


def test_a_link_to_nothing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("none")
    with pytest.raises(FileExistsError, match="an empty folder, found a file"):
        tarball.extract(io.BytesIO(file(b"f")), tmp_path / "l")
    assert names(tmp_path) == ["l"]


@UNIX
def test_a_folder_that_cannot_be_written_is_named() -> None:
    with as_nobody() as home:
        tree = make_tree(home / "tree", {})
        tree.chmod(0o555)
        with pytest.raises(PermissionError) as caught:
            tarball.extract(io.BytesIO(file(b"f")), tree)
        assert caught.value.filename == str(tree)


def test_a_member_that_cannot_be_written_is_named_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: bytes, dir_fd: int | None) -> None:
        raise PermissionError(errno.EPERM, "not permitted", path)

    tree = make_tree(tmp_path / "tree", {})
    monkeypatch.setattr(os, "mkdir", denied)
    with pytest.raises(PermissionError) as caught:
        tarball.extract(io.BytesIO(folder(b"d/")), tree)
    assert caught.value.filename == str(tree / "d")


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


def test_an_unclear_wish_for_copies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="copy_symlinks: expected True, False or None"):
        tarball.extract(io.BytesIO(), tmp_path / "tree", copy_symlinks="no")  # type: ignore[arg-type]
    assert names(tmp_path) == []


def test_a_file_object_stays_open(tmp_path: Path) -> None:
    archive = io.BytesIO()
    tarball.create(make_tree(tmp_path / "tree", MIXED), archive)
    assert len(archive.getvalue()) == 8 * 512


@UNIX
def test_an_archive_that_cannot_be_completed_leaves_what_was_there(
    tmp_path: Path,
) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "x" * 1_000_000})
    os.mkfifo(tree / "pipe")
    with pytest.raises(UnhashableFileError):
        tarball.create(tree, tmp_path / "a.tar")
    assert names(tmp_path) == ["tree"]
    (tmp_path / "a.tar").write_text("old")
    with pytest.raises(UnhashableFileError):
        tarball.create(tree, tmp_path / "a.tar")
    assert names(tmp_path) == ["a.tar", "tree"]
    assert (tmp_path / "a.tar").read_text() == "old"


@pytest.mark.parametrize("wrong", ["", "missing", "a.tar"])
def test_what_is_no_folder_is_not_archived_over_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tar").write_text("old")
    with pytest.raises(ArchiveError, match=f"{wrong}.*: expected a folder, found"):
        tarball.create(wrong, "a.tar")
    assert (tmp_path / "a.tar").read_text() == "old"


def test_an_archive_in_the_folder_that_it_holds_is_refused(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    with pytest.raises(ArchiveError, match="expected a file outside"):
        tarball.create(tree, tree / "a.tar")
    assert not (tree / "a.tar").exists()
    with (
        (tree / "b" / "a.tar").open("wb") as inside,
        pytest.raises(ArchiveError, match="expected a file outside"),
    ):
        tarball.create(tree, inside)


@UNIX
def test_an_archive_for_a_fifo_goes_through_it(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        tarball.create(tree, fifo)
        assert len(os.read(reader, 1 << 16)) == 8 * 512
        with pytest.raises(ArchiveError):
            tarball.create(tmp_path / "missing", fifo)
    finally:
        os.close(reader)
    assert fifo.is_fifo()


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


def test_the_members_do_not_hold_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(file(b"f", b"x" * 100_000) * 200)
    tracemalloc.start()
    try:
        everything = list(tarball.members(path))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(everything) == 200
    assert held < 1_000_000  # of 20 million bytes


# --- predicates, lists and rewriting (Tar.jl test/runtests.jl)


@UNIX
def test_create_gives_where_it_has_written(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    path = tarball.create(tree, tmp_path / "a.tar")
    assert path == tmp_path / "a.tar"
    temporary = tarball.create(tree)
    try:
        assert temporary.read_bytes() == path.read_bytes()
    finally:
        temporary.unlink()
    file = io.BytesIO()
    assert tarball.create(tree, file) is file


def test_a_folder_that_cant_be_archived_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    tree = make_tree(tmp_path / "tree", {"con": ""})
    with pytest.raises(UnportableNameError):
        tarball.create(tree, portable=True)
    assert names(tmp_path / "temporary") == []


@UNIX
def test_create_leaves_out_what_the_predicate_does_not_want(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", MIXED)
    asked: list[str] = []

    def wanted(path: Path) -> bool:
        asked.append(path.relative_to(tree).as_posix())
        return path.name not in {"b", "a"}

    archive = tarball.create(tree, tmp_path / "a.tar", predicate=wanted)
    assert [m.path for m in tarball.list(archive)] == [b"b.txt", b"empty", b"lnk"]
    assert sorted(asked) == ["a", "b", "b.txt", "empty", "lnk"]  # and nothing in b
    nothing = tarball.create(tree, tmp_path / "b.tar", predicate=lambda _: False)
    assert [member.path for member in tarball.list(nothing)] == [b""]


@UNIX
def test_a_list_has_the_members_without_their_content(tmp_path: Path) -> None:
    archive = tarball.create(make_tree(tmp_path / "tree", MIXED), tmp_path / "a.tar")
    listed = tarball.list(archive)
    assert [(m.path, m.kind, m.size, m.link) for m in listed] == [
        (b"a", "file", 5, b""),
        (b"b", "directory", 0, b""),
        (b"b/x", "file", 5, b""),
        (b"b.txt", "file", 0, b""),
        (b"empty", "directory", 0, b""),
        (b"lnk", "symlink", 0, b"b/x"),
    ]
    assert all(list(member.pieces) == [] for member in listed)


@UNIX
def test_extract_makes_a_folder_where_none_is_given(tmp_path: Path) -> None:
    archive = tarball.create(make_tree(tmp_path / "tree", MIXED), tmp_path / "a.tar")
    folder = tarball.extract(archive)
    try:
        assert listing(folder) == listing(tmp_path / "tree")
    finally:
        shutil.rmtree(folder)


def test_a_folder_of_its_own_goes_with_a_bad_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UnpackError):
        tarball.extract(io.BytesIO(b"x" * 1024))
    assert names(tmp_path) == []


@UNIX
def test_what_the_predicate_does_not_want_is_neither_unpacked_nor_hashed(
    tmp_path: Path,
) -> None:
    archive = tarball.create(make_tree(tmp_path / "tree", MIXED), tmp_path / "a.tar")
    less = make_tree(tmp_path / "less", {"a": "hello", "b/x": ("world", 0o755)})

    def wanted(member: Member) -> bool:
        return member.path in {b"a", b"b", b"b/x"}

    folder = tarball.extract(archive, tmp_path / "out", predicate=wanted)
    assert listing(folder) == listing(less)
    expected = tarball.tree_hash(tarball.create(less, tmp_path / "less.tar"))
    assert expected == tarball.tree_hash(archive, predicate=wanted)
    again = tarball.rewrite(archive, tmp_path / "again.tar", predicate=wanted)
    assert (tmp_path / "less.tar").read_bytes() == Path(str(again)).read_bytes()


def test_a_predicate_can_skip_an_attack() -> None:
    archive = symlink(b"l", b"/etc") + file(b"l/x", b"!") + file(b"a", b"1") + END
    with pytest.raises(UnpackError):
        tarball.tree_hash(io.BytesIO(archive))
    assert tarball.tree_hash(
        io.BytesIO(archive), predicate=lambda member: member.kind != "symlink"
    ) == tarball.tree_hash(io.BytesIO(file(b"l/x", b"!") + file(b"a", b"1") + END))


@ANY_NAMES
@pytest.mark.parametrize(("case", "answer"), VECTORS, ids=IDS)
def test_rewriting_is_creating_from_what_was_extracted(
    tmp_path: Path, case: dict[str, str], answer: dict[str, dict[str, object]]
) -> None:
    archive = io.BytesIO(base64.b64decode(case["data"]))
    if not answer["extract"]["ok"]:
        with pytest.raises(UnpackError):
            tarball.rewrite(archive, tmp_path / "new.tar")
        assert not (tmp_path / "new.tar").exists()
        return
    new = tarball.rewrite(archive, io.BytesIO())
    assert isinstance(new, io.BytesIO)
    tree = tarball.extract(io.BytesIO(base64.b64decode(case["data"])), tmp_path / "t")
    created = tarball.create(tree, io.BytesIO())
    assert isinstance(created, io.BytesIO)
    assert created.getvalue() == new.getvalue()


def test_a_rewritten_archive_is_portable_where_that_is_asked_for() -> None:
    archive = io.BytesIO(file(b"con", b"1") + END)
    with pytest.raises(UnportableNameError, match="con"):
        tarball.rewrite(archive, io.BytesIO(), portable=True)
