"""Whatever TOML can hold comes back from Julia's spelling of it."""

from __future__ import annotations

from datetime import timezone

import tomli
from hypothesis import given
from hypothesis import strategies as st

from fetch_artifacts.julia_toml import dumps
from fetch_artifacts.julia_toml.writer import Table

KEYS = st.text(max_size=8)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),  # nan is not equal to itself
    st.text(),
    st.dates(),
    st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
    st.datetimes(timezones=st.just(timezone.utc)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda values: st.one_of(
        st.lists(values, max_size=4), st.dictionaries(KEYS, values, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_reading_what_was_written_gives_the_data_back(table: Table) -> None:
    assert table == tomli.loads(dumps(table))


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_writing_what_was_read_changes_nothing(table: Table) -> None:
    text = dumps(table)
    assert text == dumps(tomli.loads(text))
