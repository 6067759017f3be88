"""What a TOML text means to Julia, where that differs from what it means to tomli.

Julia's reader keeps to TOML 1.0, refuses some of it, and takes more than it in comments
and strings: control characters, bytes that are not UTF-8, a lone carriage return as a
line's end. Here the text is looked at before tomli reads it: what Julia refuses is
refused, and what tomli would refuse is replaced by characters that stand for it.
Everything stays at its place in the text. Julia: ``Base.TOML`` (toml_parser.jl).
"""

from __future__ import annotations

import re
from typing import Any, Final

from fetch_artifacts.files.toml_text import parse_toml

_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_NOT_UTF8: Final = r"\udc80-\udcff"  # of bytes that were decoded by surrogateescape

# Any text in which there may be something to do; most have nothing of it.
_ODD: Final = re.compile(
    rf"[{_CONTROL}{_NOT_UTF8}]|\r(?!\n)|\"\"\"|'''|\\[xe]|,[ \t]*\}}"
    r"|[0-9]z|[0-9]:[0-9]{2}(?![0-9:])|=[ \t]*0[0-9]"
)
# Patterns that only an odd text needs are compiled for the first one: it takes longer
# than to read a small file.
_PIECE: Final = (
    r"(?P<comment>#[^\n\r]*)"
    r'|(?P<basic>"""(?:\\.|[^\\])*?"""|"(?:\\[^\n]|[^"\\\n])*")'
    r"|(?P<literal>'''.*?'''|'[^'\n]*')"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<newline>\r?\n|\r)"
    r"|(?P<trailing>,(?=[ \t]*\}))"
    r"|(?P<short>(?<![0-9:+-])[0-9]{2}:[0-9]{2}(?![0-9:]))"
    r"|(?P<lower>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?z)"
    r"|(?P<early>=[ \t]*0[0-9]{3}-[0-9]{2}-[0-9]{2})"
)
# What Julia refuses outside strings, and what to write instead.
_REFUSED: Final = {
    "trailing": ("no comma at the end of an inline table", "leave it out"),
    "short": ("seconds in a time", "write such as 07:32:00"),
    "lower": ("a capital Z behind a time", "write it so"),
    "early": ("a year from 1000 on", "write the date as a string"),
}
_UNREADABLE: Final = rf"[{_CONTROL}{_NOT_UTF8}]"
# In a string: an escape, line ends that Julia skips, or one character to stand in for.
_INSIDE: Final = (
    rf"\\(?P<skipped>[\r\n][ \t\r\n]*)|(?P<escape>\\(?s:.))|(?P<odd>[{_CONTROL}\r])"
)
_ODD_CHARACTER: Final = rf"[{_CONTROL}\r]"
_OPENING: Final = r"(?:\"\"\"|''')(?:\r?\n|\r)"  # quotes, and the line end behind them
_LONE_RETURN: Final = r"\r(?!\n)"
_BLANKS_BEHIND: Final = r"[ \t]+\r?\n"


def loads(text: str) -> dict[str, Any]:
    """Read a text as Julia does, but for the types of its values.

    Raises:
        ValueError: It is not TOML, or not to Julia.
    """
    readable, stand_ins = prepared(text)
    table = parse_toml(readable)
    return restored(table, stand_ins) if stand_ins else table


def prepared(text: str) -> tuple[str, dict[int, str]]:
    """Make a text readable by tomli.

    Returns:
        The text, as long as it was, and what some of its characters stand for.

    Raises:
        ValueError: Julia refuses the text; the error says what to write instead.
    """
    if text.startswith("\ufeff"):
        raise _refused(text, 0, "no byte order mark", "save the file as plain UTF-8")
    if _ODD.search(text) or _may_have_open_tables(text):
        return _Preparation(text).done()
    return text, {}


def _may_have_open_tables(text: str) -> bool:
    """Whether a line has other numbers of opening and closing braces."""
    return "{" in text and any(
        line.count("{") != line.count("}") for line in text.split("\n")
    )


def restored(value: Any, stand_ins: dict[int, str]) -> Any:
    """Put what characters stand for into the strings and keys of a value."""
    if isinstance(value, str):
        return value.translate(stand_ins)
    if isinstance(value, list):
        return [restored(element, stand_ins) for element in value]
    if isinstance(value, dict):
        return {
            key.translate(stand_ins): restored(element, stand_ins)
            for key, element in value.items()
        }
    return value


class _Preparation:
    """One text, and what has been made of it so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._base = _free_block(text)
        self._stand_ins: dict[int, str] = {}
        self._nesting: list[str] = []

    def done(self) -> tuple[str, dict[int, str]]:
        text = re.sub(_PIECE, self._token, self._text, flags=re.DOTALL)
        return text, self._stand_ins

    def _token(self, token: re.Match[str]) -> str:
        kind, found = token.lastgroup, token[0]
        if kind in {"basic", "literal"}:
            return self._string(token)
        if kind in {"comment", "newline"}:
            if self._nesting[-1:] == ["{"]:
                what = "an inline table on one line, without comments"
                raise _refused(self._text, token.start(), what, "write a [table]")
            blank = " " if kind == "comment" else "\n"
            pattern = _UNREADABLE if kind == "comment" else _LONE_RETURN
            return re.sub(pattern, blank, found)
        if kind == "open":
            self._nesting.append(found)
        elif kind == "close":
            del self._nesting[-1:]
        elif kind is not None:
            raise _refused(self._text, token.start(), *_REFUSED[kind])
        return found

    def _string(self, token: re.Match[str]) -> str:
        found, end = token[0], token.end()
        quotes = found[:3] if found[:3] in {'"""', "'''"} else found[0]
        if len(quotes) == 3 and self._text[end : end + 1] == quotes[0]:
            instead = 'write \\" for it, in double quotes'
            what = "no quote before the three that end a string"
            raise _refused(self._text, end, what, instead)
        start = len(quotes)
        opening = re.match(_OPENING, found)
        body = opening.end() if opening else start
        inside = found[body : len(found) - start]
        place = token.start() + body
        if token.lastgroup == "basic":
            self._refuse_escapes(inside, place)
            pattern = _INSIDE
        else:
            pattern = _ODD_CHARACTER
        head = re.sub(_LONE_RETURN, "\n", found[:body])
        middle = re.sub(pattern, self._inside, inside)
        return head + middle + found[len(found) - start :]

    def _refuse_escapes(self, inside: str, place: int) -> None:
        blanks_at = re.compile(_BLANKS_BEHIND).match
        for escape in re.finditer(_INSIDE, inside):
            at = place + escape.start()
            if escape[0] in {"\\e", "\\x"}:
                what = "an escape of TOML 1.0"
                raise _refused(self._text, at, what, "write such as \\u001b")
            if escape["escape"] and blanks_at(inside, escape.start() + 1):
                what = "a backslash at the very end of its line"
                raise _refused(self._text, at, what, "take the blanks behind it out")

    def _inside(self, found: re.Match[str]) -> str:
        groups = found.groupdict()
        if groups.get("escape"):
            return found[0]
        if groups.get("skipped"):
            return re.sub(_LONE_RETURN, "\n", found[0])
        stand_in = self._base + ord(found[0])
        self._stand_ins[stand_in] = found[0]
        return chr(stand_in)


def _free_block(text: str) -> int:
    """Where 128 characters for private use begin of which the text has none."""
    used = {ord(char) // 128 for char in set(text)}
    blocks = range(0xF0000 // 128, 0x110000 // 128)
    return next(128 * block for block in blocks if block not in used)


def _refused(text: str, place: int, expected: str, instead: str) -> ValueError:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    found = text[place : place + 20].partition("\n")[0]
    return ValueError(
        f"expected {expected}, found {found!r} (at line {line}, column {column}), "
        f"which Julia can't read; {instead}"
    )
