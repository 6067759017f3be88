"""Edits in place say what they shall say, and leave alone what does not change."""

from __future__ import annotations

from typing import Any

import tomli
from hypothesis import given
from hypothesis import strategies as st

from fetch_artifacts.julia_toml import dumps
from fetch_artifacts.julia_toml.editing import update

KEYS = st.text(max_size=6)
SOURCES = st.fixed_dictionaries({"url": st.text(), "sha256": st.text(max_size=4)})
ENTRIES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"git-tree-sha1": st.text()},
    optional={
        "lazy": st.booleans(),
        "download": st.lists(SOURCES, min_size=1, max_size=3),
        "note": st.one_of(st.text(), st.lists(st.integers(0, 9), max_size=2)),
    },
)
VALUES = st.one_of(ENTRIES, st.lists(ENTRIES, min_size=1, max_size=3))
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A file's data, and what it shall be: some of it removed, changed, added."""
    old = draw(TABLES)
    new = {}
    for key, value in old.items():
        choices = [value, draw(VALUES), None]
        if isinstance(value, list):
            choices += [value[1:], value[:-1], [*value[1:], *value[:1]]]
            choices += [[*value, draw(ENTRIES)], [*value[1:], draw(ENTRIES)]]
        else:
            choices += [{**value, **draw(ENTRIES)}]
        chosen = draw(st.sampled_from(choices))
        if chosen is not None:
            new[key] = chosen
    return old, {**new, **draw(TABLES)}


@given(changes())
def test_an_edited_file_says_the_new_and_keeps_the_rest(
    change: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = change
    blocks = {
        key: f"# about {number}\n{dumps({key: value})}"
        for number, (key, value) in enumerate(old.items())
    }
    text = update("\n".join(blocks.values()), new)
    assert tomli.loads(text) == new
    for key, block in blocks.items():
        comment, _, lines = block.partition("\n")
        assert f"{comment}\n" in text
        assert lines in text or old[key] != new.get(key)


@given(changes())
def test_editing_back_gives_the_data_back(
    change: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = change
    assert tomli.loads(update(update(dumps(old), new), old)) == old
