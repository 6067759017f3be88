"""Git's blobs and trees, and Julia's way to hash a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fetch_artifacts.git_tools.objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    blob_digest,
    blob_hasher,
    link_digest,
    parse_tree,
    tree_digest,
    tree_entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.digests import Algorithm


def test_an_empty_blob_has_the_digest_that_git_prints() -> None:
    expected = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert expected == blob_digest(b"", "git-sha1").hex()


def test_a_sha256_blob_has_the_digest_that_git_prints() -> None:
    # `git init --object-format=sha256`, then `git hash-object` of an empty file.
    expected = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
    assert expected == blob_digest(b"", "git-sha256").hex()


def test_a_blob_fed_in_pieces_has_the_digest_of_the_whole() -> None:
    hasher = blob_hasher(5, "git-sha1")
    hasher.update(b"he")
    hasher.update(b"llo")
    assert blob_digest(b"hello", "git-sha1") == hasher.digest()


def test_one_hash_object_does_not_disturb_the_next() -> None:
    blob_hasher(5, "git-sha1").update(b"hello")
    assert blob_digest(b"", "git-sha1") == blob_hasher(0, "git-sha1").digest()


def test_a_tree_without_entries_is_the_empty_tree() -> None:
    expected = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert expected == tree_digest([], "git-sha1").hex()


def test_a_link_in_ascii_hashes_as_git_hashes_it() -> None:
    assert blob_digest(b"a/b", "git-sha1") == link_digest(b"a/b", "git-sha1")


@pytest.mark.parametrize(
    ("digest", "tree"),
    [
        (link_digest, "7ecfdf5e68068aa91fd3df181b9cf9b011c7790e"),  # Julia's
        (blob_digest, "ead5217b73f158397ffbcf9ab718635b78905626"),  # git's
    ],
)
def test_a_link_outside_ascii_has_julias_value_and_gits(
    digest: Callable[[bytes, Algorithm], bytes], tree: str
) -> None:
    target = "tärget".encode()
    entry = (LINK, b"l", digest(target, "git-sha1"))
    assert tree == tree_digest([entry], "git-sha1").hex()


# Julia 1.12.5: length(String(bytes))
@pytest.mark.parametrize(
    ("target", "characters"),
    [
        (b"\xe2\x82", 1),
        (b"\xe2\x82\x41", 2),
        (b"\xf0\x9f\x98", 1),
        (b"\xed\xa0\x80", 1),
        (b"\xc0\x80", 1),
        (b"\xf5\x80\x80\x80", 1),
        (b"\xff\xfe", 2),
        (b"\xf8\x80\x80", 3),
        (b"a\xffb\xe2\x82c", 5),
        (b"\xc3\xa4\n", 2),
    ],
)
def test_a_link_is_hashed_with_julias_count_of_characters(
    target: bytes, characters: int
) -> None:
    expected = blob_hasher(characters, "git-sha1")
    expected.update(target)
    assert expected.digest() == link_digest(target, "git-sha1")


def test_a_folder_sorts_as_if_its_name_ended_in_a_slash() -> None:
    one = blob_digest(b"1", "git-sha1")
    inner = tree_digest([(FILE, b"x", one)], "git-sha1")
    entries = [(FOLDER, b"a", inner), (FILE, b"a0", one), (FILE, b"a.b", one)]
    expected = "5c2874aeccfb1b65f56a5c697a1afec1dfb617bc"
    assert expected == tree_digest(entries, "git-sha1").hex()


def test_a_link_sorts_without_a_slash() -> None:
    inner = tree_digest([(FILE, b"x", blob_digest(b"1", "git-sha1"))], "git-sha1")
    link = link_digest(b"5.28.1", "git-sha1")
    entries = [(FOLDER, b"5.28.1", inner), (LINK, b"5.28", link)]
    expected = "d2d73d089a6d4d9cccf56cfa352bc0fc57230d40"
    assert expected == tree_digest(entries, "git-sha1").hex()


def test_a_serialised_tree_reads_back() -> None:
    entries = [
        (EXECUTABLE, b"a b\xff", b"\0" * 20),
        (FILE, b"c", bytes(range(20))),
        (FOLDER, b"d", b" " * 20),
    ]
    body = b"".join(tree_entry(*entry) for entry in entries)
    assert entries == list(parse_tree(body, "git-sha1"))
