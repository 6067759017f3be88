from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts.errors import PublishError
from fetch_artifacts.network.rest import RestSession, permanent_redirect
from fetch_artifacts.settings.environment import Settings

TOKEN = "never_to_be_seen"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> RestSession:
    monkeypatch.setenv("TOKEN", TOKEN)
    return RestSession(Settings.from_environ(), "TOKEN", {})


def test_a_login_in_netrc_does_not_replace_the_token(
    tmp_path: Path, httpserver: HTTPServer, session: RestSession
) -> None:
    netrc = tmp_path / "home" / ".netrc"
    netrc.write_text(f"machine {httpserver.host} login user password secret\n")
    netrc.chmod(0o600)
    httpserver.expect_request("/x").respond_with_json({})
    assert session.call("GET", httpserver.url_for("/x")) == {}
    assert httpserver.log[0][0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_what_is_no_json_is_told(httpserver: HTTPServer, session: RestSession) -> None:
    httpserver.expect_request("/x").respond_with_data("<html>")
    with pytest.raises(PublishError, match="expected a JSON object, found other text"):
        session.call("GET", httpserver.url_for("/x"))
    httpserver.expect_request("/y").respond_with_data(f"for {TOKEN}: no", 418)
    with pytest.raises(PublishError, match=r"HTTP 418 .*: for \.\.\.: no"):
        session.call("GET", httpserver.url_for("/y"))


def test_a_url_has_moved_where_redirects_for_good_lead(httpserver: HTTPServer) -> None:
    for old, status, new in (("/a", 301, "/b"), ("/b", 308, "/c"), ("/c", 302, "/d")):
        httpserver.expect_request(old).respond_with_data(
            status=status, headers={"Location": new}
        )
    settings = Settings.from_environ()
    there = httpserver.url_for("/c")
    assert permanent_redirect(httpserver.url_for("/a"), settings) == there
    assert permanent_redirect(there, settings) is None


def test_a_circle_of_redirects_ends(httpserver: HTTPServer) -> None:
    for old, new in (("/a", "/b"), ("/b", "/c"), ("/c", "/a")):
        httpserver.expect_request(old).respond_with_data(
            status=301, headers={"Location": new}
        )
    permanent_redirect(httpserver.url_for("/a"), Settings.from_environ())
    assert len(httpserver.log) == 10


def test_a_server_that_does_not_answer_has_moved_nothing() -> None:
    assert permanent_redirect("http://127.0.0.1:9/a", Settings.from_environ()) is None
