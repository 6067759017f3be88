from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_artifacts.digests import Sha256
from fetch_artifacts.errors import DownloadError, TarballHashMismatchError, UnpackError
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.network import partial_file as partial
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.partial_file import PartialFile
from fetch_artifacts.network.transfer import StartOverError
from fetch_artifacts.settings.environment import Settings
from support.fetching import (
    DATA,
    QUICK,
    SHA256,
    fetch,
    left_over,
)
from support.servers import File, answer, serving
from support.trees import names


def test_what_an_earlier_download_left_is_completed(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir)
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert [r.headers.get("range") for r in server.requests] == ["bytes=100000-"]
    assert not names(partial_dir)


@pytest.mark.usefixtures("slow_link")
def test_a_slow_download_that_is_given_up_leaves_what_has_come(
    partial_dir: Path,
) -> None:
    limits = replace(QUICK, tries=1)
    settings = Settings.from_environ()
    with (
        HttpFetcher(settings, limits=limits) as fetcher,
        serving(File(DATA, cuts=[200_000])) as server,
    ):
        with pytest.raises(DownloadError):
            fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir)
        (path,) = partial_dir.iterdir()
        assert path.read_bytes() == DATA[:200_000]
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert server.requests[1].headers["range"] == "bytes=200000-"
    assert not names(partial_dir)


@pytest.mark.usefixtures("slow_link")
def test_a_slow_download_that_is_interrupted_leaves_what_has_come(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    received = b""

    def read_some(url: str) -> None:
        nonlocal received
        with fetcher.open(
            url, sha256=SHA256, partials=Folder.hold(partial_dir)
        ) as body:
            for chunk in body:
                received += chunk
                if len(received) > 200_000:
                    raise KeyboardInterrupt

    with serving(File(DATA)) as server, pytest.raises(KeyboardInterrupt):
        read_some(server.url())
    (path,) = partial_dir.iterdir()
    assert received == path.read_bytes()


def test_a_fast_download_is_not_written_twice(
    fetcher: HttpFetcher, partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_HEAD_SECONDS", 600)
    with serving(File(DATA)) as server:
        with fetcher.open(
            server.url(), sha256=SHA256, partials=Folder.hold(partial_dir)
        ) as body:
            next(body)
        assert not names(partial_dir)


def test_a_link_is_slow_that_still_brings_bytes_after_a_quarter_of_a_second(
    partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(partial, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    file = PartialFile(Folder.hold(partial_dir), SHA256)
    for now, left in [(10.0, b""), (10.24, b""), (10.25, b"xxx"), (11.0, b"xxxx")]:
        clock[0] = now
        file.append(b"x")
        assert b"".join(path.read_bytes() for path in partial_dir.iterdir()) == left
    file.close()


def test_a_link_is_fast_that_brings_much_in_a_quarter_of_a_second(
    fetcher: HttpFetcher, partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_HEAD_BYTES", 100_000)
    monkeypatch.setattr(partial, "_HEAD_SECONDS", 600)
    received = 0
    with (
        serving(File(DATA)) as server,
        fetcher.open(
            server.url(), sha256=SHA256, partials=Folder.hold(partial_dir)
        ) as body,
    ):
        for chunk in body:
            received += len(chunk)
            if received > 200_000:  # all that comes now comes late
                monkeypatch.setattr(partial, "_HEAD_SECONDS", 0)
            assert not names(partial_dir)


def test_a_link_is_fast_that_brings_much_in_several_downloads(
    fetcher: HttpFetcher, partial_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "_HEAD_BYTES", len(DATA))
    monkeypatch.setattr(partial, "_HEAD_SECONDS", 600)
    folder = Folder.hold(partial_dir)
    with serving(File(DATA)) as server, contextlib.ExitStack() as stack:
        first, second = [
            stack.enter_context(fetcher.open(server.url(), sha256=sha256, partials=to))
            for sha256, to in [(SHA256, folder), (None, None)]
        ]
        received = len(next(first))
        for _ in second:
            pass
        received += len(next(first))
        assert received < len(DATA)
        monkeypatch.setattr(partial, "_HEAD_SECONDS", 0)
        for _ in first:
            assert not names(partial_dir)


def test_a_partial_file_that_is_complete_needs_no_more_bytes(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, DATA)
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert len(server.requests) == 1
    assert not names(partial_dir)


def test_a_partial_file_that_is_too_long_is_dropped(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, DATA + b"more")
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert not names(partial_dir)


def test_a_partial_file_is_dropped_where_the_server_has_no_ranges(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir, b"wrong")
    with serving(File(DATA, ranges=False)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert not names(partial_dir)


@pytest.mark.usefixtures("slow_link")
@pytest.mark.parametrize("kind", [TarballHashMismatchError, UnpackError])
def test_a_partial_file_that_made_wrong_bytes_is_dropped_and_it_is_started_over(
    fetcher: HttpFetcher, partial_dir: Path, kind: type[Exception]
) -> None:
    def judge(url: str) -> None:
        with fetcher.open(
            url, sha256=SHA256, partials=Folder.hold(partial_dir)
        ) as body:
            next(body)
            if kind is UnpackError:
                raise UnpackError("bad")
            raise TarballHashMismatchError("bad", expected=SHA256, actual=SHA256)

    left_over(partial_dir, b"x" * 100)
    with serving(File(DATA)) as server:
        with pytest.raises(StartOverError, match="an earlier download: bad"):
            judge(server.url())
        assert not names(partial_dir)
        with pytest.raises(kind, match="bad"):
            judge(server.url())


def test_a_partial_file_is_of_one_sha256_only(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    path = left_over(partial_dir)
    other = Sha256(hashlib.sha256(b"other").digest())
    with serving(answer(200, b"other")) as server:
        assert fetch(fetcher, server.url(), other) == b"other"
        assert fetch(fetcher, server.url(), partial_dir=partial_dir) == b"other"
    assert path.exists()


def test_a_partial_file_that_someone_else_writes_is_left_alone(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    path = left_over(partial_dir)
    with (
        serving(File(DATA)) as server,
        fetcher.open(
            server.url(), sha256=SHA256, partials=Folder.hold(partial_dir)
        ) as body,
    ):
        received = next(body)
        with path.open("ab") as file:
            file.write(b"from another process")
        for chunk in body:
            received += chunk
            assert path.read_bytes() == DATA[:100_000] + b"from another process"
    assert received == DATA


def test_old_partial_files_are_removed(fetcher: HttpFetcher, partial_dir: Path) -> None:
    old, new = partial_dir / f"{'0' * 64}.partial", partial_dir / f"{'1' * 64}.partial"
    left_over(partial_dir).rename(old)
    left_over(partial_dir).rename(new)
    week = 7 * 24 * 3600
    os.utime(old, (time.time() - week - 60, time.time() - week - 60))
    os.utime(new, (time.time() - week + 60, time.time() - week + 60))
    with serving(File(DATA)) as server:
        fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir)
    assert [new] == list(partial_dir.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.usefixtures("slow_link")
@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("folder", "a folder"),
        ("FIFO", "a FIFO"),
        ("link", "a symbolic link"),
        ("socket", "a socket"),
        ("other name", "a file with other names"),
    ],
)
def test_what_is_in_the_way_of_a_partial_file_is_told_and_left_alone(
    kind: str,
    found: str,
    fetcher: HttpFetcher,
    partial_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = partial_dir / f"{SHA256}.partial"
    other = partial_dir.parent / "another's"
    other.write_bytes(b"private")
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(other)
    elif kind == "socket":
        monkeypatch.chdir(partial_dir)  # the path of a socket must be short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    else:
        path.hardlink_to(other)
    with serving(File(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert "range" not in server.requests[0].headers
    assert other.read_bytes() == b"private"
    assert f"{path}: expected a file, found {found}" in caplog.text
