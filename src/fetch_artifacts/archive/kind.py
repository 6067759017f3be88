"""What kind of archive some bytes are; never told by a name or a URL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.formats import FORMATS, compressions
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.tar.header import header_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.archive.formats import ArchiveKind

HEAD_BYTES: Final = 512
"""How many bytes of an archive `sniff` wants to see."""

# What is often served in place of an archive, in lower case.
_OTHER: Final = (
    (b"<!doctype html", "an HTML page, perhaps for logging in or of an error"),
    (b"<html", "an HTML page, perhaps for logging in or of an error"),
    (b"<?xml", "an XML document, perhaps of an error"),
    (b"{", "a JSON text, perhaps of an error"),
    (b"version https://git-lfs", "a Git LFS pointer in place of the file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"rar!", "a RAR archive"),
)


def sniff(head: bytes) -> ArchiveKind:
    """Tell the kind of an archive by its first bytes.

    Args:
        head: The first `HEAD_BYTES` bytes, or all there are.

    Raises:
        UnpackError: They are no archive; the message says what they look like.
    """
    for kind, row in FORMATS.items():
        if head.startswith(row.magic):
            return kind
    if _is_tar(head):
        return "tar"
    if _is_lzma(head):
        return "lzma"
    start = head.lstrip().lower()
    guess = next((name for magic, name in _OTHER if start.startswith(magic)), "")
    found = guess or ("something else" if head else "nothing at all")
    *names, last = [FORMATS[kind].name for kind in compressions()]
    msg = (
        f"expected a tar archive compressed with {', '.join(names)} or {last}, found "
        f"{found}, starting with {head[:40]!r}; check where it comes from"
    )
    raise UnpackError(msg)


def peek(chunks: Iterable[bytes]) -> tuple[ArchiveKind, Iterator[bytes]]:
    """Tell the kind of an archive, and give all of its chunks.

    Raises:
        UnpackError: It is no archive.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return sniff(head[:HEAD_BYTES]), itertools.chain((head,), source)


def _is_tar(head: bytes) -> bool:
    if len(head) < HEAD_BYTES:
        return False
    if head[257:262] == b"ustar" or head == bytes(HEAD_BYTES):
        return True
    checksum = head[148:156].strip(b" \0")
    return checksum == b"%06o" % header_sum(head)


def _is_lzma(head: bytes) -> bool:
    """Whether this is a header of the old .lzma format, which has no magic bytes."""
    if len(head) < 13:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:13], "little")
    # liblzma's test: 2^n or 2^n + 2^(n-1), and a size below 256 GiB where it is known
    whole = dictionary in {1 << n for n in range(33)} | {3 << n for n in range(31)}
    return head[0] < 225 and whole and (size < 1 << 38 or size == (1 << 64) - 1)
