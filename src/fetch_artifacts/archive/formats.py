"""The kinds of archives: one row for each.

To add a compression, write its codec, and add a row and its name here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from fetch_artifacts.archive.codecs.bzip2 import bzip2_chunks, bzip2_decoding
from fetch_artifacts.archive.codecs.gzip import gzip_chunks, gzip_decoding
from fetch_artifacts.archive.codecs.xz import lzma_decoding, xz_chunks, xz_decoding
from fetch_artifacts.archive.codecs.zstd import (
    MAGIC,
    SKIPPABLE,
    zstd_chunks,
    zstd_decoding,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fetch_artifacts.archive.codecs.codec import Decoding

Compression: TypeAlias = Literal["gz", "xz", "bz2", "zst"]
"""What archives can be compressed with when they are written."""

ArchiveKind: TypeAlias = Literal[Compression, "lzma", "tar", "zip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of archive.

    Attributes:
        name: What to call it in messages.
        magic: What its bytes may start with; `kind` recognises kinds that have none.
        endings: What the names of its files end in, the usual ending first.
        julia: The first Julia that can unpack it, None where no Julia can.
        decoding: Gives how to decompress it with at most so many bytes of memory for a
            window; None where it is not a compression.
        encode: Compresses data; None where it is not written.
        windowed: Whether decompressing takes megabytes of memory.
    """

    name: str
    magic: tuple[bytes, ...] = ()
    endings: tuple[str, ...]
    julia: tuple[int, int] | None
    decoding: Callable[[int], Decoding] | None = None
    encode: Callable[[Iterable[bytes]], Iterator[bytes]] | None = None
    windowed: bool = False


_FIRST_JULIA: Final = 1, 3  # the first with artifacts

FORMATS: Final[dict[ArchiveKind, Format]] = {
    "gz": Format(
        name="gzip",
        magic=(b"\x1f\x8b\x08",),
        endings=(".gz", ".tgz"),
        julia=_FIRST_JULIA,
        decoding=gzip_decoding,
        encode=gzip_chunks,
    ),
    "xz": Format(
        name="xz",
        magic=(b"\xfd7zXZ\0",),
        endings=(".xz", ".txz"),
        julia=_FIRST_JULIA,
        decoding=xz_decoding,
        encode=xz_chunks,
        windowed=True,
    ),
    "bz2": Format(
        name="bzip2",
        magic=(b"BZh",),
        endings=(".bz2", ".tbz", ".tbz2"),
        julia=_FIRST_JULIA,
        decoding=bzip2_decoding,
        encode=bzip2_chunks,
    ),
    "zst": Format(
        name="zstd",
        magic=(MAGIC, *SKIPPABLE),
        endings=(".zst", ".tzst"),
        julia=(1, 13),
        decoding=zstd_decoding,
        encode=zstd_chunks,
        windowed=True,
    ),
    "lzma": Format(
        name="lzma",
        endings=(".lzma",),
        julia=_FIRST_JULIA,
        decoding=lzma_decoding,
        windowed=True,
    ),
    "tar": Format(name="uncompressed tar", endings=(".tar",), julia=None),
    "zip": Format(
        name="zip",
        magic=(b"PK\x03\x04", b"PK\x05\x06"),  # the second: one without members
        endings=(".zip",),
        julia=None,
    ),
}


def compressions() -> tuple[Compression, ...]:
    """The kinds that a tar archive can be compressed to."""
    found = (kind for kind, row in FORMATS.items() if row.encode)
    return cast("tuple[Compression, ...]", tuple(found))


def julia_trouble(kind: ArchiveKind | None) -> str:
    """Say why Julia can't unpack archives of some kind, "" where every Julia can.

    Args:
        kind: The kind, or a compression; None is an uncompressed tar.
    """
    row = FORMATS[kind or "tar"]
    if row.julia is None:
        article = "an" if row.name[0] in "aeiou" else "a"
        return f"no Julia can unpack {article} {row.name} archive"
    if row.julia > _FIRST_JULIA:
        version = ".".join(map(str, row.julia))
        return f"only Julia {version} and later can unpack {row.name}"
    return ""
