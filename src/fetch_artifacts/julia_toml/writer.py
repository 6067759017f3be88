"""Writing TOML as Julia 1.12 does, byte for byte."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeGuard

from fetch_artifacts.errors import ArgumentError
from fetch_artifacts.julia_toml.scalars import Unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Table: TypeAlias = Mapping[str, object]

# toml_parser.jl `isvalid_barekey_char`: ASCII only.
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

# print.jl `print_toml_escaped`; Julia's `iscntrl` takes in U+0080 to U+009F.
_ESCAPES: Final = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **str.maketrans(
        {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}
        | {'"': r"\"", "\\": r"\\"}
    ),
}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NOT_OF_A_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # see PEP 383


class _Layout(NamedTuple):
    """How tables are written.

    Attributes:
        by: What the keys of a table are sorted by; None: themselves.
        inline: The ids of the tables that are written as values.
    """

    by: Callable[[str], Any] | None = None
    inline: frozenset[int] = frozenset()

    def has_header(self, value: object) -> bool:
        """Whether a value is written with headers of its own."""
        return is_tabular(value) and id(value) not in self.inline


_PLAIN: Final = _Layout()


def dumps(
    mapping: Table,
    *,
    by: Callable[[str], Any] | None = None,
    inline_tables: Iterable[Table] = (),
    errors: Literal["strict", "surrogateescape"] = "strict",
) -> str:
    """Write data as Julia 1.12's ``TOML.print(data; sorted = true)`` does.

    Reading the text gives the data back, except where Julia's writer loses something:
    a date-time without an offset gets a ``Z``, and nothing finer than a millisecond is
    kept. A date-time with an offset, which Julia can't hold, is written as the same
    moment in UTC.

    Args:
        mapping: The data.
        by: What to sort the keys of tables by; inline tables are sorted by their keys.
        inline_tables: Those tables of the data, themselves and not copies, that are
            written as ``key = {...}``.
        errors: What becomes of bytes that are not UTF-8, for which surrogates stand in
            what `loads` gives and in Python's paths (PEP 383): an error, or the same
            surrogates. Julia reads such bytes, and does not write them.

    Raises:
        TypeError: A key is not a string, or a value is of a type that TOML lacks.
        ValueError: A value is outside what TOML holds: a string with half of a
            surrogate pair, a time with an offset, a moment before the year 1 in UTC;
            or tables and arrays are nested too deeply.
    """
    layout = _Layout(by, frozenset(map(id, inline_tables)))
    try:
        text = "".join(_write_table(mapping, (), 0, layout, first_block=True))
    except RecursionError as error:
        msg = "expected data of some hundred levels at most, found more, or a circle"
        raise ValueError(msg) from error
    if errors == "strict" and not text.isascii():
        _refuse_halves(text, _SURROGATE)
    return text


def dump_below(table: Table, path: tuple[str, ...]) -> str:
    """Write what `dumps` writes for the keys of a table that stands below others.

    Args:
        table: The keys to write, with their values.
        path: The keys that lead to the table; each one's header is written already.

    Raises:
        TypeError: As `dumps`.
        ValueError: As `dumps`.
    """
    return "".join(_write_table(table, path, len(path), _PLAIN, first_block=True))


def dump_key(*path: str) -> str:
    """Write a key, or the dotted path to one, each part quoted where it must be."""
    return ".".join(
        part if _BARE_KEY.fullmatch(part) else f'"{_escape(part)}"' for part in path
    )


def dump_value(value: object) -> str:
    """Write a value as it stands after ``key =``; a table is written inline.

    Raises:
        TypeError: As `dumps`.
        ValueError: As `dumps`.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case Unsigned():
            digits = f"{value:x}"
            text = f"0x{digits.zfill(len(digits) + len(digits) % 2)}"
        case int():
            text = str(int(value))
        case float():
            text = _write_float(value)
        case str():
            # print.jl, since 1.12 (julia #55084): three quotes, yet \n is escaped.
            quote = '"""' if "\n" in value else '"'
            text = f"{quote}{_escape(value)}{quote}"
        case date() | time():
            text = _write_time(value)
        case Mapping():
            items = (f"{dump_key(k)} = {dump_value(value[k])}" for k in _keys(value))
            text = f"{{{', '.join(items)}}}"
        case list() | tuple():
            text = f"[{', '.join(map(dump_value, value))}]"
        case _:
            msg = f"expected a value that TOML has, found {value!r}"
            raise TypeError(msg)
    return text


def is_array_of_tables(value: object) -> TypeGuard[list[Table]]:
    """Whether Julia writes a value with a ``[[header]]`` for each element."""
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(element, Mapping) for element in value)
    )


def is_tabular(value: object) -> bool:
    """Whether Julia writes a value with a header, or with one for each element."""
    if isinstance(value, str):  # most are, and to ask for a Mapping takes much longer
        return False
    return isinstance(value, Mapping) or is_array_of_tables(value)


def _keys(
    table: Mapping[Any, object], by: Callable[[str], Any] | None = None
) -> list[str]:
    """The keys in the order of their UTF-8 bytes, which is that of code points."""
    for key in table:
        if not isinstance(key, str):
            msg = f"expected keys that are strings, found {key!r}"
            raise TypeError(msg)
    return sorted(table, key=by)


def _write_table(
    table: Table,
    path: tuple[str, ...],
    indent: int,
    layout: _Layout,
    *,
    first_block: bool,
) -> Iterator[str]:
    # print.jl `print_table`: plain values first, then all that gets a header.
    with_header: list[str] = []
    for key in _keys(table, layout.by):
        if layout.has_header(table[key]):
            with_header.append(key)
            continue
        yield "    " * max(0, indent - 1)
        yield f"{dump_key(key)} = {dump_value(table[key])}\n"
        first_block = False
    margin = "    " * indent
    for key in with_header:
        value, name = table[key], (*path, key)
        if isinstance(value, Mapping):
            # A table of nothing but tables has no header, and then its first block
            # is set off by an empty line even at the top of the file.
            header = not value or not all(map(layout.has_header, value.values()))
            if header:
                yield f"{'' if first_block else chr(10)}{margin}[{dump_key(*name)}]\n"
                first_block = False
            yield from _write_table(
                value, name, indent + header, layout, first_block=header
            )
        elif is_array_of_tables(value):
            yield "" if first_block else "\n"
            first_block = False
            for element in value:
                yield f"{margin}[[{dump_key(*name)}]]\n"
                yield from _write_table(
                    element, name, indent + 1, layout, first_block=True
                )


def _escape(text: str) -> str:
    if not text.isascii():
        _refuse_halves(text, _NOT_OF_A_BYTE)
    return text.translate(_ESCAPES)


def _refuse_halves(text: str, halves: re.Pattern[str]) -> None:
    if half := halves.search(text):
        line = text[text.rfind("\n", 0, half.start()) + 1 :].partition("\n")[0]
        msg = f"expected text, found half of a surrogate pair in {line!r}"
        raise ArgumentError(msg)


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "+inf" if value > 0 else "-inf"
    digits = float.__repr__(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return digits
    # ryu/shortest.jl `writeshortest`: from here on Julia writes an exponent, Python
    # not always; the shortest digits are the same.
    mantissa, _, exponent = digits.partition("e")
    sign = "-" if value < 0 else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent or 0) + len(whole) - 1
    fraction = (whole[1:] + fraction).rstrip("0") or "0"
    return f"{sign}{whole[0]}.{fraction}e{power}"


def _write_time(value: date | time) -> str:
    # print.jl `printvalue`: always three decimals, always a literal Z.
    if isinstance(value, datetime):
        try:
            moment = value.astimezone(timezone.utc) if value.tzinfo else value
        except OverflowError as error:
            msg = f"expected a moment of the years 1 to 9999 in UTC, found {value}"
            raise ValueError(msg) from error
        return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if isinstance(value, date):
        return value.isoformat()
    if value.tzinfo:
        msg = f"expected a time without an offset, found {value}"
        raise ValueError(msg)
    return value.isoformat(timespec="milliseconds")


# What help() prints, and what a pickle names, is where users import it from.
for _public in (
    dump_below,
    dump_key,
    dump_value,
    dumps,
    is_array_of_tables,
    is_tabular,
):
    _public.__module__ = __name__.rpartition(".")[0]
