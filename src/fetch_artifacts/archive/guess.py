"""Recognise what was taken for an archive but is none, and say what to do about it.

People bind web pages, pointers and single files instead of an archive, and servers
send error pages with status 200.
"""

from __future__ import annotations

import re
from typing import Final

ADDRESS: Final = "check the address, and whether it needs a login"
"""What to do about a web page or the like; a file on this machine has no address."""

_PACK: Final = "pack the files as .tar.gz, which `fetch-artifacts create` makes"
_SINGLE: Final = "put it into a folder, and archive that with `fetch-artifacts create`"
_POINTER: Final = "give the address of the file itself, not of the pointer"
_DRIVE: Final = (
    "add &confirm=t to the address, or publish the file where nobody has to confirm"
)

UNKNOWN: Final = "something else"
"""What `guess` calls bytes that it does not recognise."""

# The letters of a text may be of either case.
_BEGINNINGS: Final = (
    (b"<!doctype html", "an HTML page, perhaps a login form or an error", ADDRESS),
    (b"<html", "an HTML page, perhaps a login form or an error", ADDRESS),
    (b"<?xml", "an XML document, perhaps an error", ADDRESS),
    (b"{", "a JSON document, perhaps an error", ADDRESS),
    (b"version https://git-lfs", "a Git LFS pointer instead of the file", _POINTER),
    (b"\x1f\x9d", "compress (.Z) data", _PACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _PACK),
    (b"Rar!", "a RAR archive", _PACK),
    (b"LZIP", "lzip data", _PACK),
    (b"\x04\x22\x4d\x18", "lz4 data", _PACK),
    (b"\x89LZO", "lzop data", _PACK),
    (b"07070", "a cpio archive", _PACK),
    (b"!<arch>\n", "an ar archive, such as a Debian package", _PACK),
    (b"\xed\xab\xee\xdb", "an RPM package", _PACK),
    (b"MSCF", "a CAB archive", _PACK),
    (b"\x89HDF\r\n", "an HDF5 file", _SINGLE),
    (b"CDF\x01", "a netCDF file", _SINGLE),
    (b"CDF\x02", "a netCDF file", _SINGLE),
    (b"PAR1", "a Parquet file", _SINGLE),
    (b"\x93NUMPY", "a NumPy array", _SINGLE),
    (b"SQLite format 3\0", "an SQLite database", _SINGLE),
    (b"SIMPLE  =", "a FITS file", _SINGLE),
    (b"%PDF-", "a PDF file", _SINGLE),
    (b"\x89PNG", "a PNG image", _SINGLE),
    (b"\xff\xd8\xff", "a JPEG image", _SINGLE),
    (b"\x7fELF", "an ELF program or library", _SINGLE),
    (b"MZ", "a Windows program", _SINGLE),
)
_XML_ERROR: Final = re.compile(rb"<Error>\s*<Code>(\w+)</Code>", re.IGNORECASE)
_TOML_LINE: Final = re.compile(rb"^[\w.\"'-]+[ \t]*=", re.MULTILINE)
_LONGEST_CHARACTER: Final = 4  # bytes of UTF-8


def guess(head: bytes) -> tuple[str, str]:
    """Say what bytes that are no archive look like, and what to do.

    Args:
        head: The first few hundred bytes, or all there are.
    """
    start = head.lstrip().lower()
    if b"google drive" in start:
        return "a Google Drive page instead of the file", _DRIVE
    if error := _XML_ERROR.search(head):
        return f"an XML document that says {error[1].decode()}", ADDRESS
    for beginning, what, todo in _BEGINNINGS:
        if start.startswith(beginning.lower()):
            return what, todo
    if start.startswith(b"["):
        is_toml = _TOML_LINE.search(head)
        return ("a TOML file", _SINGLE) if is_toml else ("a JSON document", ADDRESS)
    if _is_text(head):
        what = "a CSV table" if _is_table(head) else "a text file"
        return what, _SINGLE
    return UNKNOWN, f"check where it comes from; if it is a single file, {_SINGLE}"


def _is_text(head: bytes) -> bool:
    for cut in range(_LONGEST_CHARACTER):  # the last character may be cut through
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return all(char.isprintable() or char.isspace() for char in text)
    return False


def _is_table(head: bytes) -> bool:
    """Whether the first two lines have as many cells, and more than one."""
    lines = head.splitlines()[:2]
    if len(lines) < 2:
        return False
    return any(
        lines[0].count(mark) and lines[0].count(mark) == lines[1].count(mark)
        for mark in (b",", b"\t", b";")
    )
