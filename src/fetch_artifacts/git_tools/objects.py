"""Hashes of git's two objects that make a tree: blobs and trees.

An object is hashed as ``kind + " " + decimal(len(body)) + NUL + body``. The body of a
tree is, entry after entry, ``mode + " " + name + NUL + digest``. Names and link targets
are bytes: nothing here asks whether they are text.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from hashlib import _Hash

    from fetch_artifacts.digests import Algorithm

    Buffer: TypeAlias = bytes | bytearray | memoryview

FILE: Final = b"100644"
EXECUTABLE: Final = b"100755"
LINK: Final = b"120000"
FOLDER: Final = b"40000"

TreeEntry: TypeAlias = tuple[bytes, bytes, bytes]
"""The mode, name and digest of one entry of a tree."""

DIGEST_SIZES: Final[dict[Algorithm, int]] = {"git-sha1": 20, "git-sha256": 32}

# Copying a fresh hash object is faster than making one by its constructor.
_FRESH: Final[dict[Algorithm, _Hash]] = {
    "git-sha1": hashlib.sha1(usedforsecurity=False),
    "git-sha256": hashlib.sha256(usedforsecurity=False),
}

# Julia counts a lead byte with as many continuation bytes as follow it, up to the
# number that it announces, as one character; any other byte is one for itself.
_JULIA_CHARACTER: Final = (
    rb"[\xc0-\xdf][\x80-\xbf]?"
    rb"|[\xe0-\xef][\x80-\xbf]{0,2}"
    rb"|[\xf0-\xf7][\x80-\xbf]{0,3}"
    rb"|."
)


def new_hash(algorithm: Algorithm) -> _Hash:
    """Give a fresh hash object, to be fed with ``update``."""
    return _FRESH[algorithm].copy()


def object_digest(kind: bytes, body: Buffer, algorithm: Algorithm) -> bytes:
    """Hash one git object of the given kind, ``b"blob"`` or ``b"tree"``."""
    hasher = new_hash(algorithm)
    hasher.update(b"%b %d\0" % (kind, len(body)))
    hasher.update(body)
    return hasher.digest()


def blob_digest(data: Buffer, algorithm: Algorithm) -> bytes:
    """Hash a file's content; of a link's target, this is the value git gives it."""
    return object_digest(b"blob", data, algorithm)


def blob_hasher(size: int, algorithm: Algorithm) -> _Hash:
    """Give a hash object that waits for the content of a file of `size` bytes."""
    hasher = new_hash(algorithm)
    hasher.update(b"blob %d\0" % size)
    return hasher


def link_digest(target: bytes, algorithm: Algorithm) -> bytes:
    """Hash a symbolic link as Julia's Pkg does.

    Pkg's header holds the number of characters of the target, where git's holds the
    number of bytes (Pkg.jl GitTools.jl:234). The two agree for targets in ASCII.
    """
    characters = len(target)
    if not target.isascii():
        characters = len(re.findall(_JULIA_CHARACTER, target, re.DOTALL))
    hasher = blob_hasher(characters, algorithm)
    hasher.update(target)
    return hasher.digest()


def sort_name(mode: bytes, name: bytes) -> bytes:
    """Give what git sorts an entry by: a folder's name counts with a slash at its end.

    A link to a folder is not a folder (Pkg.jl GitTools.jl:296, Tar.jl extract.jl:291).
    """
    return name + b"/" if mode == FOLDER else name


def tree_entry(mode: bytes, name: bytes, digest: bytes) -> bytes:
    """Serialise one entry of a tree."""
    return b"%b %b\0%b" % (mode, name, digest)


def tree_digest(entries: Iterable[TreeEntry], algorithm: Algorithm) -> bytes:
    """Hash a tree from its entries, which may come in any order.

    Empty folders, and any entries that a caller wants skipped, must be left out.
    """
    ordered = sorted(entries, key=lambda entry: sort_name(entry[0], entry[1]))
    body = b"".join([tree_entry(*entry) for entry in ordered])
    return object_digest(b"tree", body, algorithm)


def parse_tree(body: Buffer, algorithm: Algorithm) -> Iterator[TreeEntry]:
    """Give the entries of a serialised tree, in its order."""
    data = bytes(body)
    size = DIGEST_SIZES[algorithm]
    start = 0
    while start < len(data):
        end = data.index(b"\0", start) + 1
        mode, _, name = data[start : end - 1].partition(b" ")
        yield mode, name, data[end : end + size]
        start = end + size
