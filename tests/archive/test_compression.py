"""Compressing is reproducible; decompressing refuses whatever 7-Zip refuses."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import os
import random
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from fetch_artifacts.archive.codecs import libdeflate
from fetch_artifacts.archive.codecs.gzip import gzip_chunks
from fetch_artifacts.archive.compression import compressed
from fetch_artifacts.archive.decompression import decompress
from fetch_artifacts.archive.formats import Compression
from fetch_artifacts.archive.kind import peek, sniff
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.limits import UnpackLimits
from support.archives import file, zstd_frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TAR = file(b"some/file", b"content " * 500) + bytes(1024)
MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zst": zstd.compress,
}
BACK: dict[Compression | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gz": gzip.decompress,
    "xz": lzma.decompress,
    "bz2": bz2.decompress,
    "zst": zstd.decompress,
}
KINDS: tuple[Compression, ...] = ("gz", "xz", "bz2", "zst")
every_kind = pytest.mark.parametrize("kind", MAKERS)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def plain(data: bytes, size: int = 1000) -> bytes:
    return b"".join(decompress(*peek(pieces(data, size))))


@every_kind
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_every_kind_is_told_by_its_bytes_and_decompressed(kind: str, size: int) -> None:
    assert plain(MAKERS[kind](TAR), size) == TAR


def test_an_uncompressed_archive_stays_as_it_is() -> None:
    assert plain(TAR) == TAR


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_streams_one_after_the_other_are_one(kind: str, size: int) -> None:
    data = b"".join(map(MAKERS[kind], (TAR[:100], b"", TAR[100:])))
    assert plain(data, size) == TAR


@every_kind
def test_bytes_after_the_end_are_refused(kind: str) -> None:
    # 7-Zip 26: "There are some data after the end of the payload data", for NULs too.
    for junk in (b"junk", b"\0", bytes(101), b"\x1f"):
        for size in (1, 1 << 20):
            with pytest.raises(UnpackError, match=r"after its end|is cut short"):
                plain(MAKERS[kind](TAR) + junk, size)


def test_xz_streams_may_be_padded_in_fours() -> None:
    data = lzma.compress(TAR)
    assert plain(data + bytes(8)) == TAR
    assert plain(lzma.compress(TAR[:9]) + bytes(4) + lzma.compress(TAR[9:]), 3) == TAR
    for padding in (bytes(3), bytes(5), bytes(4) + b"x"):
        with pytest.raises(UnpackError, match=r"after its end|is cut short"):
            plain(data + padding)


def test_a_skippable_zstd_frame_is_skipped() -> None:
    frame = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"
    assert plain(zstd.compress(TAR) + frame) == TAR


@every_kind
def test_data_that_is_cut_short_is_refused_wherever_it_ends(kind: str) -> None:
    data = MAKERS[kind](TAR)
    for end in range(13, len(data)):
        with pytest.raises(UnpackError):
            plain(data[:end])


@every_kind
def test_an_error_says_that_the_data_ended_too_early(kind: str) -> None:
    with pytest.raises(UnpackError, match="data is cut short"):
        plain(MAKERS[kind](TAR)[:-5])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_damaged_data_is_refused(kind: str) -> None:
    # zstd's own checksum is off by default, so the damage is in its header there.
    data = bytearray(MAKERS[kind](TAR))
    data[5 if kind == "zst" else len(data) // 2] ^= 0xFF
    with pytest.raises(UnpackError):
        plain(bytes(data))


def test_an_error_of_the_source_is_not_taken_for_damage() -> None:
    def broken() -> Iterator[bytes]:
        yield bz2.compress(TAR)[:20]
        raise OSError("the disk is on fire")

    with pytest.raises(OSError, match="on fire"):
        list(decompress("bz2", broken()))


@every_kind
def test_a_bomb_comes_in_small_pieces(kind: str) -> None:
    data = MAKERS[kind](bytes(5_000_000))
    sizes = [len(piece) for piece in decompress(cast("Compression", kind), [data])]
    assert sum(sizes) == 5_000_000
    assert max(sizes) <= 1 << 20


@functools.cache
def xz_with(dictionary: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": dictionary}]
    return lzma.compress(TAR, filters=filters)


def zstd_with(window: bytes) -> bytes:
    return zstd_frame(TAR, window)


LARGE_WINDOWS = {
    "xz": (xz_with(256 << 20), "the xz data needs 256 MiB of memory"),
    "xz with the sizes of its block": (
        # flags 0xC0: two sizes, of two bytes each; then LZMA2 with 1.5 GiB
        b"\xfd7zXZ\0\0\1\x69\x22\xde\x36"
        b"\x03\xc0\x80\x01\x80\x02\x21\x01\x25" + bytes(100),
        "the xz data needs 1536 MiB of memory",
    ),
    "lzma": (
        b"\x5d" + (1 << 31).to_bytes(4, "little") + b"\xff" * 8 + bytes(100),
        "the lzma data needs 2048 MiB of memory",
    ),
    "zst": (zstd_with(b"\x94"), "the zstd data needs 384 MiB of memory"),
    "zst of one segment": (
        b"\x28\xb5\x2f\xfd\xa0" + (1 << 30).to_bytes(4, "little") + bytes(100),
        "the zstd data needs 1024 MiB of memory",
    ),
    # The head of a stream can't tell what a later one needs, its own head does.
    "a second stream": (
        xz_with(1 << 20) + xz_with(256 << 20),
        "the xz data needs 256 MiB of memory",
    ),
}


@pytest.mark.parametrize("case", LARGE_WINDOWS.values(), ids=LARGE_WINDOWS)
def test_a_large_window_is_refused_with_the_memory_that_it_needs(
    case: tuple[bytes, str],
) -> None:
    data, fault = case
    with pytest.raises(UnpackError) as caught:
        plain(data)
    assert fault in str(caught.value)
    assert "expected at most 8 MiB" in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_larger_windows_can_be_allowed_and_the_usual_ones_are() -> None:
    large = {"xz": xz_with(256 << 20), "zst": zstd_with(b"\x94")}
    for kind, data in large.items():
        limits = UnpackLimits(max_window=512 << 20)
        chunks = decompress(cast("Compression", kind), [data], limits)
        assert b"".join(chunks) == TAR
    # What xz -6 and zstd -19 make.
    assert plain(xz_with(8 << 20)) == plain(zstd_with(b"\x68")) == TAR


@pytest.mark.parametrize("size", [1, 5, 63, 64, 65, 1 << 20])
def test_what_xz_9_and_zstd_long_make_waits_for_the_proof(size: int) -> None:
    asked = []

    def prove() -> bool:
        asked.append(1)
        return True

    limits = UnpackLimits(prove=prove)
    small = xz_with(1 << 20)
    for kind, data, times in (
        ("xz", xz_with(64 << 20), 1),
        ("zst", zstd_with(b"\x88"), 1),
        ("xz", small * 40 + xz_with(64 << 20) * 2, 1),
        ("xz", small * 3, 0),
    ):
        asked.clear()
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        chunks = decompress(cast("Compression", kind), pieces, limits)
        assert b"".join(chunks).strip(TAR) == b""
        assert len(asked) == times
    limits = UnpackLimits(prove=lambda: False)
    with pytest.raises(UnpackError, match="FETCH_ARTIFACTS_MAX_WINDOW to 67108864"):
        b"".join(decompress("xz", [xz_with(64 << 20)], limits))


# --- what is no archive


@pytest.mark.parametrize(
    ("head", "guess"),
    [
        (b"", "nothing at all"),
        (b"  <html><body>404", "an HTML page"),
        (b"<!DOCTYPE HTML>", "an HTML page"),
        (b'<?xml version="1.0"?><Error>', "an XML document"),
        (b'{"message": "Not Found"}', "a JSON document"),
        (b'[{"message": "Not Found"}]', "a JSON document"),
        (b'[Data]\ngit-tree-sha1 = "1111"\n', "a TOML file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
        (b"Rar!\x1a\x07\0", "a RAR archive"),
        (b"Google Drive - Virus scan warning", "a Google Drive page"),
        (
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>',
            "an XML document that says AccessDenied",
        ),
        (b"\x1f\x9d\x90", "compress (.Z) data"),
        (b"07070100000001", "a cpio archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "an HDF5 file"),
        (b"a,b,c\n1,2,3\n" * 90, "a CSV table"),
        ("Grüße aus Köln ".encode() * 90, "a text"),
        (b"\x80binary", "something else"),
        (bytes(100), "something else"),
        (bytes(511) + b"\1" + bytes(100), "something else"),
    ],
)
def test_what_is_no_archive_is_named(head: bytes, guess: str) -> None:
    with pytest.raises(UnpackError) as caught:
        peek([head])
    assert f"found {guess}" in str(caught.value)
    assert not head or repr(head[:40]) in str(caught.value)


def test_old_tar_archives_are_told_by_their_checksum() -> None:
    block = bytearray(TAR[:512])
    block[257:265] = bytes(8)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert sniff(bytes(block)) == "tar"


def test_an_archive_of_zeros_is_an_empty_tar_archive() -> None:
    assert plain(bytes(1024)) == bytes(1024)


def test_a_zip_archive_is_no_compressed_tar_archive() -> None:
    with pytest.raises(UnpackError, match="found a zip archive"):
        plain(b"PK\x03\x04" + bytes(600))


# --- compressing


def _mixed(size: int) -> bytes:
    """Text, zeros and noise, so that all of the writer is used."""
    generator = random.Random(7)
    data = bytearray()
    while len(data) < size:
        length = generator.randrange(50_000)
        data += generator.choice([bytes(length), generator.randbytes(length), TAR * 10])
    return bytes(data[:size])


@pytest.mark.parametrize("kind", [*KINDS, None])
@pytest.mark.parametrize("size", [0, 1, 1 << 17, 500_001])
def test_compressed_data_decompresses_to_what_it_was(
    kind: Compression | None, size: int
) -> None:
    data = _mixed(size)
    packed = b"".join(compressed(pieces(data, 9999), kind))
    assert BACK[kind](packed) == data


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_do_not_depend_on_the_pieces(kind: Compression) -> None:
    data = _mixed(300_000)
    whole = b"".join(compressed([data], kind))
    for size in (1 << 10, 1 << 17, 99_999):
        assert b"".join(compressed(pieces(data, size), kind)) == whole


def test_the_bytes_of_gzip_do_not_depend_on_the_threads() -> None:
    data = _mixed(2_000_000)
    one, two, many = (
        b"".join(gzip_chunks([data], threads=count)) for count in (1, 2, 9)
    )
    assert one == two == many


def test_the_members_of_a_gzip_have_neither_time_nor_name() -> None:
    data = b"".join(compressed([_mixed(2_500_000)], "gz"))
    members = 0
    while data:
        assert data[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
        decoder = zlib.decompressobj(31)
        decoder.decompress(data)
        assert decoder.eof
        data = decoder.unused_data
        members += 1
    assert members == 3


@pytest.mark.parametrize("level", [0, 6])
def test_zlib_stands_in_for_libdeflate(
    monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    data = _mixed(300_000)
    monkeypatch.setattr(libdeflate, "_HERE", False)
    member = libdeflate.gzip_member(data, level)
    assert member[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert gzip.decompress(member) == data
    assert (len(member) > len(data)) is (level == 0)


def test_a_gzip_is_about_as_small_as_that_of_zlib() -> None:
    source = Path(pytest.__file__).parents[1] / "_pytest"
    files = sorted(source.glob("*.py"))
    data = b"".join(file.read_bytes() for file in files)
    packed = b"".join(compressed([data], "gz"))
    assert len(packed) < 1.01 * len(zlib.compress(data, 6))


@pytest.mark.parametrize("is_here", [libdeflate._HERE, False])
def test_noise_hardly_grows_and_what_it_hides_is_still_compressed(
    monkeypatch: pytest.MonkeyPatch, *, is_here: bool
) -> None:
    monkeypatch.setattr(libdeflate, "_HERE", is_here)
    noise = os.urandom(1 << 20)
    assert len(b"".join(compressed([noise], "gz"))) < 1.001 * len(noise)
    with_text = noise[: 1 << 17] + TAR * 30 + noise[1 << 17 :]
    packed = b"".join(compressed([with_text], "gz"))
    assert len(packed) < 1.01 * len(noise)


def test_files_of_noise_are_stored_as_their_headers_are_not_worth_it() -> None:
    data = b"".join(TAR[:512] + os.urandom(100_000) + bytes(352) for _ in range(40))
    packed = b"".join(compressed([data], "gz"))
    # 400 bytes here and there would go; what is stored has its length.
    assert len(data) < len(packed) < 1.001 * len(data)


def test_a_writer_that_is_given_up_leaves_no_threads() -> None:
    before = threading.active_count()
    chunks = gzip_chunks([_mixed(2_000_000)])
    next(chunks)
    next(chunks)
    chunks.close()
    assert threading.active_count() == before


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(ValueError, match="found 'zip'"):
        compressed([b""], cast("Compression", "zip"))
