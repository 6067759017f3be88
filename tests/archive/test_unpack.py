"""What an archive of any kind becomes on a disk."""

from __future__ import annotations

import base64
import gzip
import io
import lzma
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts.archive.unpack import UnpackedArchive, unpack_archive
from fetch_artifacts.errors import NotAnArchiveError, UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.tar.limits import UnpackLimits
from support.archives import END, file, listing
from support.fixtures import ANY_NAMES, UNIX, load_vectors

INSTALLED = [pair for pair in load_vectors("install") if pair[1]["installed"]]
REFUSED = [pair for pair in load_vectors("install") if not pair[1]["installed"]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty folder to unpack to."""
    path = tmp_path / "tree"
    path.mkdir()
    return path


@UNIX
@ANY_NAMES
@pytest.mark.parametrize(("case", "answer"), INSTALLED)
def test_a_recorded_install_has_the_modes_that_julia_gave_it(
    tree: Path,
    umask: Callable[[int], int],
    case: dict[str, object],
    answer: dict[str, object],
) -> None:
    if case["setgid"]:
        tree.chmod(0o2775)
    umask(int(str(case["umask"])))

    unpacked = unpack_archive(
        [base64.b64decode(str(case["data"]))], tree, read_only=True
    )

    assert answer["listing"] == listing(tree)
    assert answer["hash"] == str(unpacked.tree_hash)


@pytest.mark.parametrize(("case", "answer"), REFUSED)
def test_a_recorded_install_that_failed_leaves_nothing(
    tree: Path,
    case: dict[str, object],
    answer: dict[str, object],
) -> None:
    assert not answer["installed"]
    with pytest.raises(UnpackError):
        unpack_archive([base64.b64decode(str(case["data"]))], tree, read_only=True)
    assert listing(tree) == []


def _zip(*members: tuple[str, int, bytes]) -> bytes:
    """A zip archive of names, Unix modes and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def unpacked_from(data: bytes, tree: Path) -> UnpackedArchive:
    return unpack_archive([data[:100], data[100:]], tree)


def test_a_compressed_archive_tells_its_kind(tree: Path) -> None:
    unpacked = unpacked_from(gzip.compress(file(b"f", b"1") + END), tree)
    assert unpacked.kind == "gz"
    assert str(unpacked.tree_hash) == "968a52a40411d3dbe448dad5a06d00eab49250db"


def test_an_uncompressed_archive_tells_that_it_is_one(tree: Path) -> None:
    unpacked = unpacked_from(file(b"f", b"1") + END, tree)
    assert unpacked.kind == "tar"
    assert str(unpacked.tree_hash) == "968a52a40411d3dbe448dad5a06d00eab49250db"


@UNIX
def test_a_zip_archive_keeps_links_and_execute_bits(tree: Path) -> None:
    data = _zip(
        ("sub/", stat.S_IFDIR | 0o755, b""),
        ("sub/x", stat.S_IFREG | 0o755, b"1"),
        ("f", stat.S_IFREG | 0o644, b"hello"),
        ("l", stat.S_IFLNK | 0o777, b"f"),
    )
    unpacked = unpacked_from(data, tree)
    assert unpacked.kind == "zip"
    # {f: hello, l -> f, sub/x: 1, executable}, from Julia 1.5.3 and 1.12.5
    assert str(unpacked.tree_hash) == "7d98976448b355d209ecee2da5ac8452f5e37c5b"
    assert unpacked.tree_hash == hash_directory(tree)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([("../a", 0o644, b"")], "'..'"),
        ([("/a", 0o644, b"")], "absolute"),
        (
            [("l", stat.S_IFLNK | 0o777, b"/tmp"), ("l/a", 0o644, b"")],
            "through the symbolic link",
        ),
        ([("l", stat.S_IFLNK | 0o777, b"x" * 40_000)], "40000 bytes of target"),
    ],
)
def test_a_zip_archive_is_refused_as_a_tar_archive_would_be(
    tree: Path, members: list[tuple[str, int, bytes]], fault: str
) -> None:
    with pytest.raises(UnpackError, match=fault):
        unpacked_from(_zip(("fine", 0o644, b"x"), *members), tree)
    assert listing(tree) == []


def test_a_damaged_zip_archive_is_refused(tree: Path) -> None:
    data = bytearray(_zip(("a", 0o644, b"content " * 100)))
    data[40] ^= 0xFF
    for damaged in (bytes(data), bytes(data[:-30])):
        with pytest.raises(UnpackError, match="the zip archive can't be read"):
            unpacked_from(damaged, tree)
        assert listing(tree) == []


def zip_of(method: int, content: bytes) -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("f", content)
    return bytearray(buffer.getvalue())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (24, (20).to_bytes(4, "little")),  # the length of the content
        (42, b"\xff\xff\xff\x7f"),  # where the member is
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_archive_whose_directory_lies_is_refused(
    tree: Path, place: int, value: bytes, method: int
) -> None:
    data = zip_of(method, b"hello world")
    start = data.index(b"PK\1\2") + place
    data[start : start + len(value)] = value
    with pytest.raises(UnpackError, match=r"can't be read|the archive says 20"):
        unpacked_from(bytes(data), tree)
    assert listing(tree) == []


def test_a_directory_before_the_start_of_a_zip_archive_is_refused(tree: Path) -> None:
    data = zip_of(zipfile.ZIP_STORED, b"x")
    end = data.index(b"PK\5\6")
    data[end + 16 : end + 20] = b"\xff\xff\xff\x7f"
    with pytest.raises(UnpackError, match="the zip archive can't be read"):
        unpacked_from(bytes(data), tree)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damage_in_the_data_of_a_zip_archive_is_an_error_of_the_archive(
    tree: Path, method: int
) -> None:
    data = zip_of(method, bytes(range(256)) * 100)
    middle = data.index(b"PK\1\2") // 2
    data[middle : middle + 8] = b"\xff" * 8
    with pytest.raises(UnpackError):
        unpacked_from(bytes(data), tree)


def test_a_zip_archive_with_a_large_dictionary_is_refused(tree: Path) -> None:
    data = zip_of(zipfile.ZIP_LZMA, b"x" * 100)
    place = data.index(b"\x09\x04\x05\x00") + 5
    data[place : place + 4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(UnpackError, match="needs 1024 MiB of memory"):
        unpacked_from(bytes(data), tree)


def test_a_method_that_not_each_python_knows_is_refused(tree: Path) -> None:
    data = zip_of(zipfile.ZIP_STORED, b"x")
    start = data.index(b"PK\1\2") + 10
    data[start : start + 2] = (93).to_bytes(2, "little")  # zstd, in Python 3.14
    with pytest.raises(UnpackError, match="method 93, is not supported"):
        unpacked_from(bytes(data), tree)


def test_a_zip_archive_with_a_long_directory_needs_the_memory_for_it(
    tree: Path,
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number:030}", b"")
    with pytest.raises(UnpackError, match="directory of 20000 entries needs more"):
        unpack_archive(
            [buffer.getvalue()], tree, limits=UnpackLimits(max_names=1 << 24)
        )
    with pytest.raises(UnpackError, match="as many as it may unpack to"):
        unpack_archive([buffer.getvalue()], tree, limits=UnpackLimits(max_size=100_000))


@pytest.mark.parametrize(
    ("system", "path"), [(0, "bin/run.txt"), (10, "bin/run.txt"), (3, "bin\\run.txt")]
)
@UNIX
def test_backslashes_of_windows_separate_and_those_of_unix_do_not(
    tree: Path, system: int, path: str
) -> None:
    data = _zip(("bin\\run.txt", 0o644, b"x"))
    where = data.index(b"PK\1\2") + 5  # the system that made it
    unpacked_from(data[:where] + bytes([system]) + data[where + 1 :], tree)
    assert (tree / path).read_text() == "x"


def test_an_encrypted_zip_archive_is_refused(tree: Path) -> None:
    data = bytearray(_zip(("a", 0o644, b"x")))
    data[6] |= 1  # in the member's header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnpackError, match="encrypted"):
        unpacked_from(bytes(data), tree)


def test_what_is_no_archive_is_refused_with_its_first_bytes(tree: Path) -> None:
    with pytest.raises(UnpackError, match="an HTML page") as caught:
        unpacked_from(b"\n<!DOCTYPE html><title>Sign in</title>", tree)
    assert "<!DOCTYPE html>" in str(caught.value)
    assert listing(tree) == []


def test_a_compressed_file_that_is_no_tar_archive_is_refused(tree: Path) -> None:
    fault = (
        r"xz data that hold no tar archive but, it seems, a single file \(a text file\)"
    )
    with pytest.raises(NotAnArchiveError, match=fault) as caught:
        unpacked_from(lzma.compress(b"some text " * 100), tree)
    assert "`fetch-artifacts create`" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"short", r"a single file \(a text file\)"),
        (bytes(range(128, 256)), "a single file, starting"),
        (gzip.compress(bytes(1024), mtime=0), "gzip data, starting"),
        (b"PK\x03\x04" + bytes(600), "zip data, starting"),
    ],
)
def test_what_is_compressed_in_place_of_a_tar_archive_is_named(
    tree: Path, content: bytes, what: str
) -> None:
    with pytest.raises(NotAnArchiveError, match=f"but, it seems, {what}"):
        unpacked_from(gzip.compress(content), tree)


def test_zeros_and_then_other_data_are_no_archive(tree: Path) -> None:
    with pytest.raises(NotAnArchiveError, match="zeros and then other data"):
        unpacked_from(bytes(1024) + b"CD001", tree)
    # Julia takes the same, compressed, for an archive without members.
    assert unpacked_from(gzip.compress(bytes(1024) + b"CD001"), tree).files == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("digits", [b"%6o\0 ", b"%o\0", b"%07o\0", b"%06o\0 "])
def test_a_tar_archive_of_cpio_is_read_with_and_without_compression(
    tree: Path, pack: Callable[[bytes], bytes], digits: bytes
) -> None:
    data = bytearray(file(b"f", b"x"))
    data[257:265] = bytes(8)  # without ustar's magic bytes
    data[148:156] = b" " * 8
    data[148:156] = (digits % sum(data[:512])).ljust(8, b"\0")
    unpacked_from(pack(bytes(data)), tree)
    assert (tree / "f").read_text() == "x"
