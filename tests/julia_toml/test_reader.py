from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import pytest

from fetch_artifacts.julia_toml import dumps, loads, parsefile, tryparse
from fetch_artifacts.julia_toml.scalars import Unsigned


# Julia 1.12: toml_parser.jl:926-952, print.jl `print_integer`.
@pytest.mark.parametrize(
    ("spelt", "written"),
    [
        ("0xff", "0xff"),
        ("0xDEAD_BEEF", "0xdeadbeef"),
        ("0x1ff", "0x01ff"),
        ("0o17", "0x0f"),
        ("0b0", "0x00"),
        ("0x" + "f" * 32, "0x" + "f" * 32),
        ("0x" + "f" * 33, str(16**33 - 1)),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
    ],
)
def test_an_integer_is_written_as_julia_writes_what_it_read(
    spelt: str, written: str
) -> None:
    assert dumps(loads(f"v = {spelt}")) == f"v = {written}\n"


def test_the_spelling_of_an_integer_is_heeded_wherever_it_stands() -> None:
    text = """\
        0xff = "0xff"

        [[list]]
        nested = [[1, 0x02], {a = 0x03, b = "0x04"}]
        [[list]]
        note = "09:00+01:00 0x05"
        plain = 0x06
        """
    table = loads(dedent(text))
    assert dedent(text) == dumps(table)
    assert table["list"][1]["plain"] == 6


@pytest.mark.parametrize(
    "text", ["v=0x0a", "v = [0x0a,1]", "v = [1,0x0a]", "v = [\n0x0a]", "v =\t0x0a"]
)
def test_an_integer_is_noticed_behind_anything_but_a_quote(text: str) -> None:
    assert "0x0a" in dumps(loads(text))


def test_a_hash_that_begins_as_a_binary_number_costs_no_second_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fetch_artifacts.julia_toml.spans.statements", None)
    assert loads('v = "0b"\nw = ["0x1","0b11"]')["w"] == ["0x1", "0b11"]


@pytest.mark.parametrize(
    "value",
    [
        "1979-05-27T07:32:00+00:00",
        "1979-05-27T07:32:00-00:00",
        "1979-05-27 07:32:00.5+01:00",
        "[1979-05-27T07:32:00-07:00]",
    ],
)
def test_an_offset_is_refused_as_julia_refuses_it(value: str) -> None:
    with pytest.raises(ValueError, match="expected no offset, which Julia can't read"):
        loads(f"v = {value}")


@pytest.mark.parametrize(
    "text",
    ["v = {a = 1,\n b = 2}", "v = {a = 1,}", r'v = "\e"', r'v = "\x41"', "v = 07:32"],
)
def test_what_came_with_toml_1_1_is_refused_as_julia_refuses_it(text: str) -> None:
    with pytest.raises(ValueError, match="at line 1"):
        loads(text)


def test_an_integer_keeps_its_spelling_through_a_pickle() -> None:
    (value,) = pickle.loads(pickle.dumps(loads("v = 0x0a"), 2)).values()
    assert type(value) is Unsigned
    # As written by the module that was there before this package.
    old = b"\x80\x02cfetch_artifacts.julia_toml\nUnsigned\nK\n\x85\x81."
    assert type(pickle.loads(old)) is Unsigned


def test_an_error_can_be_had_instead_of_raised() -> None:
    assert tryparse("a = 1") == {"a": 1}
    error = tryparse(b"a = {b = 1,}")
    assert isinstance(error, ValueError)
    assert "no comma" in str(error)


def test_a_file_is_named_where_it_is_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"a = 1 # \xe9\n")
    assert parsefile(file) == {"a": 1}
    file.write_text("a = ")
    with pytest.raises(ValueError, match=r"x\.toml: Invalid value"):
        parsefile(str(file))
    with pytest.raises(FileNotFoundError):
        parsefile(tmp_path / "absent.toml")


# toml_parser.jl `_parse_local_time`: up to three digits, and they are milliseconds.
@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5", 5), ("51", 51), ("510", 510), ("5109", 510), ("0099", 9), ("05", 5)],
)
def test_a_fraction_of_a_second_is_what_it_is_to_julia(
    text: str, milliseconds: int
) -> None:
    table = loads(f"a = [07:32:00.{text}]\nb = 1979-05-27T07:32:00.{text}Z")
    time = f"07:32:00.{milliseconds:03}"
    assert dumps(table) == f"a = [{time}]\nb = 1979-05-27T{time}Z\n"


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1e-400", "0.1e-400", "9" * 400 + ".0"]
)
@pytest.mark.parametrize("text", ["a = {}", "a = [\n  {} # c\n]", "a = {{b = {}}}"])
def test_a_number_that_is_out_of_range_is_refused(number: str, text: str) -> None:
    with pytest.raises(ValueError, match="expected a number from 5e-324 to"):
        loads(text.format(number))


@pytest.mark.parametrize("number", ["1_0e5", "-1_0.5e+5", "1.0_0E0"])
def test_an_underscore_before_an_exponent_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="no underscore before an exponent"):
        loads(f"a = {number}")


def test_a_number_that_only_looks_out_of_range_is_read() -> None:
    text = (
        "a = [1e308, 1_0.5, 1_0e0_1, 1e0_1, 4.9e-324, 0e999, -0.0e-999, inf, -inf]\n"
        "1e400 = 1\n[2e400]"
    )
    inf = float("inf")
    assert loads(text) == {
        "a": [1e308, 10.5, 100.0, 10.0, 5e-324, 0.0, -0.0, inf, -inf],
        "1e400": 1,
        "2e400": {},
    }
