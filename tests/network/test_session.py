from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import (
    DATA,
    QUICK,
    fetch,
    nothing_listens,
)
from support.servers import File, Request, answer, head, serving
from support.tls import serving_https

# --- redirects


def test_redirects_are_followed(fetcher: HttpFetcher) -> None:
    with serving(
        answer(302, b"moved", Location="/a"), answer(307, Location="b"), File(DATA)
    ) as server:
        assert fetch(fetcher, server.url("/x/y")) == DATA
    assert [r.path for r in server.requests] == ["/x/y", "/a", "/b"]


def test_fifty_redirects_are_followed_and_no_more(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(302, Location="/")) as server,
        pytest.raises(DownloadError, match="redirected more than 50 times"),
    ):
        fetch(fetcher, server.url())
    assert len(server.requests) == 51


def test_the_rest_of_a_body_is_asked_for_across_redirects(
    fetcher: HttpFetcher,
) -> None:
    with (
        serving(File(DATA, cuts=[1000], headers={"ETag": '"1"'})) as other,
        serving(answer(302, Location=other.url(host="localhost"))) as server,
    ):
        assert fetch(fetcher, server.url()) == DATA
    assert other.requests[1].headers["range"] == "bytes=1000-"
    assert other.requests[1].headers["if-range"] == '"1"'


def test_an_endless_redirect_body_is_not_read(fetcher: HttpFetcher) -> None:
    def endless(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(302, Location="/next"))
        while True:
            connection.sendall(bytes(1 << 16))

    with serving(endless, File(DATA)) as server:
        assert fetch(fetcher, server.url()) == DATA


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("file:///etc/passwd", "not to http"),
        ("ftp://127.0.0.1/x", "not to http"),
        ("http://[", "to something that is not a URL"),
        ("http://a..b/", "to something that is not a URL"),
        (f"http://{64 * 'a'}/", "to something that is not a URL"),
        ("http://a\xe2\x84\x80/", "to something that is not a URL"),
        ("//\xff", "to something that is not a URL"),
    ],
)
def test_a_redirect_leads_to_nothing_but_http(
    fetcher: HttpFetcher, location: str, fault: str
) -> None:
    with (
        serving(answer(302, Location=location)) as server,
        pytest.raises(DownloadError, match=fault),
    ):
        fetch(fetcher, server.url())


def test_headers_go_to_the_same_host_and_to_no_other(fetcher: HttpFetcher) -> None:
    headers = {"Julia-System": "x", "Authorization": "y"}
    with (
        serving(answer(200)) as other,
        serving(
            answer(302, Location="/again"), answer(302, Location=other.url())
        ) as server,
    ):
        fetch(fetcher, server.url(), headers=headers)
    for request in server.requests:
        assert request.headers["julia-system"] == "x"
        assert request.headers["authorization"] == "y"
    assert not {"julia-system", "authorization"} & set(other.requests[0].headers)


# --- credentials


def write_auth(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)


def test_configured_headers_are_sent_to_their_host_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_AUTH_A", "secret")
    write_auth(
        tmp_path,
        "[tool.fetch-artifacts.auth]\n"
        'localhost = { X-Token = "$FETCH_ARTIFACTS_AUTH_A" }\n',
    )
    monkeypatch.chdir(tmp_path)
    with (
        serving(answer(200)) as other,
        serving(answer(302, Location=other.url(host="127.0.0.1"))) as server,
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
    ):
        fetch(fetcher, server.url(host="localhost"))
    assert server.requests[0].headers["x-token"] == "secret"
    assert "x-token" not in other.requests[0].headers


def test_user_and_password_of_a_url_are_not_carried_to_another_host(
    fetcher: HttpFetcher,
) -> None:
    with (
        serving(answer(200)) as other,
        serving(answer(302, Location=other.url(host="localhost"))) as server,
    ):
        fetch(fetcher, server.url().replace("http://", "http://me:pass%40word@"))
    basic = base64.b64encode(b"me:pass@word").decode()
    assert server.requests[0].headers["authorization"] == f"Basic {basic}"
    assert "authorization" not in other.requests[0].headers


def test_netrc_is_heeded(fetcher: HttpFetcher) -> None:
    netrc = Path.home() / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin me\npassword secret\n")
    netrc.chmod(0o600)
    with serving(answer(200)) as server:
        fetch(fetcher, server.url())
    basic = base64.b64encode(b"me:secret").decode()
    assert server.requests[0].headers["authorization"] == f"Basic {basic}"


def test_an_unset_variable_is_named_where_the_server_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_auth(
        tmp_path,
        "[tool.fetch-artifacts.auth]\n"
        '"127.0.0.1" = { X-Token = "$FETCH_ARTIFACTS_AUTH_A" }\n',
    )
    monkeypatch.chdir(tmp_path)
    with (
        serving(answer(404)) as server,
        HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher,
        pytest.raises(DownloadError, match="FETCH_ARTIFACTS_AUTH_A"),
    ):
        fetch(fetcher, server.url())


def test_a_server_that_wants_a_login_gets_a_hint(fetcher: HttpFetcher) -> None:
    with (
        serving(answer(401)) as server,
        pytest.raises(DownloadError, match=r"\[tool.fetch-artifacts.auth\]"),
    ):
        fetch(fetcher, server.url())


SECRET = "hunter2"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda host: f"http://me:{SECRET}@{host}/x", id="password"),
        pytest.param(lambda host: f"http://{host}/x?token={SECRET}", id="query"),
        pytest.param(lambda host: f"http://{host}/x?{SECRET}", id="bare query"),
        pytest.param(lambda host: f"http://{host}/x#{SECRET}", id="fragment"),
        pytest.param(lambda host: f"ftp://me:{SECRET}@{host}/x", id="scheme"),
        pytest.param(lambda host: f"http://me:{SECRET}@{host}99999/x", id="bad port"),
        pytest.param(lambda host: f"http://me:{SECRET}@[{host}/x", id="bad host"),
    ],
)
def test_no_error_and_no_log_shows_a_secret(
    fetcher: HttpFetcher,
    make: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "fetch_artifacts")
    with pytest.raises(DownloadError) as caught:
        fetch(fetcher, make(nothing_listens()))
    assert SECRET not in str(caught.value) + caught.value.url
    assert caught.value.__cause__ is None
    records = [r for r in caplog.records if r.name.startswith("fetch_artifacts")]
    assert not [r for r in records if SECRET in r.getMessage()]


def test_no_error_shows_the_secret_of_a_redirect(fetcher: HttpFetcher) -> None:
    target = f"http://{nothing_listens()}/x?token={SECRET}"
    with (
        serving(answer(302, Location=target)) as server,
        pytest.raises(DownloadError) as caught,
    ):
        fetch(fetcher, server.url())
    assert SECRET not in str(caught.value)


# --- certificates


def test_a_certificate_that_nobody_signed_is_refused(
    tmp_path: Path, fetcher: HttpFetcher
) -> None:
    with (
        serving_https(tmp_path) as address,
        pytest.raises(DownloadError, match="certificate"),
    ):
        fetch(fetcher, f"{address}/x")


def test_a_host_that_needs_no_certificate_is_told_once_in_the_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A warning of urllib3's would be an error here, as under `python -W error`.
    monkeypatch.setenv("JULIA_SSL_NO_VERIFY_HOSTS", "127.0.0.1")
    settings = Settings.from_environ()
    with (
        serving_https(tmp_path) as address,
        HttpFetcher(settings, limits=QUICK) as fetcher,
    ):
        for path in "xy":
            assert fetch(fetcher, f"{address}/{path}") == b"data"
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("127.0.0.1: its certificate is not verified")
