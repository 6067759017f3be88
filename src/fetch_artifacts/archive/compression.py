"""Plain bytes to compressed ones, as streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.archive.formats import FORMATS, compressions
from fetch_artifacts.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.archive.formats import Compression


def compressed(chunks: Iterable[bytes], kind: Compression | None) -> Iterator[bytes]:
    """Give compressed data; the same data gives the same bytes.

    Args:
        chunks: The data, in pieces of any size.
        kind: The compression; None: the data as it is.

    Raises:
        ArgumentError: There is no such compression.
    """
    if kind is None:
        return iter(chunks)
    row = FORMATS.get(kind)
    if row is None or row.encode is None:
        known = ", ".join(map(repr, compressions()))
        msg = f"compression: expected {known} or None, found {kind!r}"
        raise ArgumentError(msg)
    return row.encode(chunks)
