"""What the environment says of a terminal: colour, progress and completion."""

from __future__ import annotations

import os
from typing import Final

from fetch_artifacts.errors import SettingsError

COMPLETION: Final = "_FETCH_ARTIFACTS_COMPLETE"
"""Where a shell says what it wants completed; click makes it of the program's name."""


def wants_colour(*, is_terminal: bool) -> bool:
    """Whether to colour what is shown.

    NO_COLOR forbids it, FORCE_COLOR asks for it where there is no terminal, whatever
    their value is unless it is empty (https://no-color.org, https://force-color.org).
    A dumb terminal gets none unless FORCE_COLOR asks for it.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (is_terminal and not is_dumb())


def is_dumb() -> bool:
    """Whether the terminal understands no escape sequences: TERM is "dumb"."""
    return os.environ.get("TERM") == "dumb"


def wants_progress() -> bool | None:
    """What FETCH_ARTIFACTS_PROGRESS says: True for on, False for off, None for nothing.

    Raises:
        SettingsError: It says something else.
    """
    value = os.environ.get("FETCH_ARTIFACTS_PROGRESS", "")
    known = {"": None, "on": True, "1": True, "off": False, "0": False}
    if value.lower() not in known:
        msg = f"FETCH_ARTIFACTS_PROGRESS: expected on or off, found {value!r}"
        raise SettingsError(msg)
    return known[value.lower()]


def wants_completion() -> bool:
    """Whether a shell started the command for what could be typed next."""
    return COMPLETION in os.environ
