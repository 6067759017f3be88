"""How much an archive may cost before it is refused: disk, memory and members.

The bounds count what arrives while it arrives, so they hold before any hash is known.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from fetch_artifacts.settings.environment import (
    MAX_MEMBERS,
    MAX_NAMES,
    MAX_SIZE,
    MAX_WINDOW,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.settings.environment import Settings

FOLDER_BYTES: Final = 4096
"""What a folder occupies on most disks."""

_ONCE_PROVEN: Final = 16  # times the memory that an unproven archive may need
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
        prove: Reads to the archive's end, and says whether it has the sha256 that was
            promised; None where none was.
        room: Bytes that the disk has room for, None where that is not known. What does
            not fit is not begun.
    """

    max_size: int = MAX_SIZE
    max_members: int = MAX_MEMBERS
    max_names: int = MAX_NAMES
    max_window: int = MAX_WINDOW
    prove: Callable[[], bool] | None = None
    room: int | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        room: int | None = None,
        prove: Callable[[], bool] | None = None,
    ) -> UnpackLimits:
        """The limits that a user has set."""
        return cls(
            max_size=settings.max_size,
            max_members=settings.max_members,
            max_names=settings.max_names,
            max_window=settings.max_window,
            room=room,
            prove=prove,
        )

    def proven(self) -> UnpackLimits:
        """The limits, with more memory if the archive has the promised sha256."""
        if self.prove is None or not self.prove():
            return self
        return replace(
            self,
            max_names=_ONCE_PROVEN * self.max_names,
            max_window=_ONCE_PROVEN * self.max_window,
            prove=None,
        )

    def beside_window(self) -> UnpackLimits:
        """The limits where a window of the usual size takes a part of the memory."""
        window = min(self.max_window, DEFAULT_LIMITS.max_window)
        buffers = window // 8  # around it, those of zstd
        return replace(self, max_names=max(0, self.max_names - window - buffers))


DEFAULT_LIMITS: Final = UnpackLimits()
NO_LIMITS: Final = UnpackLimits(
    max_size=sys.maxsize, max_members=sys.maxsize, max_names=sys.maxsize
)
"""For a folder of the user's own, and for what Tar.jl does without limits."""


def link_bytes(target: bytes) -> int:
    """What a symbolic link occupies on most disks, in bytes."""
    return 0 if len(target) <= _INLINE_LINK else -(-len(target) // _BLOCK) * _BLOCK
