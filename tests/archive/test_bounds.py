"""What an archive may cost, whatever its bytes are: memory, disk, and what is read."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.formats import Compression
from fetch_artifacts.archive.tree import read_archive
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.streams import blocks
from fetch_artifacts.tar import reader
from fetch_artifacts.tar.extract import unpack_members
from fetch_artifacts.tar.limits import UnpackLimits
from fetch_artifacts.tar.member import make_member
from fetch_artifacts.tar.member_tree import MemberTree
from support.archives import END, file, folder, header, listing, pax, symlink
from support.peaks import peak_of

MOST_MEMORY = 64_000_000


def many_names() -> Iterator[bytes]:
    """Names of 250 bytes."""
    for number in range(150_000):
        yield pax((b"path", b"n" * 240 + b"%010d" % number)) + file(b"x")


def many_links() -> Iterator[bytes]:
    """Links with targets of 4,000 bytes."""
    for number in range(20_000):
        yield pax((b"linkpath", b"t" * 3990 + b"%010d" % number))
        yield header(b"l%d" % number, b"2")


def many_implied_folders() -> Iterator[bytes]:
    """Paths of 1,000 folders, of which none has a member of its own."""
    for number in range(400):
        yield pax((b"path", b"%d/" % number + b"a/" * 1000 + b"f")) + file(b"x")


def many_lost_links() -> Iterator[bytes]:
    """Links far down, whose folder gives way to a file."""
    deep = b"d/" * 400
    for number in range(80_000):
        yield pax((b"path", deep + b"l%d" % number)) + header(b"l", b"2", link=b"t")
    yield file(b"d/d", b"x")


def as_many_as_may_be() -> Iterator[bytes]:
    """Plain files, and folders with a file: not refused."""
    for number in range(60_000):
        yield file(b"f%d" % number)
    for number in range(50_000):
        yield file(b"d%d/x" % number)


def three_hundred_thousand_in_one_folder() -> Iterator[bytes]:
    """Plain files: not refused."""
    for number in range(300_000):
        yield file(b"sample_%09d.npy" % number)


def three_hundred_thousand_in_folders() -> Iterator[bytes]:
    """Plain files, 100 in each folder: not refused."""
    for number in range(300_000):
        yield file(b"part-%05d/sample_%09d.npy" % (number // 100, number))


def folders_with_a_file_each() -> Iterator[bytes]:
    for number in range(120_000):
        yield file(b"d%06d/x" % number)


def empty_folders() -> Iterator[bytes]:
    for number in range(150_000):
        yield folder(b"d%06d" % number)


def files_until_their_folder_is_full() -> Iterator[bytes]:
    """With the last one, a dict of 10 MB gives way to one of 21 MB."""
    for number in range(349_526):
        yield file(b"%07d" % number)


FITS = (
    as_many_as_may_be,
    three_hundred_thousand_in_one_folder,
    three_hundred_thousand_in_folders,
)
REFUSED = (
    many_names,
    many_links,
    many_implied_folders,
    many_lost_links,
    files_until_their_folder_is_full,
    folders_with_a_file_each,
    empty_folders,
)


@pytest.mark.skipif(
    sys.platform != "linux", reason="NOT RUN: only Linux tells a process's peak memory"
)
@pytest.mark.parametrize(
    ("how", "make"),
    [
        *[("read", make) for make in (*REFUSED, *FITS)],
        ("unpack", many_links),  # the tree in memory is the same
    ],
)
def test_what_is_in_an_archive_stays_within_64_megabytes_of_memory(
    tmp_path: Path, how: str, make: object
) -> None:
    assert callable(make)
    archive = tmp_path / "a.tar.gz"
    with gzip.open(archive, "wb", compresslevel=1) as written:
        written.writelines(make())
    needed, said = peak_of(how, archive, tmp_path)
    assert needed < MOST_MEMORY
    assert ("FETCH_ARTIFACTS_MAX_NAMES" in said) == (make in REFUSED)


@pytest.mark.skipif(
    sys.platform != "linux", reason="NOT RUN: only Linux tells a process's peak memory"
)
def test_the_window_of_zstd_leaves_less_for_names(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.zst"
    chunks = zstd_with_window_of_8_mib(empty_folders())
    archive.write_bytes(b"".join(chunks))
    needed, said = peak_of("read", archive, tmp_path)
    assert needed < MOST_MEMORY
    assert "FETCH_ARTIFACTS_MAX_NAMES" in said


def zstd_with_window_of_8_mib(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Frames of raw blocks, each of 128 KiB."""
    yield b"\x28\xb5\x2f\xfd\x00\x68"
    for block in blocks(chunks, 1 << 17):
        yield (len(block) << 3).to_bytes(3, "little") + block
    yield b"\1\0\0"  # the last block, empty


@pytest.mark.parametrize("kind", ["xz", "zst"])
def test_what_is_compressed_has_no_negative_memory_for_names(kind: str) -> None:
    data = b"".join(compressed([file(b"f")], cast("Compression", kind)))
    with pytest.raises(UnpackError, match="FETCH_ARTIFACTS_MAX_NAMES"):
        read_archive([data], UnpackLimits(max_names=1 << 20))
    large = UnpackLimits(max_names=10 << 20, max_window=1 << 30)
    assert list(read_archive([data], large).root) == [b"f"]


def test_the_memory_for_names_can_be_set() -> None:
    data = [folder(b"d"), file(b"d/f")]
    with pytest.raises(UnpackError, match="need more than 500 bytes of memory"):
        read_archive(data, UnpackLimits(max_names=500))
    assert read_archive(data, UnpackLimits(max_names=600)).root == {
        b"d": {b"f": b"p" + bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")}
    }


@pytest.mark.parametrize(
    "data",
    [
        folder(b"a") + folder(b"b"),
        file(b"a/b/f"),
        symlink(b"a", b"t" * 60) + symlink(b"b", b"t" * 60),
    ],
)
def test_folders_and_links_count_with_what_they_occupy(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(UnpackError, match="unpacks to 8192 bytes, expected at most"):
        read_archive([data], UnpackLimits(max_size=8191))
    read_archive([data], UnpackLimits(max_size=8192))


def test_members_that_are_replaced_count_too() -> None:
    with pytest.raises(UnpackError, match="more files and folders than 99"):
        read_archive([folder(b"a") * 100], UnpackLimits(max_members=99))


def zeros(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield bytes(1 << 20)


def after_its_end() -> Iterator[bytes]:
    yield file(b"f")
    yield END
    yield from zeros(300)


def in_records_that_do_not_count() -> Iterator[bytes]:
    record = b"%d comment=" % (300 << 20)
    yield header(b"pax", b"x", size=300 << 20) + record
    yield bytes((300 << 20) - len(record) - 1) + b"\n"
    yield file(b"f")


def in_many_headers() -> Iterator[bytes]:
    for _ in range(300):
        yield pax((b"comment", b"x" * (1 << 20)))
    yield file(b"f")


def in_small_headers_without_a_member() -> Iterator[bytes]:
    yield pax((b"comment", b"x")) * 300_000


@pytest.mark.parametrize(
    "make",
    [
        after_its_end,
        in_records_that_do_not_count,
        in_many_headers,
        in_small_headers_without_a_member,
    ],
)
def test_what_makes_no_member_is_not_read_without_end(make: object) -> None:
    assert callable(make)
    with pytest.raises(UnpackError, match="more than 256 MiB that make no member"):
        read_archive(make())


def test_the_usual_headers_of_any_number_of_members_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "_MOST_SPARE", 1 << 20)
    # Python's tarfile writes a pax header with the time of each file: 1 KiB.
    member = pax((b"mtime", b"1.5")) + file(b"f")
    assert list(read_archive([member * 2000]).root) == [b"f"]


@pytest.mark.parametrize(
    ("content", "found"), [(b"four", "at least 4"), (b"tw", "2"), (b"", "0")]
)
def test_a_member_that_is_not_as_long_as_it_says_is_refused(
    tmp_path: Path, content: bytes, found: str
) -> None:
    # Its hash would be that of other bytes than those that are written.
    fault = f"its content has {found} bytes, the archive says 3"
    lie = make_member(b"f", "file", 0o644, 3, b"", [content])
    with pytest.raises(UnpackError, match=fault):
        MemberTree().add(lie)
    with pytest.raises(UnpackError, match=fault):
        unpack_members([lie], tmp_path)
    assert listing(tmp_path) == []
