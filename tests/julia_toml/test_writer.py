from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from http import HTTPStatus
from textwrap import dedent

import pytest

from fetch_artifacts.julia_toml import dumps, loads
from fetch_artifacts.julia_toml.writer import Table, dump_below, dump_key
from support.fixtures import Case, load_vectors


@pytest.mark.parametrize(("case", "answer"), load_vectors("print"))
def test_bytes_are_julias(case: Case, answer: Case) -> None:
    assert answer["sorted"] == dumps(loads(case["toml"]))


# What Julia 1.12.5 printed for `1e5`, `-0.0` and so on; 1.5.3 prints the same.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (9.5e-5, "9.5e-5"),
        (1e-5, "1.0e-5"),
        (5e-324, "5.0e-324"),
        (100000.0, "100000.0"),
        (123456.7, "123456.7"),
        (999999.0, "999999.0"),
        (1e6, "1.0e6"),
        (1234567.0, "1.234567e6"),
        (-12345678.9, "-1.23456789e7"),
        (1e15, "1.0e15"),
        (1e16, "1.0e16"),
        (4.35e17, "4.35e17"),
        (123456789012345680.0, "1.2345678901234568e17"),
        (1e300, "1.0e300"),
        (float("inf"), "+inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_floats_are_printed_as_julia_prints_them(value: float, text: str) -> None:
    assert f"v = {text}\n" == dumps({"v": value})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (2**63 - 1, "9223372036854775807"),
        (date(2020, 1, 2), "2020-01-02"),
        (time(1, 2, 3, 4000), "01:02:03.004"),
        (time(1, 2, 3), "01:02:03.000"),
        (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02T03:04:05.000Z"),  # noqa: DTZ001
        (datetime(2020, 1, 2, 3, 4, 5, 6999, timezone.utc), "2020-01-02T03:04:05.006Z"),
        (
            datetime(2020, 1, 2, 3, tzinfo=timezone(timedelta(hours=4))),
            "2020-01-01T23:00:00.000Z",
        ),
        ([], "[]"),
        ([1, 2.0, "a"], '[1, 2.0, "a"]'),
        ((1, (2,)), "[1, [2]]"),
        ([1, {"b": 2, "a": {}}], "[1, {a = {}, b = 2}]"),
        ([[{"a": 1}]], "[[{a = 1}]]"),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\b\t\f\r\0\x1b\x7f\x85\x9f", r'"\b\t\f\r\u0000\u001b\u007f\u0085\u009f"'),
        ("é\xa0\u2028😀", '"é\xa0\u2028😀"'),
        # 1.12.5's answer to a note of two lines; 1.11 has single quotes here
        ('l1\nl2 "q"', r'"""l1\nl2 \"q\""""'),
    ],
)
def test_values_are_printed_as_julia_prints_them(value: object, text: str) -> None:
    assert f"v = {text}\n" == dumps({"v": value})


def test_keys_are_sorted_by_their_bytes_and_quoted_where_they_must_be() -> None:
    table = dict.fromkeys(["😀", "\uffff", "é", "b.c", "a-b", "_", "Z", "10", ""], 1)
    expected = '"" = 1\n10 = 1\nZ = 1\n_ = 1\na-b = 1\n"b.c" = 1\n"é" = 1\n'
    assert f'{expected}"\uffff" = 1\n"😀" = 1\n' == dumps(table)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, ""),
        ({"a": {}}, "[a]\n"),
        # Tables of tables only: no header, an empty line at the top.
        ({"nested": {"sub": {"k": 1}}}, "\n[nested.sub]\nk = 1\n"),
        ({"a": {"b": {"k": 1}}, "c": {"k": 1}}, "\n[a.b]\nk = 1\n[c]\nk = 1\n"),
        ({"a": [{}, {"b": [{"c": 1}]}]}, "[[a]]\n[[a]]\n    [[a.b]]\n    c = 1\n"),
        ({"x": {"download": []}}, "[x]\ndownload = []\n"),
    ],
)
def test_tables_are_laid_out_as_julia_lays_them_out(table: Table, text: str) -> None:
    assert text == dumps(table)


def test_the_keys_of_a_table_that_stands_below_others_can_be_written_alone() -> None:
    table = {"download": [{"url": "u"}], "lazy": True}
    expected = """\
        lazy = true

            [["my lib".download]]
            url = "u"
        """
    assert dedent(expected) == dump_below(table, ("my lib",))
    assert dump_below({"size": 3}, ("a", "download")) == "    size = 3\n"


def test_a_dotted_key_is_quoted_part_by_part() -> None:
    expected = 'a."b c"."".d'
    assert expected == dump_key("a", "b c", "", "d")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "years 1 to 9999 in UTC, found 0001-01-01 00:00:00[+]01:00",
        ),
        ("\ud800", "surrogate"),
        (time(1, tzinfo=timezone.utc), "without an offset"),
    ],
)
def test_what_toml_has_no_room_for_is_refused(value: object, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        dumps({"v": value})


def test_bytes_that_are_not_utf_8_stay_where_that_is_asked_for() -> None:
    text = '"k\udcff" = "\udce9"\n'
    assert dumps({"k\udcff": "\udce9"}, errors="surrogateescape") == text
    with pytest.raises(ValueError, match=r"surrogate pair in .*udce9"):
        dumps({"v": "\udce9"})
    with pytest.raises(ValueError, match="surrogate"):
        dumps({"v": "\ud800"}, errors="surrogateescape")


@pytest.mark.parametrize("table", [{"v": None}, {"v": b"x"}, {"v": [{1}]}])
def test_values_of_other_types_are_refused(table: Table) -> None:
    with pytest.raises(TypeError, match="expected a value that TOML has"):
        dumps(table)


def test_keys_that_are_no_strings_are_refused() -> None:
    with pytest.raises(TypeError, match="found 1"):
        dumps({"a": {1: 2}})


def test_kinds_of_integers_are_written_by_their_value() -> None:
    assert dumps({"v": HTTPStatus.OK}) == "v = 200\n"


# TOML's test/print.jl: "inline_tables", and `by`; print.jl `print_table`.
def test_tables_can_be_written_inline() -> None:
    inner = {"b": 2, "a": 1}
    data = {"x": inner, "y": {"z": inner, "w": {"v": 1}}, "n": 0}
    assert dumps(data, inline_tables=[inner]) == (
        "n = 0\nx = {a = 1, b = 2}\n\n[y]\nz = {a = 1, b = 2}\n\n    [y.w]\n    v = 1\n"
    )


def test_only_the_table_itself_is_written_inline_not_its_equal() -> None:
    assert dumps({"x": {"a": 1}}, inline_tables=[{"a": 1}]) == "[x]\na = 1\n"


def test_keys_are_sorted_by_what_is_asked_for() -> None:
    inner = {"b": 1, "a": 2}
    data = {"aaa": 1, "bb": 2, "c": {"dd": 1, "e": 2}, "f": inner}
    assert dumps(data, by=len, inline_tables=[inner]) == (
        "f = {a = 2, b = 1}\nbb = 2\naaa = 1\n\n[c]\ne = 2\ndd = 1\n"
    )
