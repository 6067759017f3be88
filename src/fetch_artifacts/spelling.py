"""The known name that a misspelt name was probably meant to be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIKELY: Final = 0.84  # the likeness that one extra, missing or wrong letter leaves


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Give the one of these names that is most like a name; None if none is close."""
    import difflib

    close = difflib.get_close_matches(name, list(names), n=1)
    return close[0] if close else None


@lru_cache(maxsize=1024)
def misspelt(key: str, known: tuple[str, ...]) -> str | None:
    """Give the known key that a key is probably a misspelling of; None if none is.

    Args:
        key: The key, which is none of the known ones.
        known: The known keys, of lower-case letters and dashes.
    """
    import difflib

    text = key.lower().replace("_", "-")
    close = difflib.get_close_matches(text, known, n=1, cutoff=_LIKELY)
    return close[0] if close else None
