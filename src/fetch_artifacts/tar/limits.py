"""How much an archive may cost before it is refused: disk, memory and members.

The bounds count what arrives while it arrives, so they hold before any hash is known.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fetch_artifacts.settings.environment import Settings

FOLDER_BYTES: Final = 4096
"""What a folder occupies on most disks."""

_INLINE_LINK: Final = 59  # bytes; ext4 stores longer targets in a block
_BLOCK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """How much an archive may unpack to; a bomb is refused when it gets there.

    Attributes:
        max_size: Bytes that all files, links and folders occupy together.
        max_members: Files, links and folders together, those that are replaced too.
        max_names: Bytes of memory for names, link targets and folders.
        max_window: Bytes of memory that decompressing may need.
        room: Bytes that the disk has room for, None where that is not known. What does
            not fit is not begun.
    """

    max_size: int = 1 << 40
    max_members: int = 10_000_000
    max_names: int = 54 << 20
    max_window: int = 128 << 20
    room: int | None = None

    @classmethod
    def of(cls, settings: Settings, *, room: int | None = None) -> UnpackLimits:
        """The limits that a user has set."""
        return cls(
            max_size=settings.max_size,
            max_members=settings.max_members,
            max_names=settings.max_names,
            max_window=settings.max_window,
            room=room,
        )


DEFAULT_LIMITS: Final = UnpackLimits()
NO_LIMITS: Final = UnpackLimits(
    max_size=sys.maxsize, max_members=sys.maxsize, max_names=sys.maxsize
)
"""For what is no archive from elsewhere, but a folder of the user's own."""


def link_bytes(target: bytes) -> int:
    """What a symbolic link occupies on most disks, in bytes."""
    return 0 if len(target) <= _INLINE_LINK else -(-len(target) // _BLOCK) * _BLOCK
