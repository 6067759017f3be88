"""What Julia reads and no other TOML parser does.

The answers are those of the parser of TOML.jl 1.0.3; see julia_fixtures/toml_test.toml.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fetch_artifacts.files.toml_text import DEEPEST
from fetch_artifacts.julia_toml import loads


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("[a]\nb.c = 1\n[a.b]\nd = 2", {"a": {"b": {"c": 1, "d": 2}}}),
        ("[a]\nb.c = 1\n[a.b.c2]\nd = 2", {"a": {"b": {"c": 1, "c2": {"d": 2}}}}),
        ("a.b = 1\n[a]\nc = 2", {"a": {"b": 1, "c": 2}}),
        ("[a.b]\nx = 1\n[a]\nb.y = 2", None),  # b was defined by its header
        ("[a.b.c]\n[a]\nb.y = 2", {"a": {"b": {"c": {}, "y": 2}}}),
        ("[[a]]\nb.c = 1\n[a.b]\nd = 2", {"a": [{"b": {"c": 1, "d": 2}}]}),
    ],
)
def test_a_header_opens_a_table_of_dotted_keys_again(
    text: str, table: dict[str, Any] | None
) -> None:
    _reads(text, table)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a.b.c = 1\na.b = 2", {"a": {"b": 2}}),
        ("a.b = 1\na = [2]", {"a": [2]}),
        ("a.b.c = 1\na.b = {}", None),
        ("a = {b.c = 1, b = 2}", {"a": {"b": 2}}),
        ("a = [{b.c = 1, b = 2}, {}]", {"a": [{"b": 2}, {}]}),
        ("[a.b.c]\n[a]\nb = 1", {"a": {"b": 1}}),
        ("[a.b]\n[a]\nb = 1", None),
        ("a = 1\na = 2", None),
        ("a = {}\na = 2", None),
        ("a = 1\na.b = 2", None),
        ("a.b = 1\na.b.c = 2", None),
    ],
)
def test_a_value_takes_the_place_of_a_table_of_dotted_keys(
    text: str, table: dict[str, Any] | None
) -> None:
    _reads(text, table)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ('"""a\nb""" = 1', {"a\nb": 1}),
        ("'''\na'''.b = 1", {"a": {"b": 1}}),
        ("['''a''']", {"a": {}}),
        ('"a\\\n  b" = 1', {"ab": 1}),
        ('a = "x\\\r\n\n  y"', {"a": "xy"}),
        ('a = ["x\\\n y", 1]  # c', {"a": ["xy", 1]}),
        ('a = "x\n"', None),
        ('"a\n" = 1', None),
    ],
)
def test_a_string_goes_over_several_lines(
    text: str, table: dict[str, Any] | None
) -> None:
    _reads(text, table)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (r'a = "\U0011000"', {"a": "\U00011000"}),
        (r'a = "\U0000041z\n"', {"a": "Az\n"}),
        (r'a = "\U0000041" # "\U0001F600"', {"a": "A"}),
        (r'a = "\U00041"', None),
        (r'a = "\U00110000\U000041"', None),
        (r'a = "\U00D800"', None),
        (r'a = "\q\U000041"', None),
    ],
)
def test_a_long_escape_has_six_digits_or_more(
    text: str, table: dict[str, Any] | None
) -> None:
    _reads(text, table)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a = 979-05-27", {"a": dt.date(979, 5, 27)}),
        (
            "a = [79-05-27 07:32:00]",
            {"a": [dt.datetime.fromisoformat("0079-05-27T07:32")]},
        ),
        ("a = 7:32:00.25", {"a": dt.time(7, 32, 0, 25_000)}),
        ("a = 979-5-27", None),
        ("a = 12345-05-27", None),
        ("a = 979-05-27T7:32:00", None),
        ("a = 979-05-27T07:32:00+01:00", None),
    ],
)
def test_a_year_and_an_hour_may_be_short(
    text: str, table: dict[str, Any] | None
) -> None:
    _reads(text, table)


# Each has the one thing that tomli alone refuses, and then what Julia refuses as well.
@pytest.mark.parametrize(
    "rest",
    [
        *("a", "a =", "= 1", "a = 1 b = 2", "a..b = 1", "a. = 1", "a = 1 2"),
        *("a b = 1", "[", "[a", "[a]]", "[[a]", "[[a] ]", "[ [a]]", "[a] b", "[]"),
        *("[a.]", "é = 1", "a = [1,,2]", "a = [,1]", "a = [1 2]", "a = [1"),
        *("a = {,}", "a = {b = 1 c = 2}", "a = {b = 1,, c = 2}", "a = {b = 1"),
        *("a = {b}", 'a = "x', "a = '''x''", "[a]\n[a]", "a = []\n[[a]]"),
        *("a = []\n[a.b]", "a = {}\n[a.b]", "a = {}\na.b = 1", "[[a]]\n[a]"),
        *("a = 1\n[[a.b]]", "[a]\n[[a]]", "a = [1]\n[a.b]", "a = truefalse"),
        *("a = 1_", "a = 01", "a = 1.", "a = 0x", "a = +0x1", "a = 1e400", "a = tru"),
        *("a = [[]]\n[a.b]", "a = 0979-05-27"),
    ],
)
def test_what_julia_refuses_is_refused(rest: str) -> None:
    odd = "odd = 7:32:00\n"
    assert loads(odd) == {"odd": dt.time(7, 32)}
    _reads(odd + rest, None)


def test_all_else_is_read_beside_what_is_odd() -> None:
    text = """
    # odd
    odd = 7:32:00
    [[Bar]]  # a comment
    os	= 'linux'
    "git-tree-sha1" = "00"
    numbers = [0x1F, 1_000, -3.5e-2, inf, # here
      true, [], {a.b = "}", c = {}}
    ]
    [[Bar.download]]
    url = '''x'''
    [[Bar]]
    day = 1979-05-27
    [[Bar.download]]
    """
    assert loads(text) == {
        "odd": dt.time(7, 32),
        "Bar": [
            {
                "os": "linux",
                "git-tree-sha1": "00",
                "numbers": [
                    *(31, 1000, -0.035, float("inf"), True, []),
                    {"a": {"b": "}"}, "c": {}},
                ],
                "download": [{"url": "x"}],
            },
            {"day": dt.date(1979, 5, 27), "download": [{}]},
        ],
    }


def test_what_is_nested_too_deeply_is_refused() -> None:
    _reads("odd = 7:32:00\na = " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), None)


def _reads(text: str, table: dict[str, Any] | None) -> None:
    if table is None:
        with pytest.raises(ValueError, match=r"."):
            loads(text)
    else:
        assert loads(text) == table
