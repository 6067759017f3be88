"""How many columns of a terminal a text takes, and text made to fit some."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def columns_of(text: str) -> int:
    """The columns that a text takes, by the standard's widths of East Asian characters.

    Chinese, Japanese and Korean characters and most emoji take two (Unicode Standard
    Annex 11), an accent that joins the character before it none.

    Args:
        text: Printable text.
    """
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # its tables take longer to load than most commands

    return max(0, wcswidth(text))


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
    line = ""
    for char in text:
        if line and columns_of(line + char) > columns:
            yield line
            line = ""
        line += char
    yield line
