from __future__ import annotations

import pytest

from fetch_artifacts.digests import (
    Sha256,
    TreeHash,
    check_algorithm,
    is_tree_hash,
    require_archive,
    require_tree,
)
from fetch_artifacts.errors import (
    HashParseError,
    TarballHashMismatchError,
    TreeHashMismatchError,
)

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


TREE, GIT_TREE, OTHER = (TreeHash(bytes([number]) * 20) for number in (1, 2, 3))
ARCHIVE, OTHER_ARCHIVE = (Sha256(bytes([number]) * 32) for number in (1, 2))


def test_the_promised_archive_is_accepted_as_is_any_without_a_promise() -> None:
    require_archive(ARCHIVE, ARCHIVE, "here")
    require_archive(None, ARCHIVE, "here")


def test_another_archive_is_an_error_that_tells_both_hashes_and_where() -> None:
    message = (
        "^here: Checksum verification failed: expected an archive of sha256 "
        f"{ARCHIVE}, found {OTHER_ARCHIVE};"
    )
    with pytest.raises(TarballHashMismatchError, match=message) as caught:
        require_archive(ARCHIVE, OTHER_ARCHIVE, "here")
    assert (caught.value.expected, caught.value.actual) == (ARCHIVE, OTHER_ARCHIVE)


@pytest.mark.parametrize("promised", [TREE, GIT_TREE, None])
def test_a_tree_is_accepted_by_julias_hash_and_by_gits(
    promised: TreeHash | None,
) -> None:
    require_tree(promised, TREE, GIT_TREE, "here")


def test_another_tree_is_an_error_that_tells_both_hashes_and_where() -> None:
    message = f"^here: expected a tree of git-tree-sha1 {OTHER}, found {TREE};"
    with pytest.raises(TreeHashMismatchError, match=message) as caught:
        require_tree(OTHER, TREE, GIT_TREE, "here")
    assert (caught.value.expected, caught.value.actual) == (OTHER, TREE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("aB" * 20, True), ("a" * 39, False), ("g" * 40, False), ("a" * 40 + "\n", False)],
)
def test_40_hex_digits_are_a_tree_hash(text: str, expected: bool) -> None:
    assert is_tree_hash(text) is expected


def test_hashes_read_well() -> None:
    assert repr(TreeHash.parse("ab" * 20)) == f"<TreeHash {'ab' * 20}>"
    assert repr(Sha256.parse("cd" * 32)) == f"<Sha256 {'cd' * 32}>"
