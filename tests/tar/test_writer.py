"""A folder becomes the archive that Tar.jl would make of it, to the last byte."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts.errors import UnhashableFileError, UnportableNameError
from fetch_artifacts.tar.writer import tar_chunks
from support.fixtures import ANY_NAMES, load_vectors
from support.trees import Link, Tree, as_nobody, make_tree, recorded_tree

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def packed(directory: Path, *, portable: bool = False) -> bytes:
    return b"".join(tar_chunks(directory, portable=portable))


def read(archive: bytes) -> list[tuple[str, bytes, int, str]]:
    """Name, type, size and link target of each member, as tarfile reads them."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return [
            (member.name, member.type, member.size, member.linkname) for member in tar
        ]


@ANY_NAMES
@pytest.mark.parametrize(("case", "answer"), load_vectors("tree"))
def test_a_recorded_tree_becomes_julias_archive(
    tmp_path: Path, case: dict[str, object], answer: dict[str, dict[str, object]]
) -> None:
    tree = make_tree(tmp_path / "tree", recorded_tree(case))
    expected = answer["tar"]

    archive = packed(tree)

    assert expected["bytes"] == len(archive)
    assert expected["sha256"] == hashlib.sha256(archive).hexdigest()


@ANY_NAMES
@pytest.mark.parametrize(("case", "answer"), load_vectors("tree"))
def test_a_recorded_tree_is_portable_where_julia_says_so(
    tmp_path: Path, case: dict[str, object], answer: dict[str, dict[str, object]]
) -> None:
    tree = make_tree(tmp_path / "tree", recorded_tree(case))
    expected = answer["tar_portable"]
    if not expected["ok"]:
        with pytest.raises(UnportableNameError):
            packed(tree, portable=True)
        return

    archive = packed(tree, portable=True)

    assert expected["value"] == hashlib.sha256(archive).hexdigest()


def test_an_empty_folder_is_one_record_for_itself(tmp_path: Path) -> None:
    archive = packed(make_tree(tmp_path / "tree", {}))
    assert len(archive) == 512
    # From Julia 1.12.5
    expected = "e764268f026677a73a053d0d79e1037128505e47b49137d4dd2f0c57797272de"
    assert expected == hashlib.sha256(archive).hexdigest()


def test_names_are_in_the_order_of_their_bytes_without_a_slash(tmp_path: Path) -> None:
    tree: Tree = {"b/x": "1", "b.txt": "2", "a": "3", "é": "4", "b-": "5"}
    archive = packed(make_tree(tmp_path / "tree", tree))
    assert [name for name, *_ in read(archive)] == [
        *("a", "b", "b/x", "b-", "b.txt", "é"),
    ]


def test_six_members_with_two_small_files_have_eight_blocks(tmp_path: Path) -> None:
    tree: Tree = {"a": "hello", "b/x": "world", "b.txt": "", "e": None, "l": Link("a")}
    archive = packed(make_tree(tmp_path / "tree", tree))
    assert len(archive) == 8 * 512  # and no blocks at the end


def one_file(folder: Path, mode: int) -> Path:
    """A tree of one file with these permissions; skips where it can't be read."""
    tree = make_tree(folder / "tree", {"f": ("", mode)})
    if not os.access(tree / "f", os.R_OK):
        pytest.skip(f"NOT TESTED: only root can read a file of mode {mode:o}")
    return tree


@UNIX
@pytest.mark.parametrize("mode", [0o644, 0o4644, 0o600, 0o654, 0o000])
def test_a_mode_without_the_owners_execute_bit_is_644(
    tmp_path: Path, mode: int
) -> None:
    tree = one_file(tmp_path, mode)
    assert packed(tree)[100:108] == b"000644 \0"


@UNIX
@pytest.mark.parametrize("mode", [0o755, 0o4755, 0o744, 0o100])
def test_a_mode_with_the_owners_execute_bit_is_755(tmp_path: Path, mode: int) -> None:
    tree = one_file(tmp_path, mode)
    assert packed(tree)[100:108] == b"000755 \0"


def fields(archive: bytes) -> tuple[bytes, bytes]:
    """The name and the prefix in the last header of an archive without contents."""
    block = archive[-512:]
    return block[:100].rstrip(b"\0"), block[345:500].rstrip(b"\0")


@ANY_NAMES
@pytest.mark.parametrize(
    ("path", "name", "prefix"),
    [
        ("x" * 100, b"x" * 100, b""),
        ("d" * 50 + "/" + "x" * 49, b"d" * 50 + b"/" + b"x" * 49, b""),
        ("d" * 50 + "/" + "x" * 50, b"x" * 50, b"d" * 50),
        ("d/" * 51 + "x", b"d/x", b"d/" * 49 + b"d"),  # at the last slash of 100 bytes
        ("d" * 99 + "/" + "x" * 100, b"x" * 100, b"d" * 99),
        # A pax record has these:
        ("d" * 99 + "/" + "x" * 101, b"", b""),
        ("d" * 100 + "/x", b"", b""),
        ("d" * 60 + "/" + "e" * 60 + "/" + "f" * 60, b"", b""),
        ("d/" * 127 + "x", b"", b""),
        ("d/" * 128 + "x", b"", b""),
        ("x" * 101, b"", b""),
    ],
)
def test_a_long_path_is_split_where_julia_splits_it(
    tmp_path: Path, path: str, name: bytes, prefix: bytes
) -> None:
    archive = packed(make_tree(tmp_path / "tree", {path: ""}))
    assert fields(archive) == (name, prefix)
    assert read(archive)[-1][0] == path


@ANY_NAMES
def test_a_pax_header_has_its_records_in_order(tmp_path: Path) -> None:
    path, target = "p" * 101, "t" * 101
    archive = packed(make_tree(tmp_path / "tree", {path: Link(target)}))
    payload = f"115 linkpath={target}\n111 path={path}\n".encode()

    header, content, member = archive[:512], archive[512:1024], archive[1024:]

    assert len(member) == 512
    assert content == payload.ljust(512, b"\0")
    assert (header[100:108], header[156:157]) == (b"000000 \0", b"x")
    assert header[:100] == bytes(100)
    assert header[124:136] == b"%011o " % len(payload)
    assert member[:100] == member[157:257] == bytes(100)


@UNIX
@pytest.mark.parametrize(
    ("size", "start"),
    [
        (8**11 - 1, b"77777777777 "),
        (8**11, b"100000000000"),
        (8**12 - 1, b"777777777777"),
    ],
)
def test_a_size_has_the_field_that_julia_gives_it(
    tmp_path: Path, size: int, start: bytes
) -> None:
    tree = make_tree(tmp_path / "tree", {"f": ""})
    os.truncate(tree / "f", size)  # takes no space

    first = next(tar_chunks(tree))

    assert first[124:136] == start


@UNIX
def test_a_size_of_64_gib_is_in_a_pax_record_as_well(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": ""})
    os.truncate(tree / "f", 8**12)

    first = next(tar_chunks(tree))

    assert first[512:1024] == b"20 size=68719476736\n".ljust(512, b"\0")
    assert first[1024 + 124 : 1024 + 136] == b"\x80\0\0\0\0\0\0\x10\0\0\0\0"


@UNIX
def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"a": "same"})
    os.link(tree / "a", tree / "b")
    assert read(packed(tree)) == [("a", b"0", 4, ""), ("b", b"0", 4, "")]


def test_a_large_file_comes_in_pieces(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    tree = make_tree(tmp_path / "tree", {"a": content, "b": "end"})

    chunks = list(tar_chunks(tree))

    assert max(map(len, chunks)) < 2_000_000
    archive = b"".join(chunks)
    assert archive[512 : 512 + len(content)] == content
    assert read(archive)[1] == ("b", b"0", 3, "")


@UNIX
def test_a_fifo_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    fault = "a FIFO, which can't be archived"
    with pytest.raises(UnhashableFileError, match=fault) as caught:
        packed(tmp_path)
    assert caught.value.path == tmp_path / "pipe"


@UNIX
def test_an_unreadable_file_is_refused() -> None:
    with as_nobody() as folder:
        tree = make_tree(folder / "tree", {"f": ("secret", 0o000)})
        fault = "f: can't be read, so the folder can't be archived"
        with pytest.raises(UnhashableFileError, match=fault):
            packed(tree)


@UNIX
def test_an_unreadable_folder_is_refused() -> None:
    with as_nobody() as folder:
        tree = make_tree(folder / "tree", {"d": None})
        (tree / "d").chmod(0o000)
        with pytest.raises(UnhashableFileError, match="can't be read"):
            packed(tree)
        (tree / "d").chmod(0o700)


def test_a_file_that_is_gone_meanwhile_is_refused(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"a": b"x" * 1_000_000, "b": ""})
    chunks = tar_chunks(tree)
    next(chunks)
    (tree / "b").unlink()
    with pytest.raises(UnhashableFileError, match="can't be read"):
        list(chunks)


@pytest.mark.parametrize("change", [b"more", b""])
def test_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, change: bytes
) -> None:
    tree = make_tree(tmp_path / "tree", {"a": b"x" * 3_000_000, "b": ""})
    chunks = tar_chunks(tree)
    next(chunks)
    with (tree / "a").open("r+b") as file:
        file.truncate(2_500_000)
        file.seek(0, os.SEEK_END)
        file.write(change * 200_000)
    with pytest.raises(UnhashableFileError, match="expected 3000000 bytes"):
        list(chunks)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    with pytest.raises(NotADirectoryError):
        packed(path)


@ANY_NAMES
@pytest.mark.parametrize(
    "name",
    [
        *("con", "CON", "nul.txt", "d/com1", "Lpt9.a.b", "aux"),
        *('a"b', "a*b", "a:b", "a<b", "a>b", "a?b", "a\\b", "a|b", "a\tb", "a\x1fb"),
        *("end.", "end ", "d. /f", "\udcff"),
    ],
)
def test_a_name_that_windows_cannot_store_is_not_portable(
    tmp_path: Path, name: str
) -> None:
    tree = make_tree(tmp_path / "tree", {name: ""})
    assert packed(tree)
    with pytest.raises(UnportableNameError) as caught:
        packed(tree, portable=True)
    assert caught.value.path.is_relative_to(tree)


@pytest.mark.parametrize("name", ["console", "com0", "com10", "lpt", "a.b", "é ~'#-"])
def test_a_name_that_windows_can_store_is_portable(tmp_path: Path, name: str) -> None:
    tree = make_tree(tmp_path / "tree", {name: ""})
    assert packed(tree) == packed(tree, portable=True)


def test_the_archive_does_not_know_of_times_and_places(tmp_path: Path) -> None:
    def archives() -> Iterator[bytes]:
        for number in range(2):
            tree = make_tree(tmp_path / str(number), {"d/f": "x", "l": Link("d")})
            os.utime(tree / "d" / "f", (number, number))
            yield packed(tree)

    first, second = archives()
    assert first == second


# Network file systems do that, now and then.
def test_a_read_that_gives_less_than_asked_is_not_the_end_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "t", {"f": "0123456789"})
    whole = packed(tmp_path / "t")
    real = os.read
    monkeypatch.setattr(os, "read", lambda handle, size: real(handle, min(size, 3)))
    assert packed(tmp_path / "t") == whole


@UNIX
def test_a_file_that_becomes_a_fifo_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_tree(tmp_path / "tree", {"a": "12345"}) / "a"
    real = os.open

    def replaced(name: bytes, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        # Without the flag, the FIFO would wait for a writer.
        assert flags & os.O_NONBLOCK
        return real(name, flags)

    monkeypatch.setattr(os, "open", replaced)
    with pytest.raises(UnhashableFileError, match="expected 5 bytes, found 0"):
        packed(path.parent)
