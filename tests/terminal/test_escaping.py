from __future__ import annotations

import io

import pytest

from fetch_artifacts.terminal.escaping import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Grüße, 日本", "plain, Grüße, 日本"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\x9b2Jb", r"a\x9b2Jb"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
        ("user\u202egpj.exe", r"user\u202egpj.exe"),
        ("\u2066a\u2069\u200e\u061c", r"\u2066a\u2069\u200e\u061c"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("caf\udce9", r"caf\xe9"),  # os.fsdecode(b"caf\xe9")
        ("lone \ud800", r"lone \ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_could_garble_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(printable(text)) == shown


def test_what_is_to_be_kept_is_kept() -> None:
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", r"gr\xfc\xdfe \u65e5 \U0001f600"),
        ("cp1252", "grüße \\u65e5 \\U0001f600"),
        ("utf-8", "grüße 日 😀"),
    ],
)
def test_what_the_encoding_lacks_is_escaped(encoding: str, shown: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert printable("grüße 日 😀", stream) == shown
