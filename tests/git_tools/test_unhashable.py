"""What Julia hangs on, or hashes as if all was well, is an error that names it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import UnhashableFileError
from fetch_artifacts.git_tools.objects import FILE, FOLDER, blob_digest, tree_digest
from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.trees import PLAIN, Tree, make_tree

ON_UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@contextmanager
def no_hang(seconds: int = 20) -> Iterator[None]:
    """Fail instead of waiting for ever."""

    def fail(*_: object) -> None:
        pytest.fail(f"still waiting after {seconds} s")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def deep_folder(root: Path, depth: int) -> Iterator[Path]:
    """A folder with so many folders below it, one in the other, and a file in the last.

    The system may refuse the whole path, so it is made, and removed, step by step.
    """
    root.mkdir()
    inner = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=inner)
        outer, inner = inner, os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=inner))
    try:
        yield root
    finally:
        os.remove("f", dir_fd=inner)
        for _ in range(depth):
            outer = os.open("..", os.O_RDONLY, dir_fd=inner)
            os.rmdir("d", dir_fd=outer)
            os.close(inner)
            inner = outer
        os.close(inner)


@ON_UNIX
@pytest.mark.parametrize("folder", ["", "sub/", "sub/deeper/"])
def test_a_fifo_is_an_error_that_names_it(tmp_path: Path, folder: str) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1", f"{folder}g": "1"})
    os.mkfifo(tree / f"{folder}pipe")
    with no_hang(), pytest.raises(UnhashableFileError, match="FIFO") as caught:
        hash_directory(tree)
    assert tree / f"{folder}pipe" == caught.value.path


@ON_UNIX
def test_a_socket_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(UnhashableFileError, match="socket") as caught:
            hash_directory(tmp_path)
    assert tmp_path / "socket" == caught.value.path


def test_a_device_is_an_error() -> None:
    if not Path("/dev/pts").is_dir():
        pytest.skip("NOT TESTED: no folder of devices here")
    with pytest.raises(UnhashableFileError, match="device"):
        hash_directory("/dev/pts")


@ON_UNIX
def test_what_is_in_a_git_folder_does_not_matter(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1", ".git/x": "1"})
    os.mkfifo(tree / ".git/pipe")
    with no_hang():
        actual = hash_directory(tree)
    assert TreeHash.parse(PLAIN) == actual


@ON_UNIX
@pytest.mark.parametrize("name", ["file", "sub/file", "folder"])
def test_what_can_not_be_read_is_an_error_that_names_it(name: str) -> None:
    # Root may read everything, so this goes on as nobody; pytest's folders are private.
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        closed = Path(public, "tree", name)
        files: Tree = {"f": "1", "sub/file": "1", "file": "1", "folder/f": "1"}
        tree = make_tree(Path(public, "tree"), files)
        closed.chmod(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            with pytest.raises(UnhashableFileError, match="can't be read") as caught:
                hash_directory(tree)
        finally:
            if root:
                os.seteuid(0)
            closed.chmod(0o755)
    assert closed == caught.value.path


@pytest.mark.skipif(sys.platform != "linux", reason="paths are shorter elsewhere")
def test_a_deeply_nested_folder_has_its_hash(tmp_path: Path) -> None:
    depth = sys.getrecursionlimit() + 100
    digest = tree_digest([(FILE, b"f", blob_digest(b"", "git-sha1"))], "git-sha1")
    for _ in range(depth):
        digest = tree_digest([(FOLDER, b"d", digest)], "git-sha1")

    with deep_folder(tmp_path / "tree", depth) as tree:
        assert TreeHash(digest) == hash_directory(tree)


@ON_UNIX
def test_a_folder_deeper_than_the_system_has_paths_for_is_an_error(
    tmp_path: Path,
) -> None:
    with (
        deep_folder(tmp_path / "tree", 2100) as tree,
        pytest.raises(UnhashableFileError, match=r"[Nn]ame too long"),
    ):
        hash_directory(tree)
