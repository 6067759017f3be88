"""The fields of an ELF file that tell which platform it belongs to."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC: Final = b"\x7fELF"
_PT_INTERP: Final = 3


class _Layout(NamedTuple):
    """Formats and offsets of what is read from the header and the program headers."""

    word: str
    table_offset: int
    table_shape: int
    segment_offset: int
    segment_size: int


_LAYOUTS: Final = {1: _Layout("I", 28, 42, 4, 16), 2: _Layout("Q", 32, 54, 8, 32)}


def elf_target(path: Path) -> bytes:
    """Word size, byte order and machine, as they stand in the file; b"" if not ELF.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(20)
    return head[4:6] + head[18:20] if head.startswith(_MAGIC) else b""


def program_loader(path: Path) -> str:
    """The dynamic loader that a program asks for, "" where it asks for none.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(64)
        if not head.startswith(_MAGIC) or len(head) < 64 or head[4] not in _LAYOUTS:
            return ""
        layout, order = _LAYOUTS[head[4]], "<" if head[5] == 1 else ">"
        (start,) = struct.unpack_from(order + layout.word, head, layout.table_offset)
        size, count = struct.unpack_from(order + "HH", head, layout.table_shape)
        file.seek(start)
        table = file.read(size * count)
        try:
            for at in range(0, len(table), size or 1):
                if struct.unpack_from(order + "I", table, at) == (_PT_INTERP,):
                    word = order + layout.word
                    (offset,) = struct.unpack_from(
                        word, table, at + layout.segment_offset
                    )
                    (length,) = struct.unpack_from(
                        word, table, at + layout.segment_size
                    )
                    file.seek(offset)
                    return file.read(length).rstrip(b"\0").decode("utf-8", "replace")
        except struct.error:
            return ""  # cut short
    return ""
