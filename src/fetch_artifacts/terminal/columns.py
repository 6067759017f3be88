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
    return text[: _fitting(text, columns - 3)] + "..."


def folded(text: str, columns: int) -> list[str]:
    """Break a text between its words, and long words too, into lines that fit.

    Long words are broken behind ``/``, ``_`` or ``-`` if one is near the end of
    the line, so that the names in a path stay whole.
    """
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns_of(joined) <= columns:
            lines[-1] = joined
        elif columns_of(word) > columns:
            lines[-1:] = _pieces(joined, columns)
        else:
            lines.append(word)
    return lines


def _pieces(text: str, columns: int) -> Iterator[str]:
    while columns_of(text) > columns:
        end = _fitting(text, columns)
        behind = 1 + max(text.rfind(each, 0, end) for each in "/_-")
        end = behind if 2 * behind > end else end
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    yield text


def _fitting(text: str, columns: int) -> int:
    """How many characters fit, one at least."""
    end = 1
    while end < len(text) and columns_of(text[: end + 1]) <= columns:
        end += 1
    return end
