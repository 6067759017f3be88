"""What a value means to Julia that is neither a table nor an array.

Patterns are compiled when they are needed, and most files need few of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.files.toml_text import parse_toml

if TYPE_CHECKING:
    from datetime import datetime, time

# It can match in one way only, or a quote that nothing closes would take for ever.
_ESCAPED: Final = r"\\(?:[\r\n][ \t\r\n]*(?![ \t\r\n])|[^\r\n])"
BASIC: Final = (
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
    rf'|"[^"\\\n]*(?:{_ESCAPED}[^"\\\n]*)*"'
)
LITERAL: Final = r"'''[^']*(?:'(?!'')[^']*)*'''|'[^'\n]*'"
STRING: Final = rf"{BASIC}|{LITERAL}"
"""A string in its quotes, for patterns with DOTALL. A backslash may end any line."""

# What tomli may read differently from Julia, with the patterns that find it fastest.
_NUMBER: Final = (
    r"[=,\[\n][ \t]*(?:0[xob][0-9A-Fa-f]|0[0-9]{3}-|[+-]?[0-9][0-9_.]*[eE][+-]?[0-9]"
    r"|[+-]?[0-9_.]{309})"
)
_TIME: Final = r":[0-9]{2}(?:(?<=[0-9][+-][0-9]{2}:[0-9]{2})|\.[0-9]{1,2}(?![0-9]))"

_BASED: Final = r"0[xob][0-9A-Fa-f_]+"
_OFFSET: Final = r"[0-9][0-9T:. t-]*[+-][0-9]{2}:[0-9]{2}"
_EARLY: Final = r"0[0-9]{3}-.*"
_FRACTION: Final = r".*:[0-9]{2}\.([0-9]{1,3})[0-9]*Z?"
# tomli wants four digits for a year, and two for an hour.
_SHORT_YEAR: Final = r"[1-9][0-9]{0,2}-.*"
_SHORT_HOUR: Final = r"[0-9]:.*"

# The longest spelling that is unsigned to Julia (toml_parser.jl:926-929).
_LONGEST: Final = {"x": 34, "o": 45, "b": 130}

_FIRST_LINE_END: Final = r"\r?\n|\r"  # after the opening quotes
_ESCAPE: Final = r"\\([\r\n][ \t\r\n]*|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{6,8}|.)"
_ESCAPES: Final = dict(zip('btnfr"\\', '\b\t\n\f\r"\\', strict=True))


class Unsigned(int):
    """An integer that was spelt in base 16, 8 or 2, which Julia writes in base 16."""


def may_differ(text: str) -> bool:
    """Whether there may be a value in a text that Julia and tomli read differently."""
    return re.search(_NUMBER, text) is not None or (
        has_times(text) and re.search(_TIME, text) is not None
    )


def has_times(text: str) -> bool:
    """Whether there may be a time in a text: a colon that is not that of a URL."""
    return text.count(":") > text.count("://")


def as_julia(spelt: str, value: Any) -> Any:
    """Give Julia's value for one that tomli read.

    Args:
        spelt: How it is spelt, without blanks around it.
        value: What tomli made of that.

    Raises:
        ValueError: Julia refuses it.
    """
    if isinstance(value, float):
        return _checked_float(spelt, value)
    if isinstance(value, int):
        based = re.fullmatch(_BASED, spelt)
        short = based and len(spelt.replace("_", "")) <= _LONGEST[spelt[1]]
        return Unsigned(value) if short else value
    if re.fullmatch(_OFFSET, spelt):
        msg = f"expected no offset, which Julia can't read, found {spelt}"
        raise ValueError(msg)
    if re.fullmatch(_EARLY, spelt):
        msg = (
            f"expected a year from 1000 on, found {spelt}, which Julia can't read; "
            "write the date as a string"
        )
        raise ValueError(msg)
    return _with_julias_fraction(spelt, value) if ":" in spelt else value


def _checked_float(spelt: str, value: float) -> float:
    """Julia's parse of a Float64 refuses what C's strtod finds out of range."""
    mantissa, _, exponent = spelt.lower().partition("e")
    if exponent and "_" in mantissa and "_" not in exponent:
        # toml_parser.jl `parse_number_or_date_start` forgets that there was one.
        msg = f"expected no underscore before an exponent, found {spelt}; leave it out"
        raise ValueError(msg)
    digits = mantissa.strip("+-0._")
    if digits not in {"", "inf"} and (not value or abs(value) == float("inf")):
        msg = (
            f"expected a number from 5e-324 to 1.7e308, found {spelt}, which Julia "
            "can't read; write it as a string"
        )
        raise ValueError(msg)
    return value


def _with_julias_fraction(spelt: str, value: datetime | time) -> datetime | time:
    # toml_parser.jl `_parse_local_time` counts the digits as milliseconds: .5 is 5 ms.
    found = re.fullmatch(_FRACTION, spelt)
    return value.replace(microsecond=1000 * int(found[1])) if found else value


def read_scalar(spelt: str) -> Any:
    """Read a value that is neither a table, nor an array, nor a string.

    Raises:
        ValueError: It is none, or Julia refuses it.
    """
    full = spelt
    if re.fullmatch(_SHORT_YEAR, spelt):  # toml_parser.jl `parse_datetime`
        full = "0" * (4 - spelt.index("-")) + spelt
    elif re.fullmatch(_SHORT_HOUR, spelt):  # toml_parser.jl `parse_local_time`
        full = "0" + spelt
    return as_julia(spelt, parse_toml(f"k = {full}")["k"])


def span_inside(quoted: str) -> tuple[int, int]:
    """Give where the content of a string in its quotes begins and ends.

    The line end after three quotes is not part of it.
    """
    width = 3 if quoted[:3] in {'"""', "'''"} else 1
    first = re.compile(_FIRST_LINE_END).match(quoted, width) if width == 3 else None
    return first.end() if first else width, len(quoted) - width


def read_string(quoted: str) -> str:
    """Read a string in its quotes.

    Raises:
        ValueError: It has an unknown escape.
    """
    begin, end = span_inside(quoted)
    inside = quoted[begin:end]
    if quoted[0] == "'" or "\\" not in inside:
        return inside
    return re.sub(_ESCAPE, _unescaped, inside, flags=re.DOTALL)


def _unescaped(escape: re.Match[str]) -> str:
    kind, digits = escape[1][0], escape[1][1:]
    if kind in "\r\n":
        return ""
    if not digits:
        if kind not in _ESCAPES:
            msg = f"expected an escape, found \\{kind}"
            raise ValueError(msg)
        return _ESCAPES[kind]
    # toml_parser.jl `parse_string_continue` looks at six digits, and wants no more.
    for code in (int(digits[:6], 16), int(digits, 16)):
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            msg = f"expected the number of a character, found \\{escape[1]}"
            raise ValueError(msg)
    return chr(int(digits, 16))
