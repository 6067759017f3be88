"""The one reader of tar archives: bytes in, checked members out.

Accepts and refuses what Tar.jl does (Tar.jl extract.jl:397-700): ustar and older
headers, pax records for path, linkpath and size, GNU's long names, sizes in base 256;
no devices, no sparse files, no other types. End-of-archive blocks may be missing, and
what follows them is read and ignored.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.header import BLOCK, LARGEST_SIZE, OCTAL, header_sum
from fetch_artifacts.tar.member import make_member, printable, refusal
from fetch_artifacts.tar.pax import SPARSE, pax_size, read_pax

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.tar.member import Buffer, Member

    # path, kind, mode, size, link, sparse
    Header: TypeAlias = tuple[bytes, str, int, int, bytes, bool]

_ZEROS: Final = bytes(BLOCK)

# name, mode, size, checksum, type flag, link name, version, prefix
_FIELDS: Final = struct.Struct("100s8s16x12s12x8sc100s6x2s80x155s12x")

_FILE: Final = "file"
_PAX: Final = "pax header"
_PAX_GLOBAL: Final = "global pax header"
_LONG_PATH: Final = "GNU long path"
_LONG_LINK: Final = "GNU long link"
_KINDS: Final = {
    b"0": _FILE,
    b"\0": _FILE,
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "character device",
    b"4": "block device",
    b"5": "directory",
    b"6": "FIFO",
    b"S": "sparse file, as tar's -S stores it: pack it without",
    b"L": _LONG_PATH,
    b"K": _LONG_LINK,
    b"g": _PAX_GLOBAL,
    b"x": _PAX,
}
_GNU_LONG: Final = frozenset({_LONG_PATH, _LONG_LINK})
_EXTENSIONS: Final = _GNU_LONG | {_PAX, _PAX_GLOBAL}
_GNU_NAME: Final = b"././@LongLink"

_USUAL_VERSIONS: Final = frozenset({b"00", b" \0"})  # POSIX, GNU
_VERSION: Final = re.compile(rb"0* *$")
_LARGEST_MODE: Final = 0xFFFF
_LONGEST_NAME: Final = 1 << 20
_MOST_SPARE: Final = 1 << 28  # in extended headers, and after the end
# What any number of members may have without being charged: a long path and a long link
# by GNU, a pax header with times; each with its content.
_USUAL_EXTENSIONS: Final = 3
_USUAL_EXTENSION: Final = 4096
_LONGEST_PAX: Final = 2**31 - 1  # extract.jl:510


def read_members(chunks: Iterable[bytes]) -> Iterator[Member]:
    """Give the members of an uncompressed tar archive, in its order.

    A member's `pieces` must be read before the next member is asked for; what is left
    of them is skipped.

    Raises:
        UnpackError: The bytes are not a tar archive, are cut short, or a member is not
            allowed.
    """
    source = _Source(chunks)
    global_records: dict[bytes, bytes] = {}
    while (header := _read_header(source, global_records)) is not None:
        path, kind, mode, size, link, sparse = header
        pieces = source.content(size, path)
        member = make_member(path, kind, mode, size, link, pieces)
        yield member._replace(sparse=True) if sparse else member
        for _ in pieces:  # nothing is left, unless the reader didn't want it
            pass


class _Source:
    """The archive's bytes, handed out without copying more than headers."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._view = memoryview(b"")
        self._position = 0
        self._before = 0  # bytes of the archive before the buffer
        self._spare = 0  # bytes that make no member

    @property
    def offset(self) -> int:
        return self._before + self._position

    def block(self) -> bytes | None:
        """The next 512 bytes, None at the end of the archive."""
        start = self._position
        block = self._buffer[start : start + BLOCK]
        if len(block) == BLOCK:
            self._position += BLOCK
            return block
        if not block and not self._next_chunk():
            return None
        return b"".join(self._stream(BLOCK, "a header"))

    def content(self, size: int, path: bytes) -> Iterable[Buffer]:
        """The content that follows a header, in pieces; the padding is skipped."""
        if not size:
            return ()
        start = self._position
        stop = start + size + -size % BLOCK
        if stop <= len(self._buffer):
            self._position = stop
            return (self._view[start : start + size],)
        return self._stream(size, printable(path))

    def spend(self, size: int, path: bytes = b"") -> None:
        """Charge bytes that make no member.

        Raises:
            UnpackError: There are more of them than any real archive has.
        """
        self._spare += size
        if self._spare > _MOST_SPARE:
            where = f"before its member {printable(path)}" if path else "after its end"
            msg = (
                f"the archive has more than {_MOST_SPARE >> 20} MiB that make no "
                f"member, the last of them {where}; have it made again, or use "
                "another source"
            )
            raise UnpackError(msg)

    def drain(self) -> None:
        """Read what follows the end of the archive."""
        for chunk in self._chunks:
            self.spend(len(chunk))

    def _stream(self, size: int, what: str) -> Iterator[memoryview]:
        yield from self._take(size, what)
        for _ in self._take(-size % BLOCK, what):
            pass

    def _take(self, size: int, what: str) -> Iterator[memoryview]:
        while size:
            start = self._position
            piece = self._view[start : start + size]
            if piece:
                size -= len(piece)
                self._position += len(piece)
                yield piece
            elif not self._next_chunk():
                msg = (
                    f"the archive is cut short: it ends after {self.offset} bytes, "
                    f"in the middle of {what}; download or make it again"
                )
                raise UnpackError(msg)

    def _next_chunk(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._before += len(self._buffer)
                self._buffer, self._view, self._position = chunk, memoryview(chunk), 0
                return True
        return False


def _read_header(source: _Source, global_records: dict[bytes, bytes]) -> Header | None:
    """The next member's header with its extended headers; None at the end."""
    records = dict(global_records)
    extension = ""
    extensions = 0
    while (block := source.block()) is not None and block != _ZEROS:
        try:
            header = _parse_block(block)
        except ValueError as error:
            msg = (
                f"expected a tar header at byte {source.offset - BLOCK}, found "
                f"{block[:16]!r}...: {error}; the archive is damaged, or not a tar"
            )
            raise UnpackError(msg) from None
        path, extension, _, size, _, _ = header
        if extension not in _EXTENSIONS:
            return _extended(header, records) if records else header
        found = _read_extension(source, extension, size, path)
        extensions += 1
        free = _USUAL_EXTENSION if extensions <= _USUAL_EXTENSIONS else 0
        source.spend(max(BLOCK + size + -size % BLOCK - free, 0), path)
        if extension == _PAX_GLOBAL:
            global_records.update(found)
        records.update(found)
    if extension:
        msg = f"the archive is cut short: it ends after a {extension}"
        raise UnpackError(msg)
    source.drain()
    return None


def _extended(header: Header, records: dict[bytes, bytes]) -> Header:
    """A header with what extended headers said."""
    path, kind, mode, size, link, _ = header
    path = records.get(b"path", path)
    if b"size" in records:
        size = pax_size(records[b"size"], path)
    link = records.get(b"linkpath", link)
    return path, kind, mode, size, link, SPARSE in records


def _parse_block(block: bytes) -> Header:
    """Read the fields of one header block; ValueError where it is none."""
    name, mode, size, checksum, flag, link, version, prefix = _FIELDS.unpack(block)
    if version not in _USUAL_VERSIONS and not _VERSION.match(_text(version)):
        raise ValueError(f"version is {version!r}")
    if _octal(checksum, "checksum") != header_sum(block):
        raise ValueError(f"checksum is {checksum!r}, expected {header_sum(block):o}")
    bits = _octal(mode, "mode")
    if bits > _LARGEST_MODE:
        raise ValueError(f"mode is {mode!r}")
    length = _base_256(size) if size[0] & 0x80 else _octal(size, "size")
    path = _text(name)
    if prefix[0]:
        path = _text(prefix) + b"/" + path
    kind = _KINDS.get(flag, "")
    if not kind or (kind in _GNU_LONG and path != _GNU_NAME):
        kind = f"type {flag!r}"
    return path, kind, bits, length, _text(link) if link[0] else b"", False


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes, name: str) -> int:
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit():  # less usual: spaces before, or something after the digits
        match = OCTAL.match(field)
        if not match:
            raise ValueError(f"{name} is {field!r}")
        digits = match[1]
    return int(digits, 8)


def _base_256(field: bytes) -> int:
    # extract.jl:663: the first byte is the mark and nothing else
    size = int.from_bytes(field[1:], "big")
    if field[0] != 0x80 or size > LARGEST_SIZE:
        raise ValueError(f"size is {field!r}")
    return size


def _read_extension(
    source: _Source, kind: str, size: int, path: bytes
) -> dict[bytes, bytes]:
    """The records of one extended header."""
    is_name = kind in _GNU_LONG
    if size > (_LONGEST_NAME if is_name else _LONGEST_PAX):
        limit = "1 MiB" if is_name else "2 GiB"
        raise refusal(path, f"{kind} of {size} bytes, expected at most {limit}")
    content = source.content(size, path)
    if not is_name:
        return read_pax(content, size)
    name = b"".join(content)
    if not name.endswith(b"\0"):
        raise refusal(name, f"{kind} does not end in a NUL byte")
    return {b"path" if kind == _LONG_PATH else b"linkpath": name[:-1]}
