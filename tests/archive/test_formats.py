"""Each kind of archive is one row: a new compression needs nothing else."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from fetch_artifacts.archive.codecs.codec import Decoding
from fetch_artifacts.archive.formats import (
    FORMATS,
    ArchiveKind,
    Compression,
    Format,
    compressions,
    julia_trouble,
)
from fetch_artifacts.archive.kind import sniff
from fetch_artifacts.archive.tree import read_archive_file
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.archive.writer import (
    archive_directory,
    choose_compression,
    usual_ending,
)
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.archives import listing

MAGIC = b"ROT13:"


class Rot13Error(Exception):
    """The data has another form."""


class Rot13:
    """A decoder of a toy: letters are swapped, and a byte 0xFF is the end."""

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._held = b""
        self._seen_magic = False

    @property
    def needs_input(self) -> bool:
        return not self._held

    def decompress(self, data: bytes | memoryview, /, max_length: int) -> bytes:
        held = self._held + bytes(data)
        if not self._seen_magic:
            if len(held) < len(MAGIC):
                self._held = held
                return b""
            if not held.startswith(MAGIC):
                raise Rot13Error("no magic bytes")
            held, self._seen_magic = held[len(MAGIC) :], True
        content, stop, rest = held[:max_length].partition(b"\xff")
        if stop:
            self.eof, self.unused_data, self._held = True, rest + held[max_length:], b""
        else:
            self._held = held[max_length:]
        return swapped(content)


def swapped(data: bytes) -> bytes:
    text = data.decode("latin-1")
    return codecs.encode(text, "rot13").encode("latin-1")


def rot13_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield MAGIC
    yield from map(swapped, chunks)
    yield b"\xff"


@pytest.fixture
def rot13(monkeypatch: pytest.MonkeyPatch) -> Compression:
    row = Format(
        name="rot13",
        magic=(MAGIC,),
        endings=(".rot", ".trot"),
        julia=(99, 1),
        decoding=lambda _max_window: Decoding(decoder=Rot13, errors=(Rot13Error,)),
        encode=rot13_chunks,
    )
    monkeypatch.setitem(cast("dict[str, Any]", FORMATS), "rot", row)
    return cast("Compression", "rot")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "hello").write_text("Hello\n" * 300_000)
    (folder / "link").symlink_to("sub/hello")
    return folder


def test_one_row_is_all_that_a_new_compression_needs(
    rot13: Compression, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"tree{usual_ending(rot13)}"
    unpacked_to = tmp_path / "unpacked"
    unpacked_to.mkdir()

    chosen = choose_compression(path)
    archive_directory(source, path, chosen)
    data = path.read_bytes()
    unpacked = unpack_archive([data], unpacked_to)

    assert path.name == "tree.tar.rot"
    assert chosen == sniff(data[:512]) == unpacked.kind == rot13
    assert b"Uryyb" in data
    assert listing(unpacked_to) == listing(source)
    assert unpacked.tree_hash == hash_directory(source)
    assert read_archive_file(path).tree_hash == hash_directory(source)
    assert julia_trouble(rot13) == "only Julia 99.1 and later can unpack rot13"


@pytest.mark.parametrize(
    ("damaged", "fault"),
    [
        (lambda data: data[:-1], "the rot13 data is cut short"),
        (lambda data: data + b"x" * 6, "the rot13 data is damaged .no magic bytes."),
    ],
)
def test_the_errors_of_a_new_compression_bear_its_name(
    rot13: Compression, source: Path, tmp_path: Path, damaged: Any, fault: str
) -> None:
    path = tmp_path / "tree.trot"
    (tmp_path / "unpacked").mkdir()
    archive_directory(source, path, rot13)
    with pytest.raises(UnpackError, match=fault):
        unpack_archive([damaged(path.read_bytes())], tmp_path / "unpacked")


def test_every_message_lists_a_new_compression(rot13: Compression) -> None:
    with pytest.raises(UnpackError, match="gzip, xz, bzip2, zstd or rot13, found"):
        sniff(b"something")


def test_the_types_name_each_row() -> None:
    assert compressions() == get_args(Compression)
    assert sorted(FORMATS) == sorted(get_args(ArchiveKind))
