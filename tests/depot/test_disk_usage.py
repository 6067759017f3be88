from __future__ import annotations

import os
from pathlib import Path

import pytest

from fetch_artifacts.depot import disk_usage
from fetch_artifacts.depot.disk_usage import TreeSizes, measure_tree
from support.trees import Link, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that was made long ago."""
    root = make_tree(
        tmp_path / "artifacts" / ("a" * 40),
        {"one": "x" * 5000, "sub/two": "y", "sub/link": Link("two"), "empty": None},
    )
    for path in (root, root / "sub", root / "empty"):
        os.utime(path, (1e9, 1e9))
    return root


def test_files_and_links_count_and_folders_take_room(tree: Path) -> None:
    size = measure_tree(tree)
    assert size.files == 3
    assert size.bytes >= 5001
    (tree / "sub" / "more").write_text("z" * 100_000)
    assert measure_tree(tree).files == 4
    assert measure_tree(tree).bytes >= size.bytes + 100_000


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no blocks")
def test_a_file_with_two_names_takes_its_room_once(tree: Path) -> None:
    before = measure_tree(tree)
    os.link(tree / "one", tree / "again")
    after = measure_tree(tree)
    assert after.files == before.files + 1
    assert after.bytes < before.bytes + 4096


def test_a_tree_is_measured_once_until_a_folder_in_it_changes(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = TreeSizes(tree.parent)
    expected = sizes.of(tree)
    sizes.save()
    with monkeypatch.context() as patched:
        patched.setattr(disk_usage, "_measure", None)  # to call it would be an error
        again = TreeSizes(tree.parent)
        assert again.of(tree) == expected
        again.save()
    (tree / "sub" / "more").write_text("z")
    assert TreeSizes(tree.parent).of(tree).files == 4


def test_a_tree_that_may_still_change_is_not_remembered(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(tree / "sub")
    sizes = TreeSizes(tree.parent)
    sizes.of(tree)
    sizes.save()
    monkeypatch.setattr(disk_usage, "_measure", None)
    with pytest.raises(TypeError):
        TreeSizes(tree.parent).of(tree)


def test_what_is_gone_is_forgotten(tree: Path, tmp_path: Path) -> None:
    other = make_tree(tree.parent / ("b" * 40), {"x": "x"})
    os.utime(other, (1e9, 1e9))
    sizes = TreeSizes(tree.parent)
    assert sizes.of(tree) != sizes.of(other)
    sizes.save()
    sizes = TreeSizes(tree.parent)
    sizes.of(tree)
    sizes.save()
    (memory,) = (tmp_path / "home").rglob("*.json")
    assert other.name not in memory.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 9999,
        *(
            f'{{"NAME": {entry}}}'
            for entry in (
                "1",
                "[1, 2]",
                "[1, 2, []]",
                "[1, 2, [3]]",
                '[1, 2, [["", 0, 0]]]',
                '[1, 2, [["\\u0000", 0, 0]]]',
                '["1", 2, [["", MTIME, INODE]]]',
                '[1, null, [["", MTIME, INODE]]]',
            )
        ),
    ],
)
def test_a_damaged_memory_is_no_memory(tree: Path, tmp_path: Path, text: str) -> None:
    status = tree.stat()
    text = text.replace("NAME", tree.name)
    text = text.replace("MTIME", str(status.st_mtime_ns))
    text = text.replace("INODE", str(status.st_ino))
    sizes = TreeSizes(tree.parent)
    expected = sizes.of(tree)
    sizes.save()
    (memory,) = (tmp_path / "home").rglob("*.json")
    memory.write_text(text)
    assert TreeSizes(tree.parent).of(tree) == expected
