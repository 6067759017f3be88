"""Single files: what is not a file that stays as it is, is an error at once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fetch_artifacts.errors import UnhashableFileError
from fetch_artifacts.git_tools import files
from fetch_artifacts.git_tools.files import hash_file, hash_large_files
from fetch_artifacts.git_tools.objects import EXECUTABLE, FILE, blob_digest
from support.trees import make_tree

ON_UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture(params=[files.LARGE, 0], ids=["in one piece", "by blocks"])
def _large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE", request.param)


@ON_UNIX
@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize(("mode", "expected"), [(0o644, FILE), (0o700, EXECUTABLE)])
def test_a_file_has_its_mode_and_digest(
    tmp_path: Path, mode: int, expected: bytes
) -> None:
    make_tree(tmp_path, {"f": (b"hello", mode)})
    assert (expected, blob_digest(b"hello", "git-sha1")) == hash_file(
        os.fsencode(tmp_path / "f"), "git-sha1"
    )


def test_a_file_of_several_blocks_has_its_digest(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    make_tree(tmp_path, {"f": content})
    _, digest = hash_file(os.fsencode(tmp_path / "f"), "git-sha256")
    assert blob_digest(content, "git-sha256") == digest


def test_a_file_that_is_read_in_small_pieces_has_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some network file systems give less than was asked for.
    make_tree(tmp_path, {"f": "hello"})
    system_read = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: system_read(fd, min(size, 2)))
    _, digest = hash_file(os.fsencode(tmp_path / "f"), "git-sha1")
    assert blob_digest(b"hello", "git-sha1") == digest


@ON_UNIX
@pytest.mark.usefixtures("_large")
def test_a_file_that_has_become_a_fifo_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(UnhashableFileError, match="FIFO"):
        hash_file(os.fsencode(tmp_path / "f"), "git-sha1")


@ON_UNIX
@pytest.mark.usefixtures("_large")
def test_a_file_that_has_become_a_link_is_not_followed(tmp_path: Path) -> None:
    make_tree(tmp_path, {"g": "1"})
    (tmp_path / "f").symlink_to("g")
    with pytest.raises(UnhashableFileError, match="can't be read"):
        hash_file(os.fsencode(tmp_path / "f"), "git-sha1")


@ON_UNIX
@pytest.mark.usefixtures("_large")
def test_a_file_that_has_become_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnhashableFileError, match="found a folder"):
        hash_file(os.fsencode(tmp_path), "git-sha1")


def test_a_file_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UnhashableFileError, match="gone") as caught:
        hash_file(os.fsencode(tmp_path / "gone"), "git-sha1")
    assert tmp_path / "gone" == caught.value.path


# The kernel says that these have no bytes, or a page, whatever can be read from them:
# to a reader they are files that grow, or shrink, while they are read.
GROWS, SHRINKS = Path("/proc/self/status"), Path("/sys/kernel/uevent_seqnum")


@pytest.mark.usefixtures("_large")
def test_a_file_that_grows_is_an_error() -> None:
    if not GROWS.exists():
        pytest.skip(f"NOT TESTED: needs {GROWS}")
    with pytest.raises(UnhashableFileError, match="expected 0 bytes, found at least"):
        hash_file(os.fsencode(GROWS), "git-sha1")


@pytest.mark.usefixtures("_large")
def test_a_file_that_shrinks_is_an_error() -> None:
    if not SHRINKS.exists():
        pytest.skip(f"NOT TESTED: needs {SHRINKS}")
    size, there = SHRINKS.stat().st_size, len(SHRINKS.read_bytes())
    with pytest.raises(UnhashableFileError, match=f"expected {size} .* found {there}:"):
        hash_file(os.fsencode(SHRINKS), "git-sha1")


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_large_files_have_their_digests(
    tmp_path: Path, count: int, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: set(range(cores)), raising=False
    )
    contents = {f"f{i}": bytes([i]) * (i * 1000) for i in range(count)}
    make_tree(tmp_path, dict(contents))
    expected = {
        os.fsencode(tmp_path / name): blob_digest(content, "git-sha1")
        for name, content in contents.items()
    }
    assert expected == hash_large_files(list(expected), "git-sha1")


@ON_UNIX
def test_an_error_does_not_wait_for_the_large_files(tmp_path: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("NOT TESTED: one core takes one file after the other")
    huge, pipe = tmp_path / "huge", tmp_path / "pipe"
    huge.touch()
    os.truncate(huge, 256 << 30)  # minutes, if it were read
    os.mkfifo(pipe)
    start = time.monotonic()
    with pytest.raises(UnhashableFileError, match="FIFO"):
        hash_large_files([os.fsencode(huge), os.fsencode(pipe)], "git-sha1")
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("count", [1, 5])
def test_a_large_file_that_is_gone_is_an_error(tmp_path: Path, count: int) -> None:
    paths = [os.fsencode(tmp_path / f"gone{i}") for i in range(count)]
    with pytest.raises(UnhashableFileError, match="gone"):
        hash_large_files(paths, "git-sha1")
