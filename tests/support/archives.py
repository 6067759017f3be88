"""Makers of tar archives, block by block, and a listing of what came out of them.

Python's tarfile refuses to make most of what has to be refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from pathlib import Path

END = bytes(1024)


def header(
    path: bytes,
    flag: bytes = b"0",
    *,
    mode: int = 0o644,
    size: int = 0,
    link: bytes = b"",
    prefix: bytes = b"",
    version: bytes = b"00",
    size_field: bytes = b"",
) -> bytes:
    """A header block with a right checksum."""
    block = bytearray(512)
    block[: len(path)] = path
    block[100:108] = b"%07o\0" % mode
    block[124:136] = size_field or b"%011o\0" % size
    block[148:156] = b" " * 8
    block[156:157] = flag
    block[157 : 157 + len(link)] = link
    block[257:265] = b"ustar\0" + version
    block[345 : 345 + len(prefix)] = prefix
    assert len(block) == 512
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def file(path: bytes, data: bytes = b"", mode: int = 0o644) -> bytes:
    return header(path, mode=mode, size=len(data)) + padded(data)


def folder(path: bytes) -> bytes:
    return header(path, b"5", mode=0o755)


def symlink(path: bytes, target: bytes) -> bytes:
    return header(path, b"2", mode=0o777, link=target)


def hardlink(path: bytes, target: bytes, mode: int = 0o644) -> bytes:
    return header(path, b"1", mode=mode, link=target)


def pax(*records: tuple[bytes, bytes], flag: bytes = b"x") -> bytes:
    """An extended header for the next member; with flag ``g`` for all later ones."""
    payload = b"".join(map(_pax_record, records))
    return header(b"pax", flag, size=len(payload)) + padded(payload)


def _pax_record(record: tuple[bytes, bytes]) -> bytes:
    entry = b" %b=%b\n" % record
    length = len(entry) + 1
    while length != len(entry) + len(str(length)):
        length = len(entry) + len(str(length))
    return b"%d%b" % (length, entry)


def zstd_frame(data: bytes, window: bytes) -> bytes:
    """A frame of one raw block, whose header asks for a window: 0x88 is 128 MiB."""
    size = (len(data) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x00" + window + size + data


def gnu_long(flag: bytes, name: bytes) -> bytes:
    """GNU's header for a long path (``L``) or a long link target (``K``)."""
    return header(b"././@LongLink", flag, size=len(name)) + padded(name)


def listing(root: Path) -> list[str]:
    """All that is in a folder, as the recorded answers spell it."""
    lines = []
    for path in root.rglob("*"):
        status = path.lstat()
        name = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
        mode = f"{stat.S_IMODE(status.st_mode):o}"
        if stat.S_ISLNK(status.st_mode):
            lines.append(f"l {name} -> {path.readlink()}")
        elif stat.S_ISDIR(status.st_mode):
            lines.append(f"d {mode} {name}")
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"f {mode} {name} {digest}")
    return sorted(lines)


def modes(root: Path) -> dict[str, int]:
    """The modes of all files and folders in a folder."""
    return {
        path.relative_to(root).as_posix(): stat.S_IMODE(path.lstat().st_mode)
        for path in root.rglob("*")
    }


def unpack_with_tarfile(archive: Path, folder: Path) -> None:
    """Unpack as Python's own tarfile does, all of it, on every Python."""
    with tarfile.open(archive) as members:
        # Python 3.10.12 and 3.11.4 brought filters, and 3.12 warns where none is set.
        if trusted := getattr(tarfile, "fully_trusted_filter", None):
            members.extraction_filter = trusted
        members.extractall(folder)
