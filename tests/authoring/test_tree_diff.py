from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

from fetch_artifacts.authoring.build import artifact_from_directory
from fetch_artifacts.authoring.tree_diff import (
    compare_trees,
    containment,
    read_tree,
    tree_lines,
)
from fetch_artifacts.errors import DepotError, NotAFolderError, UnpackError
from support.published import TREE, TREE_HASH, tar
from support.trees import Link, Tree, make_tree


def differences(tmp_path: Path, first: Tree, second: Tree) -> list[str]:
    trees = [
        read_tree(make_tree(tmp_path / name, tree))
        for name, tree in (("first", first), ("second", second))
    ]
    return [str(difference) for difference in compare_trees(*trees)]


def test_a_folder_an_archive_and_an_artifact_are_the_same_tree(
    tmp_path: Path, depot: Path
) -> None:
    folder = make_tree(tmp_path / "data", TREE)
    archive = tmp_path / "a"
    archive.write_bytes(gzip.compress(tar(TREE)))
    installed = artifact_from_directory(folder)
    trees = [read_tree(place) for place in (folder, archive, str(installed))]
    assert [str(tree.tree_hash) for tree in trees] == [TREE_HASH] * 3
    assert trees[0] == trees[1] == trees[2]


def test_the_lines_are_those_of_git_ls_tree(tmp_path: Path) -> None:
    folder = make_tree(
        tmp_path,
        {
            "a/f": ("x\n", 0o755),
            "a-b": "q\n",
            "a.b/x": "#\n",
            "l": Link("b"),
            "empty": None,
        },
    )
    # git ls-tree -r -t, whose order takes a folder for "a/"
    assert list(tree_lines(folder)) == [
        "100644 blob bca70f35318f31dd1d1d1d2d2e64c19b880899ff\ta-b",
        "040000 tree 8244e5583728cdd81424d1c2f1a7907183237197\ta.b",
        "100644 blob 792d6005489ebee62cde02066f19c5521e620451\ta.b/x",
        "040000 tree 66bf56a3a27e078642eb82d48a2ed810288bc2cb\ta",
        "100755 blob 587be6b4c3f93f93c489c0111bba5596147a26cb\ta/f",
        "120000 blob 63d8dbd40c23542e740659a7168a0ce3138ea748\tl",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_name_that_cannot_be_printed_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "new\nline").touch()
    assert [line.partition("\t")[2] for line in tree_lines(tmp_path)] == ["new\\nline"]


def test_equal_trees_have_no_difference(tmp_path: Path) -> None:
    skipped: Tree = {**TREE, "empty": None, ".git/config": "not hashed"}
    assert differences(tmp_path, TREE, skipped) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"a": "", "b": ""}, {"b": ""}, ["a: only in the first"]),
        ({}, {"d/a": "", "d/b": ""}, [f"d/{n}: only in the second" for n in "ab"]),
        (
            {"a": "x\n"},
            {"a": ("x\n", 0o755)},
            ["a: mode 100644 and 100755"],
        ),
        (
            {"a": Link("here")},
            {"a": "here"},
            ["a: a link in the first, a file in the second"],
        ),
        (
            {"a": ""},
            {"a/b": ""},
            [
                "a: a file in the first, a folder in the second",
                "a/b: only in the second",
            ],
        ),
        (
            {"d/a": Link("here")},
            {"d/a": Link("there")},
            [
                (
                    "d/a: different target: 60aecbdbb21e68a16d08c3e94a0524637e353307 "
                    "and c78ee1a5bdf46d22da300b68d50bc45c587c3293"
                )
            ],
        ),
    ],
)
def test_each_difference_is_told_once(
    tmp_path: Path, first: Tree, second: Tree, expected: list[str]
) -> None:
    assert differences(tmp_path, first, second) == expected


def test_other_content_is_told_with_both_hashes(tmp_path: Path) -> None:
    found = differences(tmp_path, {"a": "x\n"}, {"a": ("q\n", 0o755)})
    assert found == [
        (
            "a: mode 100644 and 100755, different content: "
            "587be6b4c3f93f93c489c0111bba5596147a26cb and "
            "bca70f35318f31dd1d1d1d2d2e64c19b880899ff"
        )
    ]


def test_a_folder_around_all_of_it_explains_the_hash(tmp_path: Path) -> None:
    inner = read_tree(make_tree(tmp_path / "inner", TREE))
    make_tree(tmp_path / "outer" / "data", TREE)
    outer = read_tree(tmp_path / "outer")
    assert containment(inner, outer) == "the second has the other in its folder 'data'"
    assert containment(outer, inner) == "the first has the other in its folder 'data'"
    assert containment(inner, inner) == ""


def test_what_cannot_be_read_is_an_error(tmp_path: Path, depot: Path) -> None:
    with pytest.raises(DepotError, match="found none in any depot"):
        read_tree(TREE_HASH)
    with pytest.raises(NotAFolderError, match="absent: expected a folder, an archive"):
        read_tree(tmp_path / "absent")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(UnpackError):
        read_tree(tmp_path / "text")
