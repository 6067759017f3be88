from __future__ import annotations

import gzip
import io
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from fetch_artifacts.archive.tree import read_archive, read_archive_file
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import UnpackError
from fetch_artifacts.git_tools.tree_hash import hash_directory, list_directory
from support.archives import END, file, folder, hardlink, pax, symlink
from support.fixtures import load_vectors
from support.published import TREE, TREE_HASH, tar
from support.trees import Link, Tree, recorded_tree

ODD: Tree = {
    "a": "file",
    "a.b/c": ("script", 0o755),
    "a-b": Link("a.b"),
    "empty/deep": None,
    "git/.git/x": "skipped",
    "schön": Link("grün"),
}


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"a": 1}'])
def test_a_file_has_no_address_to_check(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(UnpackError, match=r"; check which file it is$"):
        read_archive_file(path)


def test_an_archive_has_the_hash_of_what_it_unpacks_to() -> None:
    tree = read_archive([gzip.compress(tar(TREE))])
    assert (tree.kind, str(tree.tree_hash)) == ("gz", TREE_HASH)


@pytest.mark.parametrize("data", [tar(ODD), gzip.compress(tar(ODD))])
def test_it_agrees_with_unpacking_and_with_hashing_the_folder(
    tmp_path: Path, data: bytes
) -> None:
    tree = read_archive([data])
    unpacked = unpack_archive([data], tmp_path)
    assert (tree.tree_hash, tree.git_hash) == (unpacked.tree_hash, unpacked.git_hash)
    assert tree.tree_hash == hash_directory(tmp_path)
    assert sorted(tree.entries()) == sorted(list_directory(tmp_path))


def test_folders_without_files_count_for_tar_tree_hash_alone() -> None:
    compared = 0
    for case, answer in load_vectors("tree"):
        tree = recorded_tree(case)
        links = [content for content in tree.values() if isinstance(content, Link)]
        # Julia 1.12 counts the characters of a link's target, later Tar.jl its bytes.
        if "tar" in answer and all(link.isascii() for link in links):
            found = read_archive([tar(tree)])
            assert answer["tar"]["tree_hash"] == str(found.tar_hash), case
            compared += found.tar_hash != found.tree_hash
    assert compared > 5


def test_a_zip_archive_is_read_too() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo3", "baz!")
    tree = read_archive([buffer.getvalue()])
    plain = read_archive([tar({"foo3": "baz!"})])
    assert (tree.kind, plain.kind) == ("zip", "tar")
    assert tree.tree_hash == plain.tree_hash


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar({"zeros": bytes(1 << 20)}))
    assert (
        read_archive_file(path).tree_hash == read_archive([path.read_bytes()]).tree_hash
    )


def test_the_one_folder_at_the_top_is_told() -> None:
    inner = tar(TREE)
    outer = tar({f"data/{name}": content for name, content in TREE.items()})
    top = read_archive([outer]).top_folder
    assert top is not None
    assert (top[0], str(top[1].tree_hash)) == ("data", TREE_HASH)
    assert read_archive([inner]).top_folder is None
    assert read_archive([tar({"file": ""})]).top_folder is None


@pytest.mark.parametrize(
    "members",
    [
        file(b"../escaped") + END,
        symlink(b"link", b"/etc") + file(b"link/passwd") + END,
        file(b"a") + file(b"a/b/c") + END,
        file(b"d/f", b"x") + hardlink(b"d", b"d/f") + END,
        pax((b"path", b"a/" * 2048 + b"f")) + file(b"x"),
        file(b"cut", b"x" * 600)[:-512],
    ],
)
def test_what_must_not_be_unpacked_is_refused_as_by_unpacking(
    tmp_path: Path, members: bytes
) -> None:
    data = folder(b"first") + members
    with pytest.raises(UnpackError) as by_unpacking:
        unpack_archive([data], tmp_path)
    with pytest.raises(UnpackError) as by_reading:
        read_archive([data])
    assert str(by_reading.value) == str(by_unpacking.value)


def test_folders_that_only_paths_imply_cost_little_time_and_memory() -> None:
    # 2,048 folders for 20 bytes of the compressed archive.
    data = b"".join(
        pax((b"path", b"%d/" % number + b"a/" * 2046 + b"f")) + file(b"x")
        for number in range(20)
    )
    tracemalloc.start()
    try:
        started = time.process_time()  # of this process: others don't count
        tree = read_archive([gzip.compress(data)])
        assert sum(1 for _ in tree.entries()) == 20 * 2048
        seconds = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < 5  # 0.5 usually
    assert peak < 32 << 20


def test_an_empty_archive_is_the_empty_tree() -> None:
    empty = TreeHash.parse("4b825dc642cb6eb9a060e54bf8d69288fbee4904")  # git's own
    assert read_archive([tar({})]).tree_hash == empty
    assert list(read_archive([tar({"a/b": None})]).entries()) == []
