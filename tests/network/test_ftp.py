from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import DATA, QUICK, SHA256, fetch, left_over, nothing_listens
from support.ftp import FtpServer, serving_ftp


def test_a_file_is_fetched(fetcher: HttpFetcher) -> None:
    with serving_ftp(FtpServer(DATA)) as server:
        assert fetch(fetcher, server.url("/a/b%20c.gz;type=i")) == DATA
    assert "USER anonymous" in server.commands
    assert "RETR a/b c.gz" in server.commands


def test_the_login_of_a_url_is_sent(fetcher: HttpFetcher) -> None:
    with serving_ftp(FtpServer(DATA)) as server:
        assert fetch(fetcher, server.url(login="me:p%40ss@")) == DATA
    assert server.commands[:2] == ["USER me", "PASS p@ss"]


def test_a_transfer_that_is_cut_is_continued(fetcher: HttpFetcher) -> None:
    with serving_ftp(FtpServer(DATA, cuts=[1000, 100_000])) as server:
        assert fetch(fetcher, server.url()) == DATA
    rests = [command for command in server.commands if command.startswith("REST")]
    assert rests == ["REST 1000", "REST 101000"]


def test_a_server_that_can_not_continue_sends_it_all_again(
    fetcher: HttpFetcher,
) -> None:
    server = FtpServer(DATA, cuts=[1000], refused=("REST", "SIZE"))
    with serving_ftp(server):
        assert fetch(fetcher, server.url()) == DATA


def test_what_an_earlier_download_left_is_completed(
    fetcher: HttpFetcher, partial_dir: Path
) -> None:
    left_over(partial_dir)
    with serving_ftp(FtpServer(DATA)) as server:
        assert fetch(fetcher, server.url(), SHA256, partial_dir=partial_dir) == DATA
    assert "REST 100000" in server.commands


def test_a_file_that_is_not_there_is_told_at_once(fetcher: HttpFetcher) -> None:
    with (
        serving_ftp(FtpServer(DATA)) as server,
        pytest.raises(DownloadError, match="FTP 550 no such file") as caught,
    ):
        fetch(fetcher, server.url("/none", login="me:hunter2@"))
    assert server.commands.count("TYPE I") == 1
    assert "hunter2" not in str(caught.value)


def test_a_path_with_a_line_end_is_no_command(fetcher: HttpFetcher) -> None:
    with serving_ftp(FtpServer(DATA)) as server, pytest.raises(DownloadError):
        fetch(fetcher, server.url("/a%0d%0aDELE%20b"))
    assert not [line for line in server.commands if line.startswith("DELE")]


@pytest.mark.parametrize("command", ["USER", "SIZE", "RETR"])
def test_a_server_that_says_nothing_is_given_up(command: str) -> None:
    limits = replace(QUICK, answer_timeout=0.5, stall_timeout=0.5, tries=1)
    with (
        HttpFetcher(Settings.from_environ(), limits=limits) as fetcher,
        serving_ftp(FtpServer(DATA, silent_at=command)) as server,
        pytest.raises(DownloadError, match="no answer in time; given up"),
    ):
        fetch(fetcher, server.url())


def test_a_wait_can_be_stopped() -> None:
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    with (
        HttpFetcher(Settings.from_environ(), stopped=stopped) as fetcher,
        serving_ftp(FtpServer(DATA, silent_at="SIZE")) as server,
        pytest.raises(CancelledError),
    ):
        fetch(fetcher, server.url())


def test_no_connection_is_explained(fetcher: HttpFetcher) -> None:
    with pytest.raises(DownloadError, match="refused; given up after 4 tries"):
        fetch(fetcher, f"ftp://{nothing_listens()}/x")


def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_OFFLINE", "true")
    with (
        serving_ftp(FtpServer(DATA)) as server,
        HttpFetcher(Settings.from_environ()) as fetcher,
        pytest.raises(DownloadError, match="FETCH_ARTIFACTS_OFFLINE is set"),
    ):
        fetch(fetcher, server.url())
    assert not server.commands
