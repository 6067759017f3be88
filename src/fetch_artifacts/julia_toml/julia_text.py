"""What a TOML text means to Julia, where that differs from what it means to tomli.

Julia's reader keeps to TOML 1.0, refuses some of it, and accepts more in comments and
strings: control characters, bytes that are not UTF-8, a lone carriage return as a
line's end. This module checks a text before tomli reads it: what Julia refuses is
refused, and what tomli would refuse is replaced by characters that stand for it.
Everything stays at its place in the text. Julia: ``Base.TOML`` (toml_parser.jl).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Final, cast

from fetch_artifacts.julia_toml.scalars import BASIC, LITERAL, has_times, span_inside

_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_NOT_UTF8: Final = r"\udc80-\udcff"  # of bytes that were decoded by surrogateescape

# What most texts lack, with the patterns that find it fastest.
_UNREADABLE: Final = rf"[{_CONTROL}{_NOT_UTF8}]"
_LONE_RETURN: Final = r"\r(?!\n)"
_TIME: Final = r":[0-9]{2}(?:(?:\.[0-9]+)?z|(?<=[^0-9:+-][0-9]{2}:[0-9]{2})(?![0-9:]))"
_MARKS: Final = ('"""', "'''", "\\x", "\\e")

# For odd files only, as compiling these takes a millisecond. What to skip, then what
# may need a change; and the same within an inline table.
_WORDS: Final = rf'[0-9]+(?![0-9]?:)|"(?!"")[^"\\\r\n{_CONTROL}{_NOT_UTF8}]*"'
_TOKENS: Final = (
    r"(?P<comment>#[^\n\r]*)"
    rf"|(?P<basic>{BASIC})|(?P<literal>{LITERAL})|(?P<unclosed>[\"'])"
    r"|(?P<short>(?<![0-9:+-])[0-9]{2}:[0-9]{2}(?![0-9:]))"
    r"|(?P<lower>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?z)"
)
_OUTSIDE: Final = (
    rf"(?:[^\"'#\r0-9{{]+|{_WORDS})*"
    rf"(?:{_TOKENS}|(?P<open>\{{)|(?P<newline>\r(?!\n))|.|\Z)"
)
_INSIDE_TABLE: Final = (
    rf"(?:[^\"'#\r0-9{{}}\[\],\n]+|{_WORDS})*"
    rf"(?:{_TOKENS}|(?P<open>[\[{{])|(?P<close>[\]}}])|(?P<newline>\r?\n|\r)"
    r"|(?P<trailing>,(?=[ \t]*\}))|.|\Z)"
)
# What Julia refuses outside strings, and what to write instead.
_REFUSED: Final = {
    "trailing": ("no comma at the end of an inline table", "leave it out"),
    "short": ("seconds in a time", "write a time such as 07:32:00"),
    "lower": ("a capital Z after a time", "write Z"),
}
# In a string: an escape, line ends that Julia skips, or one character to stand in for.
_INSIDE: Final = (
    rf"\\(?P<skipped>[\r\n][ \t\r\n]*)|(?P<escape>\\(?s:.))|(?P<odd>[{_CONTROL}\r])"
)
_ODD_CHARACTER: Final = rf"[{_CONTROL}\r]"
_BLANKS_BEHIND: Final = r"[ \t]+\r?\n"


def prepared(text: str) -> tuple[str, dict[int, str]]:
    """Make a text readable by tomli.

    Returns:
        The text, as long as it was, and what some of its characters stand for.

    Raises:
        ValueError: Julia refuses the text; the error says what to write instead.
    """
    if text.startswith("\ufeff"):
        raise _refused(text, 0, "no byte order mark", "save the file as plain UTF-8")
    if _is_odd(text):
        return _Preparation(text).done()
    return text, {}


def _is_odd(text: str) -> bool:
    """Whether there may be something that Julia or tomli refuses."""
    return (
        re.search(_UNREADABLE, text) is not None
        or ("\r" in text and re.search(_LONE_RETURN, text) is not None)
        or any(mark in text for mark in _MARKS)
        or (has_times(text) and re.search(_TIME, text) is not None)
        or ("{" in text and _may_be_odd_table(text))
    )


def _may_be_odd_table(text: str) -> bool:
    """Whether an inline table may end in a comma, or be open at the end of a line."""
    return re.search(r",[ \t]*\}", text) is not None or any(
        line.count("{") != line.count("}") for line in text.split("\n")
    )


def restored(value: Any, stand_ins: dict[int, str]) -> Any:
    """Put what characters stand for into the strings and keys of a value."""
    if isinstance(value, str):
        return value if value.isascii() else value.translate(stand_ins)
    if isinstance(value, list):
        return [restored(element, stand_ins) for element in value]
    if isinstance(value, dict):
        return {
            restored(key, stand_ins): restored(element, stand_ins)
            for key, element in value.items()
        }
    return value


class _Preparation:
    """One text, and what has been made of it so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stand_ins: dict[int, str] = {}
        self._nesting: list[str] = []  # of brackets, from an inline table on

    def done(self) -> tuple[str, dict[int, str]]:
        outside = re.compile(_OUTSIDE, re.DOTALL)
        inside = re.compile(_INSIDE_TABLE, re.DOTALL)
        made: list[str] = []
        position = 0
        while position < len(self._text):
            pattern = inside if self._nesting else outside
            # Its last alternatives fit anything.
            piece = cast("re.Match[str]", pattern.match(self._text, position))
            kind, end = piece.lastgroup, piece.end()
            start = piece.start(kind) if kind else end
            if kind == "unclosed":  # tomli says so, as Julia does
                break
            made.append(self._text[position:start])
            if kind:
                made.append(self._token(kind, start, piece[kind]))
            position = end
        return "".join((*made, self._text[position:])), self._stand_ins

    def _token(self, kind: str, start: int, found: str) -> str:
        if kind in {"basic", "literal"}:
            return self._string(kind, start, found)
        if kind in {"comment", "newline"}:
            if self._nesting[-1:] == ["{"]:
                what = "an inline table on one line, without comments"
                raise _refused(self._text, start, what, "write a [table]")
            blank = " " if kind == "comment" else "\n"
            pattern = _UNREADABLE if kind == "comment" else _LONE_RETURN
            return re.sub(pattern, blank, found)
        if kind == "open":
            self._nesting.append(found)
        elif kind == "close":
            del self._nesting[-1:]
        else:
            raise _refused(self._text, start, *_REFUSED[kind])
        return found

    def _string(self, kind: str, place: int, found: str) -> str:
        end = place + len(found)
        begin, close = span_inside(found)
        if len(found) - close == 3 and self._text[end : end + 1] == found[0]:
            instead = 'write \\" for it, in double quotes'
            what = "no quote before the three that end a string"
            raise _refused(self._text, end, what, instead)
        inside = found[begin:close]
        if kind == "basic":
            self._refuse_escapes(inside, place + begin)
            pattern = _INSIDE
        else:
            pattern = _ODD_CHARACTER
        head = re.sub(_LONE_RETURN, "\n", found[:begin])
        return head + re.sub(pattern, self._inside, inside) + found[close:]

    def _refuse_escapes(self, inside: str, place: int) -> None:
        blanks_at = re.compile(_BLANKS_BEHIND).match
        for escape in re.finditer(_INSIDE, inside):
            at = place + escape.start()
            if escape[0] in {"\\e", "\\x"}:
                what = "an escape of TOML 1.0"
                raise _refused(self._text, at, what, "write it as \\u001b")
            if escape["escape"] and blanks_at(inside, escape.start() + 1):
                what = "a backslash at the very end of its line"
                raise _refused(self._text, at, what, "remove the blanks after it")

    @cached_property
    def _base(self) -> int:
        """The first of 128 characters for private use of which the text has none."""
        used = {ord(char) // 128 for char in set(self._text)}
        blocks = range(0xF0000 // 128, 0x110000 // 128)
        return next(128 * block for block in blocks if block not in used)

    def _inside(self, found: re.Match[str]) -> str:
        groups = found.groupdict()
        if groups.get("escape"):
            return found[0]
        if groups.get("skipped"):
            return re.sub(_LONE_RETURN, "\n", found[0])
        stand_in = self._base + ord(found[0])
        self._stand_ins[stand_in] = found[0]
        return chr(stand_in)


def _refused(text: str, place: int, expected: str, instead: str) -> ValueError:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    found = text[place : place + 20].partition("\n")[0]
    return ValueError(
        f"expected {expected}, found {found!r} (at line {line}, column {column}), "
        f"which Julia can't read; {instead}"
    )
