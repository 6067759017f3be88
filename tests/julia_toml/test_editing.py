from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

import pytest
import tomli

from fetch_artifacts.julia_toml import editing
from fetch_artifacts.julia_toml.editing import update
from fetch_artifacts.julia_toml.reader import loads
from fetch_artifacts.julia_toml.spans import Statement, statements
from fetch_artifacts.julia_toml.writer import Table

Change = Callable[[dict[str, Any]], object]

HAND_WRITTEN = dedent("""\
    # Data of the project
    title = "x"   # not an artifact

    # about a
    [a]   # the first
    git-tree-sha1 = "aa"  # "why" # and why
    # sources
    [[a.download]]
    url = "https://host/a#1"   # mirror
    sha256 = 's1'

    # about p
    [[p]]
    os = "linux"
    arch = "x86_64"

    # the other
    [[p]]
    os = "macos"  # mac
        [[p.download]]
        url = "u"

    ["odd . name".sub]
    text = '''
    [not.a.header]
    # no comment'''
    list = [  # of numbers
        1, # one
        [2, {x = "]"}],
    ]
    # the end
    """)


def changed(change: Change, text: str = HAND_WRITTEN) -> str:
    """The text after a change of its data, checked to say just that."""
    table = tomli.loads(text)
    change(table)
    new = update(text, table)
    assert tomli.loads(new) == table
    return new


def test_nothing_changes_where_nothing_is_new() -> None:
    assert changed(lambda _: None) == HAND_WRITTEN


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        # one value
        (lambda t: t["a"].update({"git-tree-sha1": "bb"}), '"aa"', '"bb"'),
        (lambda t: t["a"]["download"][0].update(sha256="s2"), "'s1'", '"s2"'),
        (lambda t: t["p"][1].update(os="linux"), '"macos"', '"linux"'),
        (lambda t: t.update(title="y"), 'title = "x"', 'title = "y"'),
        (
            lambda t: t["odd . name"]["sub"]["list"][1][1].update(x=[]),
            '{x = "]"}',
            "{x = []}",
        ),
        (lambda t: t["odd . name"]["sub"].update(text="t"), "'''\n[not", None),
        # a new key
        (
            lambda t: t["a"].update(lazy=True),
            "# and why\n",
            "# and why\nlazy = true\n",
        ),
        (
            lambda t: t["p"][1]["download"][0].update(size=3),
            '    url = "u"\n',
            '    url = "u"\n    size = 3\n',
        ),
        (
            lambda t: t.update({"none": []}),
            "# not an artifact\n",
            "# not an artifact\nnone = []\n",
        ),
        # a new element
        (
            lambda t: t["a"]["download"].append({"url": "v", "sha256": "s2"}),
            "sha256 = 's1'\n",
            'sha256 = \'s1\'\n    [[a.download]]\n    sha256 = "s2"\n    url = "v"\n',
        ),
        (
            lambda t: t["p"].append({"os": "windows", "download": [{"url": "w"}]}),
            '    url = "u"\n',
            """    url = "u"\n\n[[p]]\nos = "windows"\n
    [[p.download]]\n    url = "w"\n""",
        ),
        (
            lambda t: t["odd . name"]["sub"]["list"].append(3),
            '[2, {x = "]"}],',
            '[2, {x = "]"}], 3,',
        ),
        # a new table
        (
            lambda t: t.update({"é": {"k": 1, "download": [{"url": "v"}]}}),
            "# the end\n",
            '# the end\n\n["é"]\nk = 1\n\n    [["é".download]]\n    url = "v"\n',
        ),
        (
            lambda t: t["p"][0].update(download=[{"url": "v"}]),
            'arch = "x86_64"\n',
            'arch = "x86_64"\n\n    [[p.download]]\n    url = "v"\n',
        ),
        # something goes
        (lambda t: t.pop("title"), 'title = "x"   # not an artifact\n', ""),
        (lambda t: t["p"][0].pop("arch"), 'arch = "x86_64"\n', ""),
        (
            lambda t: t["p"].pop(0),
            '[[p]]\nos = "linux"\narch = "x86_64"\n\n',
            "\n",
        ),
        (
            lambda t: t["a"].pop("download"),
            "[[a.download]]\nurl = \"https://host/a#1\"   # mirror\nsha256 = 's1'\n",
            "",
        ),
        # the kind changes
        (
            lambda t: t.update(title={"k": 1}),
            None,
            None,
        ),
        (lambda t: t.update(a=[{"os": "linux"}]), None, None),
        (lambda t: t.update(p=[]), None, None),
        (lambda t: t.update(p=[{"os": "a"}]), None, None),
    ],
)
def test_only_the_lines_of_the_change_change(
    change: Change, old: str | None, new: str | None
) -> None:
    text = changed(change)
    if old is not None and new is not None:
        assert HAND_WRITTEN.count(old) == 1
        assert text == HAND_WRITTEN.replace(old, new)
    kept = ["# Data of the project", "# about a", "# about p", "# the end"]
    assert [line for line in text.splitlines() if line in kept] == kept


def test_an_emptied_array_is_written_at_the_top() -> None:
    text = "# head\n\n[[p]]\nos = 'a'\n\n# next\n[q]\nk = 1\n"
    expected = "p = []\n\n# head\n\n# next\n[q]\nk = 1\n"
    assert changed(lambda t: t.update(p=[]), text) == expected


def test_an_element_that_goes_leaves_the_others_where_they_are() -> None:
    text = "[[p]]\nk = 1 # one\n[q]\nz = 0\n[[p]]\nk = 2 # two\n[[p]]\nk = 3 # three\n"
    expected = "[[p]]\nk = 1 # one\n[q]\nz = 0\n[[p]]\nk = 3 # three\n"
    assert changed(lambda t: t["p"].pop(1), text) == expected
    expected = text.replace("[[p]]\nk = 2 # two\n", "") + "[[p]]\nk = 4\n"
    assert changed(lambda t: (t["p"].pop(1), t["p"].append({"k": 4})), text) == expected


def test_the_last_table_goes_with_the_empty_line_before_it() -> None:
    assert changed(lambda t: t.pop("b"), "[a]\nk = 1\n\n[b]\nk = 2") == "[a]\nk = 1\n"
    assert changed(lambda t: t.pop("a"), "[a]\nk = 1\n") == ""


def test_line_ends_stay() -> None:
    text = "[a]\r\nk = 1\r\n"
    table = {"a": {"k": 1}, "b": {"k": 2}}
    assert update(text, table) == "[a]\r\nk = 1\r\n\r\n[b]\r\nk = 2\r\n"


def test_what_only_julia_reads_stays() -> None:
    text = '# M\udcfcller \x01\n\'a\x01\' = 1\nb = """x\ry\x7f""" # \x0b\n'
    table = loads(text)
    assert update(text, {**table, "c": 2}) == text + "c = 2\n"


def test_a_line_end_is_added_where_the_last_one_lacks() -> None:
    assert changed(lambda t: t.update(b={"k": 1}), "a = 1") == "a = 1\n\n[b]\nk = 1\n"


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (
            'a = {x = 1, download = [\n  {url = "u"}, # one\n]} # a\n',
            lambda t: t["a"]["download"][0].update(url="v"),
            'a = {x = 1, download = [\n  {url = "v"}, # one\n]} # a\n',
        ),
        (
            'a = {x = 1, download = [\n  {url = "u"}, # one\n]} # a\n',
            lambda t: t["a"]["download"].append({"url": "v"}),
            'a = {x = 1, download = [\n  {url = "u"}, {url = "v"}, # one\n]} # a\n',
        ),
        ("a = {x = 1} # a\n", lambda t: t["a"].update(y=2), "a = {x = 1, y = 2} # a\n"),
        ("a = [1, 2] # a\n", lambda t: t["a"].pop(), "a = [1] # a\n"),
        ("a.b = 1\na.c = 2 # c\n", lambda t: t["a"].update(c=3), None),
        ("a.b = 1\na.c = 2\n", lambda t: t.pop("a"), ""),
        ("[a]\nb.'c d' = 1 # x\n", lambda t: t["a"]["b"].update({"c d": 2}), None),
        ("a = 1e3 # x\n", lambda t: t.update(a=2020), "a = 2020 # x\n"),
        ("a = 2020-01-02 03:04:05 # x\n", lambda t: t.update(a=1), "a = 1 # x\n"),
        ('a = """"x""" # x\n', lambda t: t.update(a="y"), 'a = "y" # x\n'),
        ("a = [] # x\n", lambda t: t.update(a=[{"k": 1}]), "[[a]]\nk = 1\n"),
    ],
)
def test_other_spellings_are_understood(
    text: str, change: Change, expected: str | None
) -> None:
    new = changed(change, text)
    assert expected in {None, new}


SOURCE = {"url": "u", "sha256": "s"}


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (
            "a.k = 1 # a\nb.k = 2\n# end\n",
            lambda t: t["a"].update(download=[SOURCE]),
            'a.k = 1 # a\na.download = [{sha256 = "s", url = "u"}]\nb.k = 2\n# end\n',
        ),
        (
            "a.k = 1\na.download = [] # none\n",
            lambda t: t["a"]["download"].append(SOURCE),
            'a.k = 1\na.download = [{sha256 = "s", url = "u"}] # none\n',
        ),
        (
            "a.k = 1\nb.k = 2\na.l = 3",
            lambda t: t["a"].update(lazy=True),
            "a.k = 1\nb.k = 2\na.l = 3\na.lazy = true\n",
        ),
        (
            "[a]\r\n  'so.urce' . url = 'x' #\r\nk = 1\r\n",
            lambda t: t["a"]["so.urce"].update({"k": {"l": 1}}),
            "[a]\r\n  'so.urce' . url = 'x' #\r\n  'so.urce'.k = {l = 1}\r\nk = 1\r\n",
        ),
        (
            "[[a]]\nb.k = 1\n[[a]]\nb.k = 2\n",
            lambda t: t["a"][0]["b"].update(l=3),
            "[[a]]\nb.k = 1\nb.l = 3\n[[a]]\nb.k = 2\n",
        ),
        (
            "a.b.c = 1\n",
            lambda t: t["a"].update(d=2),
            "a.b.c = 1\na.d = 2\n",
        ),
        (
            "a.k = 1 # k\na.l = 2\n",
            lambda t: t.update(a={"m": 3}),
            "a.m = 3\n",
        ),
        (
            "[a]\nb.k = 1\n[a.b.c]\nk = 2\n",
            lambda t: t["a"]["b"].update(l=3),
            "[a]\nb.k = 1\nb.l = 3\n[a.b.c]\nk = 2\n",
        ),
    ],
)
def test_what_is_new_in_a_table_of_dotted_keys_is_a_dotted_key_behind_them(
    text: str, change: Change, expected: str
) -> None:
    assert changed(change, text) == expected


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("a.b = 1\nc = 2\n", {"a": {}, "c": 2}, "c = 2\n\n[a]\n"),
        ("[a.b]\nk = 1\n", {"a": {}}, "[a]\n"),
        ("a.b.c = 1\n", {"a": {"b": 2}}, "[a]\nb = 2\n"),
        ("[t]\na.b.c = 1\n", {"t": {"a": {"b": {}}}}, "[t]\n\n    [t.a.b]\n"),
    ],
)
def test_a_table_of_which_no_line_is_left_gets_a_header(
    text: str, table: Table, expected: str
) -> None:
    assert update(text, table) == expected


def test_a_table_that_has_tables_only_gets_a_header_for_a_value() -> None:
    text = "[a.b]\nk = 1 # k\n\n# about z\n[z]\nk = 2\n"
    expected = "[a.b]\nk = 1 # k\n\n[a]\nc = 2\n\n# about z\n[z]\nk = 2\n"
    assert changed(lambda t: t["a"].update(c=2), text) == expected


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (
            "a = {b.c = 1} # a\n",
            lambda t: t["a"]["b"].update(d=[{"e": 2}]),
            "a = {b = {c = 1, d = [{e = 2}]}} # a\n",
        ),
        (
            "a = {b.c = 1} # a\n",
            lambda t: t["a"].update(d=2),
            "a = {b.c = 1, d = 2} # a\n",
        ),
        (
            "a = {k = [\n  1, # one\n], l = 2 } # a\n",
            lambda t: t["a"].update(lazy=True),
            "a = {k = [\n  1, # one\n], l = 2, lazy = true } # a\n",
        ),
        (
            "a = {k = []} # a\n",
            lambda t: t["a"].update(k=[{"l": 1}]),
            "a = {k = [{l = 1}]} # a\n",
        ),
        ("a = {} # a\n", lambda t: t["a"].update(k=1), "a = {k = 1} # a\n"),
    ],
)
def test_a_table_in_braces_stays_in_braces(
    text: str, change: Change, expected: str
) -> None:
    assert changed(change, text) == expected


def test_many_changes_read_the_text_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = []

    def counted(text: str) -> Iterator[Statement]:
        reads.append(len(text))
        return statements(text)

    monkeypatch.setattr(editing, "statements", counted)
    old = "# kept\n" + "".join(f"[[a]]\nn = {n}\n" for n in range(30))
    new = {"a": [{"n": n + 100, "new": n} for n in range(30)]}
    new["a"] += [{"n": n} for n in range(30)]
    assert update(old, new) == "# kept\n" + "".join(
        f"[[a]]\nn = {n + 100}\nnew = {n}\n" for n in range(30)
    ) + "".join(f"[[a]]\nn = {n}\n" for n in range(30))
    assert len(reads) <= 3
