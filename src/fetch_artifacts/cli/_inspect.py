"""The commands that look at folders, archives and machines."""

from __future__ import annotations

from typing import Final

COMMANDS: Final = ()
