"""Over generated trees: git agrees, workers agree, and only the tree itself counts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetch_artifacts.digests import Algorithm, TreeHash
from fetch_artifacts.git_tools.objects import tree_digest
from fetch_artifacts.git_tools.tree_hash import (
    hash_directory,
    list_directory,
    verify_directory,
)
from support.trees import Link, Tree, make_tree

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="this system changes or refuses some names"
)

Nested: TypeAlias = "dict[bytes, tuple[bytes, int] | Link | Nested]"

# Names that sort around a folder's slash, and any bytes. Git refuses its own names.
_GITS_OWN = (b".git", b".gitmodules", b".gitattributes")
NAMES = st.one_of(
    st.sampled_from([b"a", b"a ", b"a-", b"a.", b"a.b", b"a0", b"a\xff"]),
    st.sampled_from([b".gitignore", b"git~1", b"con", "é".encode(), b"back\\slash"]),
    st.binary(min_size=1, max_size=5),
).filter(
    lambda name: (
        not {*b"/\0"} & {*name}
        and name not in (b".", b"..")
        and name.lower() not in _GITS_OWN
    )
)
FILES = st.tuples(st.binary(max_size=40), st.sampled_from([0o644, 0o755, 0o744, 0o654]))
LONGEST_LINK = 4000  # bytes; Linux has room for 4095
ASCII_LINKS = st.text(
    st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=12
).map(Link)
ANY_LINKS = st.one_of(
    ASCII_LINKS,
    st.text(
        st.characters(min_codepoint=1, codec="utf-8"),
        min_size=1,
        max_size=LONGEST_LINK // 4,
    ).map(Link),
    st.binary(min_size=1, max_size=LONGEST_LINK)
    .map(lambda target: target.replace(b"\0", b"\xff"))
    .map(os.fsdecode)
    .map(Link),
)


def trees(links: st.SearchStrategy[Link]) -> st.SearchStrategy[Nested]:
    return st.dictionaries(
        NAMES,
        st.recursive(
            st.one_of(FILES, links),
            lambda below: st.dictionaries(NAMES, below, max_size=4),
            max_leaves=8,
        ),
        max_size=6,
    )


def flat(tree: Nested, folder: str = "") -> Tree:
    """The tree as `make_tree` takes it."""
    paths: Tree = {}
    for name, content in tree.items():
        path = folder + os.fsdecode(name)
        if isinstance(content, dict):
            paths |= {path: None} | flat(content, path + "/")
        else:
            paths[path] = content
    return paths


@contextmanager
def made(tree: Tree) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield make_tree(Path(folder, "tree"), tree)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    if not shutil.which("git"):
        pytest.skip("NOT COMPARED WITH GIT: there is no git")
    return Git(tmp_path_factory.mktemp("repository"))


class Git:
    """A repository that knows nothing but what a test adds to it."""

    OPTIONS = ("core.autocrlf=false", "core.protectNTFS=false", "core.protectHFS=false")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run("init", "--quiet", tree=folder)

    def tree_hash(self, tree: Path) -> TreeHash:
        """What git writes for a folder that is added to a clean index."""
        (self._folder / "index").unlink(missing_ok=True)
        self._run("add", "--all", "--force", ".", tree=tree)
        return TreeHash.parse(self._run("write-tree", tree=tree))

    def _run(self, *arguments: str, tree: Path) -> str:
        environment = {
            name: value for name, value in os.environ.items() if name[:4] != "GIT_"
        }
        environment |= {
            "GIT_DIR": str(self._folder),
            "GIT_WORK_TREE": str(tree),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        options = [word for option in self.OPTIONS for word in ("-c", option)]
        return subprocess.run(
            ["git", *options, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        ).stdout.strip()


@given(tree=trees(ASCII_LINKS))
@example(
    tree={b"a": {b"x": (b"1", 0o644)}, b"a.b": (b"1", 0o644), b"a0": (b"1", 0o644)}
)
def test_git_gives_a_tree_the_same_hash(git: Git, tree: Nested) -> None:
    with made(flat(tree)) as path:
        assert git.tree_hash(path) == hash_directory(path)


@given(tree=trees(ANY_LINKS))
def test_a_tree_verifies_by_gits_hash_whatever_its_links_are(
    git: Git, tree: Nested
) -> None:
    with made(flat(tree)) as path:
        expected = git.tree_hash(path)
        assert expected == verify_directory(path, expected)


@given(trees(ANY_LINKS), st.randoms(use_true_random=False))
@example({b"a": Link("longer than any name " * 20)}, Random(0))
def test_order_times_and_place_do_not_count(tree: Nested, random: Random) -> None:
    content = list(flat(tree).items())
    with made(dict(content)) as path:
        expected = hash_directory(path)
    random.shuffle(content)
    with made(dict(content)) as path:
        for name, _ in content:
            time = random.randrange(2**31)
            os.utime(path / name, (time, time), follow_symlinks=False)
        assert expected == hash_directory(path)


@given(trees(ANY_LINKS), st.sampled_from(["git-sha1", "git-sha256"]))
def test_workers_agree(tree: Nested, algorithm: Algorithm) -> None:
    with made(flat(tree)) as path, ThreadPoolExecutor(2) as executor:
        expected = hash_directory(path, algorithm=algorithm)
        assert expected == hash_directory(path, algorithm=algorithm, executor=executor)


@given(trees(ANY_LINKS))
def test_the_entries_of_a_listing_add_up_to_the_hash(tree: Nested) -> None:
    with made(flat(tree)) as path:
        top = [entry for entry in list_directory(path) if b"/" not in entry[1]]
        assert hash_directory(path) == TreeHash(tree_digest(top, "git-sha1"))
