"""The tree hash of a folder is Julia's, quirks included."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import NotAFolderError
from fetch_artifacts.git_tools import files, folders
from fetch_artifacts.git_tools.objects import (
    FILE,
    FOLDER,
    TreeEntry,
    blob_digest,
    sort_name,
    tree_digest,
)
from fetch_artifacts.git_tools.tree_hash import (
    hash_directory,
    list_directory,
    verify_directory,
)
from support.fixtures import ANY_NAMES, load_vectors
from support.trees import (
    EXECUTABLE,
    OUTSIDE_ASCII,
    PLAIN,
    TREES,
    Link,
    Tree,
    make_tree,
    recorded_tree,
)

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no executable bit, and may have no links"
)


# --- Julia's recorded answers


@ANY_NAMES
@pytest.mark.parametrize("number", range(len(load_vectors("tree"))))
def test_a_recorded_tree_has_the_hashes_that_julia_gave_it(
    tmp_path: Path, number: int
) -> None:
    case, answer = load_vectors("tree")[number]
    tree = make_tree(tmp_path / "tree", recorded_tree(case))

    assert answer["git_tools"] == str(hash_directory(tree))
    expected = answer["git_tools_sha256"]
    assert expected == str(hash_directory(tree, algorithm="git-sha256"))


@ANY_NAMES
@pytest.mark.parametrize("number", range(len(load_vectors("tree", "1.5.3"))))
def test_a_recorded_tree_has_the_hash_that_the_oldest_julia_gave_it(
    tmp_path: Path, number: int
) -> None:
    case, answer = load_vectors("tree", "1.5.3")[number]
    tree = make_tree(tmp_path / "tree", recorded_tree(case))

    assert answer["git_tools"] == str(hash_directory(tree))


@pytest.mark.parametrize("name", TREES)
def test_a_tree_has_the_hash_that_julia_gives_it(tmp_path: Path, name: str) -> None:
    tree, expected = TREES[name]
    assert expected == str(hash_directory(make_tree(tmp_path / "tree", tree)))


@pytest.mark.parametrize(
    "tree",
    [
        {"f": "1", "sub/.git": Link("nowhere")},
        {"f": "1", "sub/.git": "a file"},
        {"f": "1", "sub/.git": Link(".")},
        {"f": "1", "sub/.git/l": Link(".")},
        {"f": "1", "sub/.git/a/b/c": "", "sub/d": None},
    ],
)
def test_a_git_with_any_file_alone_makes_its_folder_an_entry_that_is_empty(
    tmp_path: Path, tree: Tree
) -> None:
    # Julia 1.5.3
    expected = "66f9f6f2e17236f7f914d955c6df75f14ed0c933"
    assert expected == str(hash_directory(make_tree(tmp_path / "tree", tree)))


@ANY_NAMES
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f\udcffg", "81393c074ffcda946e744e3f5d69da8aaf86908a"),
        ("a\nb", "54f98f345e0c6a5d7f2fa506f67568ff044fc417"),
        ("a\\b", "17447d4000021866040779ec7e7a126546b7441e"),
        ("e\u0301", "95806783467e936f7e8517d219fe1e043070f232"),
    ],
)
def test_a_name_is_hashed_as_the_bytes_it_is(
    tmp_path: Path, name: str, expected: str
) -> None:
    assert expected == str(hash_directory(make_tree(tmp_path / "tree", {name: "1"})))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o644, PLAIN),
        (0o654, PLAIN),
        (0o645, PLAIN),
        (0o400, PLAIN),
        (0o4644, PLAIN),
        (0o744, EXECUTABLE),
        (0o500, EXECUTABLE),
        (0o4755, EXECUTABLE),
    ],
)
def test_of_a_mode_only_the_owners_executable_bit_counts(
    tmp_path: Path, mode: int, expected: str
) -> None:
    tree = make_tree(tmp_path / "tree", {"f": (b"1", mode)})
    assert expected == str(hash_directory(tree))


def test_a_hard_link_is_a_file(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1"})
    os.link(tree / "f", tree / "g")
    expected = "8f08340325be021345c9c1e236f48cb2784ca131"
    assert expected == str(hash_directory(tree))


def test_clearing_write_bits_as_an_install_does_keeps_the_hash(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"sub/f": "1", "g": (b"2", 0o755)})
    before = hash_directory(tree)
    (tree / "sub/f").chmod(0o444)
    (tree / "g").chmod(0o555)
    assert before == hash_directory(tree)


def test_sha256_is_used_at_every_level(tmp_path: Path) -> None:
    tree = make_tree(
        tmp_path / "tree", {"f": "tamper", "l": Link("f"), "sub/x": (b"1", 0o755)}
    )
    # Julia 1.12.5
    expected = "d99979cb97734ecaa7ea5f8047dd1349dcdb1fbc690ca10cc4f9e7282cd427dc"
    assert expected == str(hash_directory(tree, algorithm="git-sha256"))


# --- the path that is given


@pytest.mark.parametrize("kind", [str, Path, os.fsencode], ids=["str", "Path", "bytes"])
def test_a_path_may_be_text_or_bytes_or_a_path(
    tmp_path: Path, kind: Callable[[Path], str | bytes | Path]
) -> None:
    make_tree(tmp_path / "tree", {"f": "1"})
    expected = TreeHash.parse(PLAIN)
    assert expected == hash_directory(kind(tmp_path / "tree"))


def test_a_path_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "tree", {"f": "1"})
    monkeypatch.chdir(tmp_path / "tree")
    assert [hash_directory(".")] * 3 == [
        hash_directory("../tree/"),
        hash_directory("./"),
        hash_directory(tmp_path / "tree"),
    ]


def test_a_link_to_a_folder_has_the_hash_of_that_folder(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1"})
    (tmp_path / "link").symlink_to(tree)
    assert hash_directory(tree) == hash_directory(tmp_path / "link")


def test_the_name_of_the_root_does_not_count(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1"})
    other = make_tree(tmp_path / ".git", {"f": "1"})
    assert hash_directory(tree) == hash_directory(other)


@pytest.mark.parametrize(
    ("name", "error"),
    [("missing", FileNotFoundError), ("file", NotADirectoryError)],
)
def test_a_path_that_is_no_folder_is_an_error_that_names_it(
    tmp_path: Path, name: str, error: type[OSError]
) -> None:
    make_tree(tmp_path, {"file": "1"})
    with pytest.raises(error, match=name) as caught:
        hash_directory(tmp_path / name)
    assert isinstance(caught.value, NotAFolderError)
    assert caught.value.path == tmp_path / name


def test_no_path_at_all_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        hash_directory("")


def test_an_algorithm_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="md5"):
        hash_directory(tmp_path, algorithm="md5")  # type: ignore[arg-type]


# --- trees of all shapes


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_files_around_the_size_where_threads_start_have_their_hash(
    tmp_path: Path, size: int
) -> None:
    content = bytes(range(251)) * 5000
    content = content[: files.LARGE + size]
    tree = make_tree(tmp_path / "tree", {"a": content, "sub/b": content, "c": "1"})
    blob = blob_digest(content, "git-sha1")
    entries = [
        (FILE, b"a", blob),
        (FOLDER, b"sub", tree_digest([(FILE, b"b", blob)], "git-sha1")),
        (FILE, b"c", blob_digest(b"1", "git-sha1")),
    ]
    assert tree_digest(entries, "git-sha1") == hash_directory(tree).digest


@pytest.fixture
def _all_files_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE", 0)


@pytest.mark.usefixtures("_all_files_large")
@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_large_files_has_the_hash_that_julia_gives_it(
    tmp_path: Path, name: str
) -> None:
    tree, expected = TREES[name]
    assert expected == str(hash_directory(make_tree(tmp_path / "tree", tree)))


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("name", TREES)
def test_files_that_are_hashed_a_few_at_a_time_give_the_hash_that_julia_gives(
    tmp_path: Path, name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "files_at_once", lambda: most)
    tree, expected = TREES[name]
    assert expected == str(hash_directory(make_tree(tmp_path / "tree", tree)))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_large_and_small_files_a_few_at_a_time_have_their_place(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content: Tree = {"a/b": "1", "a/c": "large", "a/d/e": "1", "f": "large", "g/h": "1"}
    tree = make_tree(tmp_path / "tree", {**content, "g/i": ("2", 0o755)})
    expected = list(list_directory(tree))
    monkeypatch.setattr(files, "LARGE", 5)
    monkeypatch.setattr(folders, "files_at_once", lambda: most)
    assert sorted(expected) == sorted(list_directory(tree))


# --- verification


@pytest.mark.parametrize("name", OUTSIDE_ASCII)
def test_a_link_outside_ascii_is_hashed_as_julia_does(
    tmp_path: Path, name: str
) -> None:
    tree, julia, _ = OUTSIDE_ASCII[name]
    assert julia == str(hash_directory(make_tree(tmp_path / "tree", tree)))


@pytest.mark.parametrize("name", OUTSIDE_ASCII)
def test_verifying_a_link_outside_ascii_accepts_julias_hash_and_gits(
    tmp_path: Path, name: str
) -> None:
    tree, *hashes = OUTSIDE_ASCII[name]
    path = make_tree(tmp_path / "tree", tree)
    for expected in map(TreeHash.parse, hashes):
        assert expected == verify_directory(path, expected)


@pytest.mark.usefixtures("_all_files_large")
@pytest.mark.parametrize("name", OUTSIDE_ASCII)
def test_verifying_accepts_gits_hash_beside_large_files_too(
    tmp_path: Path, name: str
) -> None:
    tree, _, git = OUTSIDE_ASCII[name]
    path = make_tree(tmp_path / "tree", tree)
    assert git == str(verify_directory(path, TreeHash.parse(git)))


def test_verifying_a_tree_that_differs_gives_julias_hash_of_it(tmp_path: Path) -> None:
    tree, julia, _ = OUTSIDE_ASCII["at the top"]
    path = make_tree(tmp_path / "tree", tree)
    assert julia == str(verify_directory(path, TreeHash.parse(PLAIN)))


def test_verifying_uses_the_algorithm_of_the_expected_hash(tmp_path: Path) -> None:
    path = make_tree(tmp_path / "tree", {"f": "1"})
    expected = hash_directory(path, algorithm="git-sha256")
    assert expected == verify_directory(path, expected)


def test_verifying_opens_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, _, git = OUTSIDE_ASCII["several"]
    path = make_tree(tmp_path / "tree", tree)
    opened: list[bytes] = []
    system_open = os.open

    def counting_open(name: bytes, flags: int) -> int:
        opened.append(name)
        return system_open(name, flags)

    monkeypatch.setattr(os, "open", counting_open)
    verify_directory(path, TreeHash.parse(git))
    assert [os.fsencode(path / "f")] == opened


# --- entry by entry


def test_a_tree_is_listed_as_git_lists_it(tmp_path: Path) -> None:
    tree, _ = TREES["an executable"]
    # git ls-tree -r -t
    expected = """\
        100644 b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0 a
        100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 b.txt
        40000 2f763339ddba9b8270b348a75ddf7285ee629883 b
        100755 04fea06420ca60892f73becee3614f6d023a4b7f b/x
        120000 c6da9657ab1014f6c8ddb2c9f2459a15df5badc5 lnk
    """
    entries = list_directory(make_tree(tmp_path / "tree", tree))
    in_gits_order = sorted(entries, key=lambda entry: sort_name(*entry[:2]))
    lines = [
        f"{mode.decode()} {digest.hex()} {path.decode()}"
        for mode, path, digest in in_gits_order
    ]
    assert textwrap.dedent(expected).splitlines() == lines


@pytest.mark.usefixtures("_all_files_large")
def test_a_listing_holds_large_files_but_no_empty_folders(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"sub/f": "1", "g/.git": None, "h/i": None})
    one = blob_digest(b"1", "git-sha1")
    sub = tree_digest([(FILE, b"f", one)], "git-sha1")
    expected: list[TreeEntry] = [(FILE, b"sub/f", one), (FOLDER, b"sub", sub)]
    assert expected == list(list_directory(tree))
