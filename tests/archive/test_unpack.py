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
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory
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
    with pytest.raises(UnpackError, match="expected a tar header at byte 0"):
        unpacked_from(lzma.compress(b"some text " * 100), tree)
