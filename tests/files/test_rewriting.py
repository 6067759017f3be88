from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from fetch_artifacts.errors import LockTimeoutError
from fetch_artifacts.files import writing
from fetch_artifacts.files.rewriting import rewrite
from support.trees import as_nobody, facts, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="NOT RUN: ONLY ROOT CAN GIVE FILES TO ANOTHER USER",
)


def to(new: bytes) -> Callable[[bytes | None], bytes]:
    return lambda _: new


def test_a_missing_file_has_no_content_and_can_be_made(tmp_path: Path) -> None:
    seen: list[bytes | None] = []

    def change(content: bytes | None) -> str:
        seen.append(content)
        return "é"

    assert rewrite(tmp_path / "f", change)
    assert seen == [None]
    assert (tmp_path / "f").read_bytes() == "é".encode()
    assert names(tmp_path) == ["f"]


def test_a_file_that_is_not_to_change_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    before = facts(path)
    assert not rewrite(path, lambda _: None)
    assert facts(path) == before


def test_an_error_leaves_the_file_and_releases_the_lock(tmp_path: Path) -> None:
    def fail(_: bytes | None) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rewrite(tmp_path / "f", fail)
    assert not names(tmp_path)


@UNIX
def test_a_file_and_a_link_to_it_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "link").symlink_to("f")

    def change(_: bytes | None) -> bytes:
        with pytest.raises(LockTimeoutError):
            rewrite(tmp_path / "f", to(b"other"), timeout=0.01)
        return b"new"

    rewrite(tmp_path / "link", change)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "f").read_bytes() == b"new"


def test_threads_lose_no_change(tmp_path: Path) -> None:
    def add(number: int) -> None:
        rewrite(tmp_path / "f", lambda old: (old or b"") + b"%d\n" % number)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "f").read_text().splitlines()
    assert sorted(map(int, lines)) == list(range(16))


# An editor takes no lock, and may keep the file's size and even its time.
def test_an_edit_made_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"1\n")
    seen: list[bytes | None] = []

    def change(content: bytes | None) -> bytes:
        seen.append(content)
        if len(seen) == 1:
            before = path.stat()
            path.write_bytes(b"2\n")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return (content or b"") + b"ours\n"

    assert rewrite(path, change)
    assert seen == [b"1\n", b"2\n"]
    assert path.read_bytes() == b"2\nours\n"
    assert names(tmp_path) == ["f"]


def test_a_file_that_changes_all_the_time_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    count = iter(range(1000))

    def change(_: bytes | None) -> bytes:
        path.write_bytes(b"%d" % next(count))
        return b"ours"

    with pytest.raises(OSError, match="other processes keep changing it"):
        rewrite(path, change)
    assert path.read_bytes() == b"99"


# A process that was stopped for long: its lock was stale, and another took it.
def test_a_lock_that_was_lost_is_taken_anew_before_the_file_is_written(
    tmp_path: Path,
) -> None:
    path, lock = tmp_path / "f", tmp_path / "f.pid"
    path.write_bytes(b"old")
    seen: list[bytes | None] = []

    def change(content: bytes | None) -> bytes:
        seen.append(content)
        if len(seen) == 1:
            lock.unlink()
            process = subprocess.Popen([sys.executable, "-c", ""])
            process.wait()
            lock.write_text(f"{process.pid} {socket.gethostname()}")
        return b"new"

    assert rewrite(path, change)
    assert seen == [b"old", b"old"]
    assert path.read_bytes() == b"new"
    assert not lock.exists()


@UNIX
def test_other_names_of_a_file_stay_names_of_it(tmp_path: Path) -> None:
    path, other = tmp_path / "f", tmp_path / "other"
    path.write_bytes(b"a longer content")
    other.hardlink_to(path)
    assert rewrite(path, to(b"new"))
    assert other.read_bytes() == b"new"
    assert path.samefile(other)
    assert names(tmp_path) == ["f", "other"]


@ROOT
def test_another_users_file_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.chown(path, 12345, 23456)
    assert rewrite(path, to(b"new"))
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (12345, 23456)
    assert stat.S_IMODE(status.st_mode) == 0o640


@pytest.mark.skipif(
    not hasattr(os, "setxattr"), reason="this system has no extended attributes"
)
def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"somewhere")
    except OSError:
        pytest.skip("NOT RUN: THIS FILE SYSTEM HAS NO EXTENDED ATTRIBUTES")
    assert rewrite(path, to(b"new"))
    assert os.getxattr(path, "user.origin") == b"somewhere"


@pytest.mark.skipif(
    not hasattr(os, "listxattr"), reason="this system has no extended attributes"
)
@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSYS])
def test_a_file_is_replaced_where_there_are_no_extended_attributes_and_modes(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "f"
    path.write_bytes(b"old")
    old = path.open("rb")
    chmod = mock.create_autospec(os.chmod, side_effect=unsupported)
    with old, monkeypatch.context() as patch:
        patch.setattr(os, "listxattr", unsupported)
        patch.setattr(os, "chmod", chmod)
        patch.setattr(os, "supports_fd", {*os.supports_fd, chmod})
        assert rewrite(path, to(b"new"))
        assert old.read() == b"old"  # and not in place, where a cut leaves half of it
    assert chmod.called
    assert path.read_bytes() == b"new"


def test_what_is_written_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[int, bool]] = []
    monkeypatch.setattr(
        writing,
        "flush_file",
        lambda handle: flushed.append(
            (os.fstat(handle).st_size, (tmp_path / "f").exists())
        ),
    )
    rewrite(tmp_path / "f", to(b"new"))
    assert flushed == [(3, False)]


@UNIX
def test_in_a_shared_folder_a_file_with_other_names_is_not_read(tmp_path: Path) -> None:
    path, private = tmp_path / "f", tmp_path / "private"
    private.write_bytes(b"secret")
    path.hardlink_to(private)
    with pytest.raises(OSError, match="a file with other names as well"):
        rewrite(path, lambda old: (old or b"") + b"x", shared=True)
    assert private.read_bytes() == b"secret"


@ROOT
@pytest.mark.parametrize("which", ["file", "folder"])
def test_in_a_shared_folder_another_users_link_is_not_followed(
    which: str, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "f").write_bytes(b"secret")
    depot = tmp_path / "depot"
    depot.mkdir()
    if which == "file":
        (depot / "logs").mkdir()
        link = depot / "logs" / "f"
        link.symlink_to(tmp_path / "private" / "f")
    else:
        link = depot / "logs"
        link.symlink_to(tmp_path / "private")
    os.lchown(link, 12345, 12345)
    with pytest.raises(PermissionError, match="no link of another user's"):
        rewrite(depot / "logs" / "f", to(b"new"), shared=True)
    assert (tmp_path / "private" / "f").read_bytes() == b"secret"
    os.lchown(link, 0, 0)
    assert rewrite(depot / "logs" / "f", to(b"new"), shared=True)


class Stale:
    """Has one call of one function of the system say ESTALE, as NFS does at times."""

    def __init__(
        self, name: str, number: int, patch: pytest.MonkeyPatch, *, after: bool = False
    ) -> None:
        self._real, self._left, self._after = getattr(os, name), number, after
        patch.setattr(os, name, self)

    def __call__(self, *args: object, **options: object) -> object:
        self._left -= 1
        fails = self._left == 0
        found = None if fails and not self._after else self._real(*args, **options)
        if fails:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return found

    @property
    def was_met(self) -> bool:
        return self._left <= 0


@UNIX
@pytest.mark.parametrize(
    "name", ["open", "stat", "fstat", "write", "fsync", "replace", "unlink"]
)
def test_a_change_begins_anew_where_a_file_system_lost_sight_of_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    number = 0
    while True:
        number += 1
        path.write_bytes(b"old")
        with monkeypatch.context() as patch:
            stale = Stale(name, number, patch)
            assert rewrite(path, lambda old: (old or b"") + b"+")
        assert path.read_bytes() == b"old+"
        if not stale.was_met:
            break
        (tmp_path / "f.pid").unlink(missing_ok=True)  # told, and stale in 10 s
    assert number > 1


def test_a_change_that_was_made_although_an_error_was_told_is_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        stale = Stale("replace", 1, patch, after=True)
        assert rewrite(path, lambda old: (old or b"") + b"+")
    assert stale.was_met
    assert path.read_bytes() == b"old+"


def test_a_file_that_is_always_stale_is_an_error_and_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(_: int) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    path = tmp_path / "f"
    path.write_bytes(b"old")
    monkeypatch.setattr(writing, "flush_file", stale)
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        rewrite(path, to(b"new"))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


# To begin anew with half a file would take that half for what somebody wrote.
@UNIX
def test_a_write_in_place_that_was_cut_off_does_not_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []

    def stale_the_second_time(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) == 2:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    path = tmp_path / "f"
    path.write_bytes(b"old")
    (tmp_path / "other").hardlink_to(path)
    monkeypatch.setattr(writing, "flush_file", stale_the_second_time)
    with pytest.raises(OSError, match="it may be incomplete"):
        rewrite(path, to(b"new"))
    assert len(flushed) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such users")
def test_a_folder_that_can_not_be_written_is_named_and_no_lock() -> None:
    with as_nobody() as parent:
        folder = parent / "folder"
        folder.mkdir()
        (folder / "f").write_bytes(b"old")
        folder.chmod(0o555)
        with pytest.raises(PermissionError) as caught:
            rewrite(folder / "f", to(b"new"))
        folder.chmod(0o777)
    assert str(folder) == caught.value.filename
