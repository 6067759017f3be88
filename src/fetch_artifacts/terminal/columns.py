"""How many columns of a terminal a text takes, and text made to fit some."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EMOJI_STYLE = "\ufe0f"  # what is before it is drawn as an emoji, in two columns


def columns_of(text: str) -> int:
    """The columns that a text takes, by the standard's widths of East Asian characters.

    Chinese, Japanese and Korean characters and most emoji take two (Unicode Standard
    Annex 11), an accent that joins the character before it none.

    Args:
        text: Printable text.
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return int(char == _EMOJI_STYLE)
    return 2 if unicodedata.east_asian_width(char) in "FW" else 1


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text with spaces, before it if it is aligned to the right."""
    spaces = " " * (columns - columns_of(text))
    return spaces + text if right else text + spaces


def shortened(text: str, columns: int) -> str:
    """Cut a text that is too wide, and end it with three dots."""
    if columns_of(text) <= columns:
        return text
    return next(folded_word(text, max(0, columns - 3)), "") + "..."


def folded(text: str, columns: int) -> list[str]:
    """Break a text between its words, and long words too, into lines that fit."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns_of(joined) <= columns:
            lines[-1] = joined
        else:
            lines += folded_word(word, columns)
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def folded_word(text: str, columns: int) -> Iterator[str]:
    """Break a text anywhere into lines that fit; each has a character at least."""
    line, taken = "", 0
    for char in text:
        more = _columns(char)
        if line and taken + more > columns:
            yield line
            line, taken = "", 0
        line, taken = line + char, taken + more
    yield line
