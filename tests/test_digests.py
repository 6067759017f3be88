from __future__ import annotations

import pytest

from fetch_artifacts.digests import Sha256, TreeHash, check_algorithm
from fetch_artifacts.errors import HashParseError

HEX = "339aad93c0f854604248ea3b7c5b7edea20625a9"


def test_either_case_is_read_and_lower_case_is_written() -> None:
    assert str(TreeHash.parse(HEX.upper())) == HEX
    assert str(Sha256.parse("AB" * 32)) == "ab" * 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEX[:-1], "found 39"),
        (HEX + "0" * 24, "found 64"),
        ("g" + HEX[1:], "found 'g'"),
        (HEX[:-1] + "é", "found 'é'"),
        (" " + HEX[1:], "found ' '"),
        ("", "found 0"),
    ],
)
def test_what_is_no_hash_is_refused_with_what_was_found(text: str, found: str) -> None:
    with pytest.raises(HashParseError, match=f"git-tree-sha1: expected 40.*{found}"):
        TreeHash.parse(text)


def test_the_length_tells_the_algorithm() -> None:
    assert TreeHash(bytes(20)).algorithm == "git-sha1"
    assert TreeHash(bytes(32)).algorithm == "git-sha256"
    with pytest.raises(HashParseError, match="found 21"):
        TreeHash(bytes(21))


def test_an_unknown_algorithm_is_refused() -> None:
    assert check_algorithm("git-sha256") == "git-sha256"
    with pytest.raises(ValueError, match="'git-sha1' or 'git-sha256', found 'md5'"):
        check_algorithm("md5")
