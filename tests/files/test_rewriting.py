from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fetch_artifacts.errors import LockTimeoutError
from fetch_artifacts.files.rewriting import locked_file


def test_a_missing_file_has_no_content_and_can_be_made(tmp_path: Path) -> None:
    with locked_file(tmp_path / "f") as file:
        assert file.content is None
        file.replace("é")
    assert (tmp_path / "f").read_bytes() == "é".encode()
    assert list(tmp_path.glob("f*")) == [tmp_path / "f"]


def test_a_file_that_nobody_replaces_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    before = path.stat()
    with locked_file(path) as file:
        assert file.content == b"old"
    assert path.stat() == before


def test_an_error_in_the_block_leaves_the_file_and_releases_the_lock(
    tmp_path: Path,
) -> None:
    with pytest.raises(ZeroDivisionError), locked_file(tmp_path / "f"):
        raise ZeroDivisionError
    assert not list(tmp_path.glob("f*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no links for everyone")
def test_a_file_and_a_link_to_it_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "link").symlink_to("f")
    with locked_file(tmp_path / "link") as file:
        with pytest.raises(LockTimeoutError), locked_file(tmp_path / "f", timeout=0.01):
            pass
        file.replace(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "f").read_bytes() == b"new"


def test_a_lock_of_another_name_is_the_one_that_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "other.pid"
    lock.write_text("1 elsewhere")
    with (
        pytest.raises(LockTimeoutError, match=r"other\.pid"),
        locked_file(tmp_path / "f", lock=lock, timeout=0.01),
    ):
        pass


def test_threads_lose_no_change(tmp_path: Path) -> None:
    def add(number: int) -> None:
        with locked_file(tmp_path / "f") as file:
            file.replace((file.content or b"") + b"%d\n" % number)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "f").read_text().splitlines()
    assert sorted(map(int, lines)) == list(range(16))
