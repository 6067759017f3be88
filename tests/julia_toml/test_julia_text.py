from __future__ import annotations

import base64

import pytest

from fetch_artifacts.julia_toml import dumps, loads
from fetch_artifacts.julia_toml.julia_text import prepared
from support.fixtures import Case, load_vectors


@pytest.mark.parametrize(("case", "answer"), load_vectors("parse"))
def test_what_julia_reads_is_read_and_what_it_refuses_is_not(
    case: Case, answer: Case
) -> None:
    data = base64.b64decode(case["data"])
    if not answer["ok"]:
        with pytest.raises(ValueError, match=r"line|offset|end of document"):
            loads(data)
        return
    table = loads(data)
    if "printed" in answer:
        assert base64.b64decode(answer["printed"]) == dumps(table).encode()
    else:  # bytes in a string that are no text, which Julia reads but can't print
        with pytest.raises(ValueError, match="surrogate"):
            dumps(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ufeffa = 1", "no byte order mark.*line 1, column 1.*plain UTF-8"),
        ('a = """"x""""', r"before the three that end.*column 13.*write \\"),
        ("a = ''''x''''", "before the three that end.*double quotes"),
        ('a = """x \\ \n y"""', "very end of its line.*line 1, column 10.*remove the"),
        ("a = 1979-05-27T07:32:00z", "capital Z"),
        ("a = 07:32", "seconds.*write a time such as 07:32:00"),
        ("a = 1979-05-27 07:32", "seconds"),
        ("a = [\n  07:32,\n]", "seconds.*line 2, column 3"),
        ("a = 0001-01-01", "a year from 1000 on"),
        ("a = [\n  0999-12-31, # c\n]", "from 1000 on, found 0999-12-31, .* string"),
        (r'a = "\e"', r"escape of TOML 1.0.*column 6.*\\u001b"),
        (r'a = "\x41"', r"escape of TOML 1.0"),
        ("a = {b = 1,}", "no comma at the end.*leave it out"),
        ("a = {b = 1, # c\n}", "on one line, without comments.*write a \\[table\\]"),
        ("a = {\nb = 1}", "on one line.*line 1, column 6"),
        ("a = [{b = 1,}]", "no comma at the end"),
    ],
)
def test_what_julia_refuses_comes_with_what_to_write_instead(
    text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        'a = "https://h:80/{x}?t=07:32 # {b = 1,}"',
        "a = 'C:\\x\\e'",
        "a = {b = [\n1, # one\n2,\n], c = {}}",
        '"07:32" = 1\n0001-01-01 = 2\n"a\\\\e" = 3',
        "a = [1, 2,]\n[[t]]\n[[t]]\nb = {c = {d = 1}}",
        "a = 07:32:00.500\nb = 1979-05-27 07:32:00\nc = 1979-05-27",
        '''a = """"x" \\\n  y"""\nb = """${}"""''',
    ],
)
def test_what_only_looks_like_it_is_read(text: str) -> None:
    import tomli

    assert tomli.loads(text) == loads(text)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'a = """\r\nx\r\ny"""', "x\r\ny"),
        (b"a = '''\r\nx\r\n'''", "x\r\n"),
        (b'a = """x\\\r\n \r\n  y"""', "xy"),
        (b'a = """\rx"""', "x"),
        (b'a = """x\\\r  y"""', "xy"),
        (b'a = "x\ry"', "x\ry"),
        (b"a = 'x\x00\x7fy'", "x\x00\x7fy"),
        (b'a = "\xff\xe9"', "\udcff\udce9"),
        ('a = "\U000f0001\x01"'.encode(), "\U000f0001\x01"),
    ],
)
def test_a_string_is_what_it_is_to_julia(data: bytes, value: str) -> None:
    assert loads(data) == {"a": value}


def test_keys_hold_what_strings_hold() -> None:
    assert loads(b"[t.'a\x01']\n\"b\x7f\" = [{'c\r' = '\x02'}]") == {
        "t": {"a\x01": {"b\x7f": [{"c\r": "\x02"}]}}
    }


def test_a_lone_return_ends_a_line_and_a_comment() -> None:
    assert loads(b"a = 1\rb = 2 # M\xfcller \x01\rc = 0x0a\r") == {
        "a": 1,
        "b": 2,
        "c": 10,
    }
    assert dumps(loads(b"# M\xfcller\rc = 0x0a")) == "c = 0x0a\n"


def test_a_text_stays_as_long_as_it_was() -> None:
    text = 'a = \'x\x01\ry\' # \udcff\x02\rb = """\r\nx\r\n\\\r\n y"""\r\n'
    readable, stand_ins = prepared(text)
    assert len(readable) == len(text)
    assert sorted(stand_ins.values()) == ["\x01", "\r"]
