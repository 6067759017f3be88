"""Pkg's rule for what counts: on a disk, by workers and in memory it is one rule."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetch_artifacts.git_tools.memory_tree import (
    PLAIN,
    Folder,
    hash_tree,
    root_digest,
)
from fetch_artifacts.git_tools.objects import blob_digest
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.git_tools.tree_rules import GIT_RULES, PKG_RULES, TAR_RULES

FILE = PLAIN + blob_digest(b"x", "git-sha1")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

CASES: dict[str, tuple[Folder, list[bytes]]] = {
    "a folder without files": ({b"a": {b"b": {}}, b"f": FILE}, [b""]),
    "a folder with a file in .git": (
        {b"a": {b".git": {b"b": {b"f": FILE}}}, b"f": FILE},
        [b"a/", b""],
    ),
    "a folder with a file that is called .git": (
        {b"a": {b".git": FILE}, b"f": FILE},
        [b"a/", b""],
    ),
    "a folder with a .git without files": (
        {b"a": {b".git": {b"b": {}}}, b"f": FILE},
        [b""],
    ),
    "a .git inside a .git": ({b"a": {b".git": {b".git": {b"f": FILE}}}}, [b"a/", b""]),
    "a .git in the root": ({b".git": {b"f": FILE}, b"f": FILE}, [b""]),
    "a folder in a folder": ({b"a": {b"b": {b"f": FILE}}}, [b"a/b/", b"a/", b""]),
    "nothing": ({}, [b""]),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def make(tree: Folder, path: Path) -> Path:
    path.mkdir()
    for name, node in tree.items():
        if isinstance(node, dict):
            make(node, path / name.decode())
        else:
            (path / name.decode()).write_bytes(b"x")
    return path


@every_case
def test_a_tree_in_memory_has_the_hash_of_the_same_tree_on_a_disk(
    tmp_path: Path, case: tuple[Folder, list[bytes]]
) -> None:
    tree, _ = case
    path = make(tree, tmp_path / "tree")

    expected = hash_directory(path)

    assert root_digest(tree, "git-sha1", PKG_RULES) == expected.digest
    assert root_digest(tree, "git-sha1", GIT_RULES) == expected.digest
    with ThreadPoolExecutor(2) as workers:
        assert hash_directory(path, executor=workers) == expected


@every_case
def test_folders_that_count_come_innermost_first(
    case: tuple[Folder, list[bytes]],
) -> None:
    tree, expected = case
    found = list(hash_tree(tree, "git-sha1", PKG_RULES))
    assert [path for path, _, _ in found] == expected
    assert found[-1][1] is tree


def test_a_folder_with_nothing_but_git_is_an_empty_tree() -> None:
    found = hash_tree({b"a": {b".git": FILE}}, "git-sha1", PKG_RULES)
    assert {path: digest.hex() for path, _, digest in found}[b"a/"] == EMPTY_TREE


def test_everything_counts_for_tar() -> None:
    tree: Folder = {b"a": {b".git": {b"b": {}}}}
    found = [path for path, _, _ in hash_tree(tree, "git-sha1", TAR_RULES)]
    assert found == [b"a/.git/b/", b"a/.git/", b"a/", b""]
