"""What kind of archive some bytes are, whatever their name or URL says."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from fetch_artifacts.archive.formats import FORMATS, compressions
from fetch_artifacts.archive.guess import ADDRESS, UNKNOWN, guess
from fetch_artifacts.errors import NotAnArchiveError
from fetch_artifacts.tar.header import has_checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.errors import UnpackError

HEAD_BYTES: Final = 512
"""How many bytes of an archive `sniff` wants to see."""

_ZEROS: Final = bytes(HEAD_BYTES)


def sniff(head: bytes) -> ArchiveKind:
    """Give the kind of an archive by its first bytes.

    Args:
        head: The first `HEAD_BYTES` bytes, or all there are.

    Raises:
        NotAnArchiveError: They are not an archive; the message says what they
            look like.
    """
    for kind, row in FORMATS.items():
        if head.startswith(row.magic):
            return kind
    if _is_tar(head):
        return "tar"
    if _is_lzma(head):
        return "lzma"
    raise no_archive(head)


def no_archive(head: bytes, container: str = "") -> NotAnArchiveError:
    """The error that says what was found in place of an archive, and what to do.

    Args:
        head: Its first bytes.
        container: The compression that it was in, "" where in none.
    """
    *names, last = [FORMATS[kind].name for kind in compressions()]
    what, todo = guess(head) if head else ("nothing at all", ADDRESS)
    if container:
        inner = [row.name for row in FORMATS.values() if head.startswith(row.magic)]
        what = f" ({what})" if what != UNKNOWN else ""
        what = f"{inner[0]} data" if inner else f"a single file{what}"
        found = f"{container} data that hold no tar archive but, it seems, {what}"
    else:
        found = what
    starting = f", starting with {head[:40]!r}" if head else ""
    fact = (
        f"expected a tar archive compressed with {', '.join(names)} or {last}, found "
        f"{found}{starting}"
    )
    return NotAnArchiveError(fact, found=found, todo=todo)


def of_file(error: UnpackError) -> UnpackError:
    """The same error for a file on this machine, which has no address to check."""
    if not isinstance(error, NotAnArchiveError) or error.todo != ADDRESS:
        return error
    todo = "check which file it is"
    return NotAnArchiveError(error.fact, found=error.found, todo=todo)


def peek(chunks: Iterable[bytes]) -> tuple[ArchiveKind, Iterator[bytes]]:
    """Give the kind of an archive, and all of its chunks.

    Raises:
        NotAnArchiveError: It is not an archive.
    """
    head, chunks = _with_head(chunks)
    return sniff(head), chunks


def require_tar(kind: ArchiveKind, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the chunks of a tar archive; make sure that they are one.

    Args:
        kind: What the archive is as a whole.
        chunks: The same, decompressed.

    Raises:
        NotAnArchiveError: They are something else, a single file say.
    """
    head, chunks = _with_head(chunks)
    if kind != "tar":
        # Tar.jl takes what begins with zeros for an empty archive, whatever follows.
        if head and not _is_tar(head):
            raise no_archive(head, FORMATS[kind].name)
        yield from chunks
    elif head == _ZEROS:  # a block of them is an end, and more of them may follow
        yield from _only_zeros(chunks)
    else:
        yield from chunks


def _with_head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first `HEAD_BYTES` of some chunks, and all of the chunks."""
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head[:HEAD_BYTES], itertools.chain((head,), source)


def _only_zeros(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        rest = chunk.lstrip(b"\0")
        if rest:
            found, todo = "zeros and then other data", "check where it comes from"
            fact = f"expected an archive, found {found}, starting with {rest[:40]!r}"
            raise NotAnArchiveError(fact, found=found, todo=todo)
        yield chunk


def _is_tar(head: bytes) -> bool:
    if len(head) < HEAD_BYTES:
        return False
    return head[257:262] == b"ustar" or head == _ZEROS or has_checksum(head)


def _is_lzma(head: bytes) -> bool:
    """Whether this is a header of the old .lzma format, which has no magic bytes."""
    if len(head) < 13:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    size = int.from_bytes(head[5:13], "little")
    # liblzma's test: 2^n or 2^n + 2^(n-1), and a size below 256 GiB where it is known
    whole = dictionary in {1 << n for n in range(33)} | {3 << n for n in range(31)}
    return head[0] < 225 and whole and (size < 1 << 38 or size == (1 << 64) - 1)
