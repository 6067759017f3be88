"""What a tar archive may say, and what is refused by all that read one."""

from __future__ import annotations

import base64
import os
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from fetch_artifacts import tarball
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.member import Member
from fetch_artifacts.tar.reader import read_members
from support.archives import (
    END,
    file,
    folder,
    gnu_long,
    hardlink,
    header,
    padded,
    pax,
    symlink,
)
from support.fixtures import load_vectors

LONG = b"d/" * 60 + b"name"
REFUSED = {
    "an absolute path": (file(b"/a"), "path is absolute"),
    "a path upwards": (file(b"../a"), "'..'"),
    "a path that goes up and down": (file(b"a/../b"), "'..'"),
    "'..' and a newline at the end": (file(b"a/..\n"), "'..'"),
    "an empty path": (header(b""), "path is empty"),
    "a folder's path for a file": (file(b"a/"), "like that of a folder"),
    "a dot for a file": (file(b"."), "like that of a folder"),
    "a path that ends in a dot": (file(b"a/."), "like that of a folder"),
    "a NUL byte in a path": (pax((b"path", b"a\0b")) + file(b"x"), "NUL"),
    "a NUL byte in a target": (
        pax((b"linkpath", b"a\0b")) + symlink(b"x", b"y"),
        "NUL",
    ),
    "a character device": (header(b"a", b"3"), "character device"),
    "a block device": (header(b"a", b"4"), "block device"),
    "a FIFO": (header(b"a", b"6"), "FIFO"),
    "a contiguous file": (header(b"a", b"7"), "type b'7'"),
    "a GNU sparse file": (header(b"a", b"S"), "sparse file, as tar's -S"),
    "a type outside ASCII": (header(b"a", b"\xc0"), "type b'\\xc0'"),
    "a path deeper than any that Linux takes": (
        pax((b"path", b"a/" * 2048 + b"f")) + file(b"x"),
        "more than 2,048 components",
    ),
    "a long name under another name": (header(b"a", b"L"), "type b'L'"),
    "a target for a file": (header(b"a", link=b"b"), "is not a link"),
    "a link without a target": (header(b"a", b"2"), "symlink without a target"),
    "a hard link to the root": (hardlink(b"a", b"./"), "hardlink without a target"),
    "a link with a size": (header(b"a", b"2", link=b"b", size=1), "with a size"),
    "a folder with a size": (header(b"a", b"5", size=1), "with a size"),
    "a hard link upwards": (hardlink(b"a", b"../a"), "'..'"),
    "a hard link to nothing": (hardlink(b"a", b"b"), "no earlier plain file"),
    "a hard link to a later file": (
        hardlink(b"a", b"b") + file(b"b"),
        "no earlier plain file",
    ),
    "a hard link to a folder": (folder(b"b/") + hardlink(b"a", b"b"), "plain file"),
    "a hard link to a symbolic link": (
        symlink(b"b", b"c") + hardlink(b"a", b"b"),
        "hard link to the symbolic link 'b', which Julia can't unpack",
    ),
    "a hard link to a hard link": (
        file(b"c") + hardlink(b"b", b"c") + hardlink(b"a", b"b"),
        "hard link to the hard link 'b', which Julia can't unpack",
    ),
    "a hard link in the place of its target": (
        file(b"f") + hardlink(b"f/g", b"f"),
        "no earlier plain file",
    ),
    # Tar.jl copies the folder here, and then does not know of the links in it.
    "a hard link to a file that became a folder": (
        file(b"f") + symlink(b"f/l", b"/tmp") + hardlink(b"g", b"f") + file(b"g/l/a"),
        "no earlier plain file",
    ),
    "a path through a symbolic link": (
        symlink(b"l", b"/tmp") + file(b"l/a"),
        "through the symbolic link 'l'",
    ),
    "a folder through a symbolic link": (
        symlink(b"l", b"d") + folder(b"l/a/"),
        "through the symbolic link 'l'",
    ),
    "a path through a link further up": (
        symlink(b"d/l", b"..") + file(b"d/l/a/b"),
        "through the symbolic link 'd/l'",
    ),
    "a path through a link that went with its folder": (
        symlink(b"d/l", b"..") + file(b"d") + folder(b"d/") + file(b"d/l/a"),
        "through the symbolic link 'd/l'",
    ),
    "a wrong checksum": (file(b"a").replace(b"a", b"b", 1), "checksum"),
    "an unknown version": (header(b"a", version=b"01"), "version"),
    "a version that ends in a zero": (header(b"a", version=b" 0"), "version"),
    "a mode of 24 bits": (header(b"a", mode=0o200000), "mode"),
    "a size that is no number": (header(b"a", size_field=b"12x4".ljust(12)), "size"),
    "a size that is not octal": (header(b"a", size_field=b"8".ljust(12)), "'8'"),
    "an empty size": (header(b"a", size_field=b" " * 12), "size"),
    "a size of 2^63": (header(b"a", size_field=b"\x80\0\0\0\x80" + bytes(7)), "size"),
    "a negative size": (header(b"a", size_field=b"\xff" * 12), "size"),
    "text": (b"this is no archive at all" * 30, "expected a tar header at byte 1024"),
    "half a header": (file(b"a")[:300], "middle of a header"),
    "half a content": (file(b"a", b"x" * 600)[:1000], "middle of 'a'"),
    "half a padding": (file(b"a", b"xyz")[:-1], "middle of 'a'"),
    "nothing after a pax header": (pax((b"path", b"a")), "after a pax header"),
    "zeros after a pax header": (pax((b"path", b"a")) + END, "after a pax header"),
    "half a pax header": (pax((b"path", b"a"))[:600], "middle of"),
    "a pax size that is no number": (pax((b"size", b"-1")) + file(b"a"), "pax size"),
    "a pax size that no file has": (pax((b"size", b"9" * 19)) + file(b"a"), "pax size"),
    "a pax record that is too long": (
        header(b"p", b"x", size=8) + b"9 path=a".ljust(512, b"\0") + file(b"a"),
        "malformed pax record",
    ),
    "a pax record without a newline": (
        header(b"p", b"x", size=9) + b"9 path=ab".ljust(512, b"\0") + file(b"a"),
        "malformed pax record",
    ),
    "a pax record without a length": (
        header(b"p", b"x", size=7) + b"path=a\n".ljust(512, b"\0") + file(b"a"),
        "malformed pax record",
    ),
    "a GNU long name without its NUL byte": (
        gnu_long(b"L", b"abc") + file(b"a"),
        "does not end in a NUL",
    ),
    "a GNU long name of no bytes": (gnu_long(b"L", b"") + file(b"a"), "NUL"),
    "an extended header of gigabytes": (
        header(b"p", b"x", size=5 << 30) + bytes(4096),
        "at most 2 GiB",
    ),
    "a pax record that counts, of megabytes": (
        pax((b"path", b"a" * (1 << 20))) + file(b"a"),
        "expected at most 1 MiB",
    ),
    "a GNU long name of megabytes": (
        gnu_long(b"L", b"a" * (1 << 20) + b"\0") + file(b"a"),
        "expected at most 1 MiB",
    ),
    "a pax record without a key": (
        header(b"p", b"x", size=7) + b"7 path\n".ljust(512, b"\0") + file(b"a"),
        "malformed pax record",
    ),
    "a pax record of no length": (
        header(b"p", b"x", size=9) + b"00 path=\n".ljust(512, b"\0") + file(b"a"),
        "malformed pax record",
    ),
    "a record of megabytes that its pax header cuts": (
        header(b"p", b"x", size=3 << 20)
        + b"9999999 comment=".ljust(3 << 20, b"x")
        + file(b"a"),
        "malformed pax record",
    ),
    "a pax size with a sign": (pax((b"size", b"+1")) + file(b"a"), "pax size"),
    "a pax size with a digit too large": (
        pax((b"size", b"0o8")) + file(b"a"),
        "pax size",
    ),
    "a pax size with two prefixes": (pax((b"size", b"0b0b1")) + file(b"a"), "pax size"),
    "a pax size of a prefix alone": (pax((b"size", b"0x")) + file(b"a"), "pax size"),
    "a pax size of nothing": (pax((b"size", b"")) + file(b"a"), "pax size"),
    "a path longer than any system's": (
        pax((b"path", b"a/" * 20_000)) + file(b"a"),
        "longer than any system stores",
    ),
}

# Tar.tree_hash takes these, though Tar.extract fails.
HASHED_ONLY = {
    "a path through a file further up": (
        file(b"a") + file(b"a/b/c"),
        "runs through the file 'a'",
    ),
    "a hard link in place of the folder with its file": (
        file(b"d/f", b"x") + hardlink(b"d", b"d/f"),
        "a file that it replaces",
    ),
}


def _extract(data: bytes, folder: Path) -> None:
    tarball.extract(BytesIO(data), folder / "tree")


def _hash(data: bytes, folder: Path) -> None:
    tarball.tree_hash(BytesIO(data))


def _list(data: bytes, folder: Path) -> None:
    list(tarball.members(BytesIO(data)))


@pytest.mark.parametrize("consumer", [_extract, _list])
@pytest.mark.parametrize("case", HASHED_ONLY.values(), ids=HASHED_ONLY)
def test_what_cannot_be_extracted_is_refused_by_all_but_the_tree_hash(
    tmp_path: Path,
    consumer: Callable[[bytes, Path], None],
    case: tuple[bytes, str],
) -> None:
    data, fault = case
    with pytest.raises(UnpackError, match=fault):
        consumer(data, tmp_path)
    _hash(data, tmp_path)


CONSUMERS = {"extract": _extract, "tree_hash": _hash, "members": _list}


def read(data: bytes, piece: int = 1 << 18) -> list[tuple[bytes, str, bytes, bytes]]:
    """Path, kind, link and content of each member, from pieces of one size."""
    chunks = [data[start : start + piece] for start in range(0, len(data), piece)]
    return [
        (member.path, member.kind, member.link, b"".join(member.pieces))
        for member in read_members(chunks)
    ]


@pytest.mark.parametrize("consumer", CONSUMERS.values(), ids=CONSUMERS)
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_bad_archive_is_refused_by_all_that_read_it(
    tmp_path: Path,
    consumer: Callable[[bytes, Path], None],
    case: tuple[bytes, str],
) -> None:
    data, fault = case

    with pytest.raises(UnpackError) as caught:
        consumer(file(b"before", b"fine") + data, tmp_path)

    assert fault in str(caught.value)
    assert not (tmp_path / "tree").exists()


def test_all_faults_of_a_member_are_named_at_once() -> None:
    data = header(b"/../a/", b"6", link=b"x", size=5)

    with pytest.raises(UnpackError) as caught:
        read(data)

    assert caught.value.member == "/../a/"
    assert caught.value.faults == (
        "path is absolute",
        "path contains a '..' component",
        "path of a FIFO ends like that of a folder",
        "unsupported kind of member: FIFO",
        "has a link target but is not a link",
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(base64.b64decode(case["data"]), id=case["id"])
        for case, answer in load_vectors("tar")
        if answer["tree_hash"]["ok"]
    ],
)
def test_a_recorded_archive_reads_the_same_in_pieces_of_any_size(data: bytes) -> None:
    whole = read(data)
    assert whole == read(data, 1)
    assert whole == read(data, 513)


@pytest.mark.parametrize("name", [b"con", b"a/b:c", b"end.", b"\xff"])
def test_windows_refuses_names_that_it_cannot_store(
    monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    assert read(file(name)) == [(name, "file", b"", b"")]
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        with pytest.raises(UnpackError, match=r"Windows|not Unicode"):
            read(file(name))


def test_paths_come_without_dots_and_doubled_slashes() -> None:
    data = folder(b"./") + file(b"./a") + folder(b".//b/./") + file(b"b//./c")
    assert [member[0] for member in read(data)] == [b"", b"a", b"b", b"b/c"]


def test_the_target_of_a_hard_link_comes_without_dots_too() -> None:
    data = file(b"a") + hardlink(b"b", b"/.//a")
    assert read(data)[1] == (b"b", "hardlink", b"a", b"")


def test_the_target_of_a_symbolic_link_comes_as_it_is() -> None:
    data = symlink(b"a", b".//../x/")
    assert read(data) == [(b"a", "symlink", b".//../x/", b"")]


def test_the_prefix_goes_before_the_name() -> None:
    data = header(b"name", prefix=b"some/where")
    assert read(data) == [(b"some/where/name", "file", b"", b"")]


def test_a_name_may_fill_its_field() -> None:
    assert read(file(b"x" * 100, b"abc")) == [(b"x" * 100, "file", b"", b"abc")]


@pytest.mark.parametrize(
    "version", [b"00", b" \0", b"  ", b"0 ", b"0\0", b"\0x", b"0\n"]
)
def test_versions_of_old_and_gnu_headers_are_known(version: bytes) -> None:
    data = header(b"a", version=version)
    assert read(data) == [(b"a", "file", b"", b"")]


def test_a_type_of_nul_is_a_file() -> None:
    assert read(header(b"a", b"\0")) == [(b"a", "file", b"", b"")]


@pytest.mark.parametrize(
    "field",
    [
        b"00000000003\0",
        b"000000000003",
        b"          3 ",
        b"3\0 anything ",
        b"3 anything  ",
        b"\x80" + bytes(10) + b"\x03",
    ],
)
def test_a_size_comes_in_many_spellings(field: bytes) -> None:
    data = header(b"a", size_field=field) + b"abc".ljust(512, b"\0")
    assert read(data) == [(b"a", "file", b"", b"abc")]


def test_pax_records_replace_path_target_and_size() -> None:
    data = (
        pax((b"path", LONG), (b"comment", b"a=b\nc"), (b"size", b"3"))
        + header(b"short")
        + b"abc".ljust(512, b"\0")
        + pax((b"linkpath", LONG))
        + symlink(b"l", b"short")
        + file(b"last")
    )
    assert read(data) == [
        (LONG, "file", b"", b"abc"),
        (b"l", "symlink", LONG, b""),
        (b"last", "file", b"", b""),
    ]


def test_global_pax_records_hold_until_others_replace_them() -> None:
    data = (
        pax((b"path", b"everywhere"), flag=b"g")
        + file(b"1")
        + pax((b"path", b"here"))
        + file(b"2")
        + file(b"3")
    )
    assert [part[0] for part in read(data)] == [b"everywhere", b"here", b"everywhere"]


@pytest.mark.parametrize(
    "size",
    [
        b"3",
        b" 3",
        b"3\n",
        b"0x3",
        b"0o3",
        b"0b11",
        b"003",
        b"0" * 5000 + b"3",
        b"0x" + b"0" * 100 + b"3",
    ],
)
def test_a_pax_size_comes_in_julias_spellings(size: bytes) -> None:
    data = pax((b"size", size)) + header(b"a") + b"abc".ljust(512, b"\0")
    assert read(data) == [(b"a", "file", b"", b"abc")]


@pytest.mark.parametrize("zeros", [1, 17, 10_000])
def test_the_length_of_a_pax_record_may_begin_with_zeros(zeros: int) -> None:
    # Tar.jl reads the digits one by one (extract.jl:518-526).
    length = zeros + len(b"12345 path=a\n")
    record = b"0" * zeros + b"%05d path=a\n" % length
    record += b"13 comment=x\n"
    data = header(b"p", b"x", size=len(record)) + padded(record) + file(b"b")
    assert read(data) == [(b"a", "file", b"", b"")]


@pytest.mark.parametrize("piece", [1 << 18, 70_001])
def test_what_pax_records_of_other_keys_say_is_not_held(piece: int) -> None:
    records = [(b"comment", b"x=\n" * (2 << 20)), (b"path", b"a")]
    records += [(b"path", b"b%d" % number) for number in range(30_000)]
    payload = pax(*records, (b"big", bytes(6 << 20)), (b"linkpath", b"t"))
    data = memoryview(payload + symlink(b"l", b"short"))
    chunks = (data[at : at + piece] for at in range(0, len(data), piece))
    tracemalloc.start()
    try:
        [member] = read_members(bytes(chunk) for chunk in chunks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (member.path, member.link) == (b"b29999", b"t")
    assert peak < 8 << 20


def test_gnu_long_names_replace_path_and_target() -> None:
    data = (
        gnu_long(b"K", b"t/" * 90 + b"\0")
        + gnu_long(b"L", LONG + b"\0")
        + symlink(b"cut", b"cut")
    )
    assert read(data) == [(LONG, "symlink", b"t/" * 90, b"")]


@pytest.mark.parametrize("end", [b"", bytes(512), END, bytes(512) + b"junk" * 1000])
def test_an_archive_may_end_in_many_ways(end: bytes) -> None:
    assert read(file(b"a", b"abc") + end) == [(b"a", "file", b"", b"abc")]


def test_all_bytes_after_the_end_are_read() -> None:
    chunks = iter([file(b"a"), END, b"rest", b"more"])
    list(read_members(chunks))
    assert list(chunks) == []


def test_what_is_left_of_a_content_is_skipped() -> None:
    data = file(b"a", b"x" * 3000) + file(b"b", b"fine")
    chunks = (data[start : start + 700] for start in range(0, len(data), 700))
    assert [member.path for member in read_members(chunks)] == [b"a", b"b"]


def test_a_size_of_8_exabytes_takes_no_memory() -> None:
    data = header(b"a", size_field=b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7)
    claimed = (1 << 63) - 1

    def chunks() -> Iterator[bytes]:
        yield data
        yield bytes(100)

    member: Member = next(read_members(chunks()))

    assert claimed == member.size
    with pytest.raises(UnpackError, match="cut short: it ends after 612 bytes"):
        list(member.pieces)


def test_an_endless_chain_of_extended_headers_ends_with_the_archive() -> None:
    chunks = (pax((b"path", b"x" * 5000)) for _ in range(1000))
    with pytest.raises(UnpackError, match="after a pax header"):
        list(read_members(chunks))
