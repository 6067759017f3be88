"""The headers of tar archives, as Tar.jl writes them (Tar.jl create.jl:120-290)."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK: Final = 512
LARGEST_SIZE: Final = 2**63 - 1
"""The largest size of a file that Julia can express, in bytes."""

TypeFlag: TypeAlias = Literal[b"0", b"2", b"5"]

REGULAR: Final = b"0"
SYMLINK: Final = b"2"
DIRECTORY: Final = b"5"
_PAX: Final = b"x"

OCTAL: Final = re.compile(rb" *([0-7]+)(?:[ \0]|\Z)")
"""A number in a header: spaces, octal digits, and a space, a NUL or the field's end."""

_CHECKSUM: Final = 148, 156  # where it is in a header
_NAME_BYTES: Final = 100
_PREFIX_BYTES: Final = 155
_LINK_BYTES: Final = 100
# The size field has 12 bytes: 11 octal digits and a space, then 12, then base 256.
_ELEVEN_DIGITS: Final = 8**11
_TWELVE_DIGITS: Final = 8**12


def tar_header(
    path: bytes, flag: TypeFlag, mode: int, size: int = 0, link: bytes = b""
) -> bytes:
    """Give the header of a member, with a pax header before it where it needs one.

    Args:
        path: The path, with slashes and without any at the end.
        flag: What the member is.
        mode: Its mode.
        size: The length of its content.
        link: The target of a symbolic link.
    """
    records = []  # in the order of their keys
    if len(link) > _LINK_BYTES:
        records.append((b"linkpath", link))
        link = b""
    prefix, name = _split(path)
    if len(name) > _NAME_BYTES or len(prefix) > _PREFIX_BYTES:
        records.append((b"path", path))
        prefix = name = b""
    if size >= _TWELVE_DIGITS:
        records.append((b"size", b"%d" % size))
    block = _block(name, flag, mode, size, link, prefix)
    return _pax_header(records) + block if records else block


def folder_record(path: bytes) -> bytes:
    """The record of a folder, as ``create`` writes it."""
    return tar_header(path, DIRECTORY, 0o755)


def link_record(path: bytes, link: bytes) -> bytes:
    """The record of a symbolic link, as ``create`` writes it."""
    return tar_header(path, SYMLINK, 0o755, link=link)


def file_record(
    path: bytes, size: int, content: Iterable[bytes], *, executable: bool
) -> Iterator[bytes]:
    """The record of a file, as ``create`` writes it, in pieces.

    Args:
        path: Its path.
        size: The length of its content.
        content: Its content.
        executable: Whether it has an execute bit.
    """
    yield tar_header(path, REGULAR, 0o755 if executable else 0o644, size)
    yield from content
    yield padding(size)


def padding(size: int) -> bytes:
    """The NUL bytes after a content of `size` bytes."""
    return bytes(-size % BLOCK)


def header_sum(block: bytes) -> int:
    """The sum of a tar header's bytes, with spaces in place of the checksum."""
    # Adler-32's low half is the sum plus 1, modulo 65,521, which half a block stays
    # below; this is four times as fast as sum().
    first, second = zlib.adler32(block[:256]), zlib.adler32(block[256:])
    return (first & 0xFFFF) + (second & 0xFFFF) - 2 - sum(block[148:156]) + 8 * 0x20


def has_checksum(block: bytes) -> bool:
    """Whether the checksum of a tar header is right, however its digits are padded."""
    digits = OCTAL.match(block, *_CHECKSUM)
    return digits is not None and int(digits[1], 8) == header_sum(block)


def _split(path: bytes) -> tuple[bytes, bytes]:
    """The prefix and the name, as far as the fields hold a path."""
    if _NAME_BYTES < len(path) < 256:
        prefix, _, name = path[:_NAME_BYTES].rpartition(b"/")
        if prefix:
            return prefix, name + path[_NAME_BYTES:]
    return b"", path


def _pax_header(records: list[tuple[bytes, bytes]]) -> bytes:
    payload = b"".join(_pax_record(key, value) for key, value in records)
    header = _block(b"", _PAX, 0, len(payload), b"", b"")
    return header + payload + padding(len(payload))


def _pax_record(key: bytes, value: bytes) -> bytes:
    """A record begins with its own length in digits, which count as well."""
    entry = b" %b=%b\n" % (key, value)
    length = len(entry)
    while length < len(entry) + len(str(length)):
        length = len(entry) + len(str(length))
    return b"%d%b" % (length, entry)


def _block(
    name: bytes, flag: bytes, mode: int, size: int, link: bytes, prefix: bytes
) -> bytes:
    fields = (
        name.ljust(_NAME_BYTES, b"\0"),
        b"%06o \0" % mode,
        b"000000 \0" * 2,  # user, group
        _size_field(size),
        b"00000000000 ",  # time
        b" " * 8,  # checksum
        flag,
        link.ljust(_LINK_BYTES, b"\0"),
        b"ustar\x0000",
        bytes(64),  # names of user and group
        b"000000 \0" * 2,  # device
        prefix.ljust(_PREFIX_BYTES + 12, b"\0"),
    )
    block = b"".join(fields)
    return b"%b%06o\0 %b" % (block[:148], header_sum(block), block[156:])


def _size_field(size: int) -> bytes:
    if size < _ELEVEN_DIGITS:
        return b"%011o " % size
    if size < _TWELVE_DIGITS:
        return b"%012o" % size
    return b"\x80" + size.to_bytes(11, "big")
