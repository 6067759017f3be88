"""Text on a terminal: its width, and how it is made to fit."""

from __future__ import annotations

import pytest

from fetch_artifacts.terminal.columns import columns_of, folded, padded, shortened


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("name", 4),
        ("größe", 5),
        ("gro\N{COMBINING DIAERESIS}ße", 5),
        ("気象データ", 10),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}", 2),
        ("\N{ROCKET}", 2),
        ("\N{THERMOMETER}\N{VARIATION SELECTOR-16}", 2),
        ("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", 2),
    ],
)
def test_a_text_takes_as_many_columns(text: str, columns: int) -> None:
    assert columns_of(text) == columns
    assert columns_of(padded(text, 12)) == 12
    assert padded(text, 12, right=True) == " " * (12 - columns) + text


@pytest.mark.parametrize("chars", ["a", "気", "a気"])
def test_what_is_cut_or_folded_fits(chars: str) -> None:
    text = chars * 60
    for columns in range(5, 60):
        assert columns_of(shortened(text, columns)) in {columns - 1, columns}
        assert max(map(columns_of, folded(text, columns))) in {columns - 1, columns}
        assert "".join(folded(text, columns)) == text


def test_words_stay_whole_where_they_can() -> None:
    assert folded("for other platforms", 10) == ["for other", "platforms"]
    assert folded("in ~/.julia/artifacts", 15) == ["in ~/.julia/", "artifacts"]
    assert folded("in ~/.julia/artifacts", 8) == ["in ~/", ".julia/", "artifact", "s"]
    assert folded("monthly_means_1990", 12) == ["monthly_", "means_1990"]
    assert folded("a of abcdefgh", 6) == ["a of a", "bcdefg", "h"]
    assert folded("", 8) == [""]
    assert shortened("platforms", 9) == "platforms"
    assert shortened("platforms", 8) == "platf..."
