"""Text from elsewhere, made safe to show on a terminal.

A name in an Artifacts.toml, a Location header or a path can hold anything: an escape
sequence that clears the screen, a mark that reverses the text after it, a byte that is
not UTF-8, a character that the terminal's encoding lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def printable(text: str, stream: TextIO | None = None, *, keep: str = "") -> str:
    r"""Escape control characters, bidirectional marks and other invisible characters.

    Args:
        text: Any text.
        stream: Where it will be written; what its encoding lacks is escaped too.
        keep: Characters to leave as they are, such as ``"\n"``.

    Returns:
        The text with escapes as in a Python literal; a byte that is not UTF-8 is
        ``\xff``.
    """
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() or char in keep else escaped(char)
            for char in text
        )
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def escaped(char: str) -> str:
    """Spell a character as its escape in a Python literal."""
    if "\udc80" <= char <= "\udcff":  # how os.fsdecode gives what is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    if char > "\x7f":
        return char.encode("ascii", "backslashreplace").decode()
    return char.encode("unicode_escape").decode()
