from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.network.credentials import Credentials, _matches
from fetch_artifacts.settings.environment import Settings

TOKEN = "FETCH_ARTIFACTS_AUTH_A"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def load(folder: Path) -> Credentials:
    return Credentials.load(Settings.from_environ(), folder)


def write_project(folder: Path, *tables: str) -> None:
    text = "".join(f"[tool.fetch-artifacts.auth.{table}\n" for table in tables)
    (folder / "pyproject.toml").write_text(text)


def write_user_config(text: str) -> Path:
    path = Settings.from_environ().user_config / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def write_netrc(text: str, name: str = ".netrc") -> None:
    path = Path.home() / name
    path.write_text(text)
    path.chmod(0o600)


def test_without_a_configuration_nothing_is_sent(project: Path) -> None:
    assert load(project).headers("https://example.org/x") == {}


def test_the_headers_of_a_host_are_sent_to_it(project: Path) -> None:
    write_project(project, '"example.org"]\nX-Token = "abc"\nX-More = "d"')
    expected = {"X-Token": "abc", "X-More": "d"}
    assert expected == load(project).headers("https://example.org/x")
    assert expected == load(project).headers("https://EXAMPLE.org:443/x")
    assert load(project).headers("https://example.org.evil.net/x") == {}
    assert load(project).headers("https://www.example.org/x") == {}


def test_a_variable_is_filled_in_without_the_space_around_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, " secret\n")
    write_project(project, '"a.org"]\nX-A = "$FETCH_ARTIFACTS_AUTH_A"')
    assert load(project).headers("https://a.org/x") == {"X-A": "secret"}


def test_a_variable_may_stand_within_a_text(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "secret")
    write_project(
        project, '"a.org"]\nAuthorization = "Bearer ${FETCH_ARTIFACTS_AUTH_A}$$"'
    )
    expected = {"Authorization": "Bearer secret$"}
    assert expected == load(project).headers("https://a.org/x")


@pytest.mark.parametrize("value", [None, ""])
def test_a_header_with_an_unset_variable_is_left_out_and_can_be_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv(TOKEN, value)
    write_project(project, '"a.org"]\nX-A = "$FETCH_ARTIFACTS_AUTH_A"\nX-B = "b"')
    assert load(project).headers("https://a.org/x") == {"X-B": "b"}
    assert load(project).unset_variables("https://a.org/x") == (TOKEN,)
    assert load(project).unset_variables("https://b.org/x") == ()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example.org/", "the whole name"),
        ("https://b.example.org/", "a pattern"),
        ("https://x.b.example.org/", "a longer pattern"),
        ("https://example.org/", "any"),
        ("https://example.org:8443/", "a port"),
        ("https://other.net/", "any"),
    ],
)
def test_the_most_particular_pattern_counts(
    project: Path, url: str, expected: str
) -> None:
    write_project(
        project,
        '"*"]\nX = "any"',
        '"*.example.org"]\nX = "a pattern"',
        '"a.example.org"]\nX = "the whole name"',
        '"*.b.example.org"]\nX = "a longer pattern"',
        '"example.org:8443"]\nX = "a port"',
    )
    assert load(project).headers(url) == {"X": expected}


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.org/x", True),
        ("http://a.org/x", False),
        ("http://127.0.0.1/x", True),
        ("http://127.0.0.1:8000/x", True),
        ("HTTP://LOCALHOST:8000", True),
        ("http://127.0.0.1.evil.net/x", False),
        ("http://127.0.0.1@evil.net/x", False),
        ("http://localhost:80@evil.net/x", False),
        ("http://me:pw@localhost/x", True),
    ],
)
def test_nothing_is_sent_over_plain_http_but_to_this_machine(
    project: Path, url: str, sent: bool
) -> None:
    write_project(project, '"*"]\nX = "secret"')
    assert sent is bool(load(project).headers(url))


def test_the_nearest_pyproject_counts(project: Path) -> None:
    (project / "a" / "b").mkdir(parents=True)
    write_project(project, '"a.org"]\nX = "outer"')
    assert load(project / "a" / "b").headers("https://a.org") == {"X": "outer"}
    write_project(project / "a", '"a.org"]\nX = "inner"')
    assert load(project / "a" / "b").headers("https://a.org") == {"X": "inner"}


def test_the_users_file_has_the_last_word(project: Path) -> None:
    write_project(project, '"a.org"]\nX = "project"', '"b.org"]\nX = "project"')
    write_user_config('[auth."a.org"]\nX = "user"\n')
    assert load(project).headers("https://a.org") == {"X": "user"}
    assert load(project).headers("https://b.org") == {"X": "project"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("auth = 1", "auth: expected a table for each host, found int"),
        ('auth = { "a.org" = "x" }', "a.org.: expected a table of headers, found str"),
        ('auth."a.org".X = 1', "a.org..X: expected a header"),
        ('auth."a.org"."X Y" = "z"', "X Y: expected a header"),
        ('auth."a.org".X = "$"', "each dollar sign"),
        ('auth."a.org".X = "${not a name}"', "each dollar sign"),
        ("auth = ", "expected TOML"),
    ],
)
def test_what_can_not_be_understood_is_an_error_that_names_the_place(
    project: Path, text: str, place: str
) -> None:
    path = write_user_config(text + "\n")
    with pytest.raises(SettingsError, match=place) as caught:
        load(project)
    assert str(path) in str(caught.value)


# As where HOME is another user's.
@pytest.mark.skipif(os.name == "nt", reason="NOT RUN: long names are none there")
def test_a_users_file_that_can_not_be_read_is_an_error_that_says_what_to_set(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", f"/{'x' * 300}")
    with pytest.raises(SettingsError, match=r"too long; make .* set XDG_CONFIG_HOME"):
        load(project)


def test_a_broken_pyproject_has_no_credentials(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pyproject = project / "pyproject.toml"
    for text in ("broken = [", "[tool.fetch-artifacts]\nbroken = ["):
        pyproject.write_text(text)
        assert load(project).headers("https://a.org") == {}
    assert "can't be read" in caplog.text
    pyproject.write_text("[tool]\nfetch-artifacts = 1\n")
    with pytest.raises(SettingsError, match="expected a table"):
        load(project)


@pytest.mark.parametrize("value", ["two\nlines", "caf\u00e9", "\0"])
def test_a_value_that_is_no_header_is_an_error_that_does_not_show_it(
    project: Path, value: str
) -> None:
    write_project(project, '"a.org"]\nX = "$FETCH_ARTIFACTS_AUTH_A"')
    environ = {TOKEN: value}
    credentials = Credentials(environ=environ, patterns=load(project).patterns)
    with pytest.raises(SettingsError, match=r"X for a\.org") as caught:
        credentials.headers("https://a.org")
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("$GITHUB_TOKEN", "$GITHUB_TOKEN"),
        ("Bearer ${GITHUB_TOKEN}", "Bearer ${GITHUB_TOKEN}"),
        ("$FETCH_ARTIFACTS_AUTH_A$GITHUB_TOKEN", None),
        ("hunter2 $GITHUB_TOKEN", "...${GITHUB_TOKEN}..."),
    ],
)
def test_a_project_is_not_sent_any_variable_it_names(
    project: Path, monkeypatch: pytest.MonkeyPatch, value: str, line: str | None
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    write_project(project, f'"a.org"]\nX = "{value}"')
    with pytest.raises(SettingsError, match="begins with FETCH_ARTIFACTS_AUTH_") as got:
        load(project)
    config = Settings.from_environ().user_config / "config.toml"
    assert f'put this line into {config}:\nauth."a.org".X = "{line or value}"' in str(
        got.value
    )
    assert "hunter2" not in str(got.value)


def test_what_the_error_says_to_write_makes_it_work(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    write_project(project, '"a.org"]\nX = "Bearer $GITHUB_TOKEN"')
    with pytest.raises(SettingsError) as caught:
        load(project)
    write_user_config(str(caught.value).splitlines()[-1] + "\n")
    assert load(project).headers("https://a.org/x") == {"X": "Bearer secret"}


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "a1c2b", False),
        ("ab*ba", "aba", False),
        ("*.a.org", "a.org", False),
        ("*a*a", "a", False),
        ("a**b", "ab", True),
        ("A.org", "a.ORG", True),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, host: str, matches: bool) -> None:
    assert matches is _matches(pattern, host)


def test_a_pattern_of_many_stars_takes_no_longer_than_its_length() -> None:
    def seconds(length: int) -> float:
        pattern, host = "*a" * length + "b", "a" * length + "c"
        began = time.process_time()  # of this process: others don't count
        for _ in range(20):
            assert not _matches(pattern, host)
        return time.process_time() - began

    # With a regular expression, 40 stars take longer than anybody waits.
    shorter = min(seconds(1000) for _ in range(5))
    longer = min(seconds(2000) for _ in range(5))
    assert longer < 20 * max(shorter, 0.01)


def test_no_repr_shows_a_secret(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "hunter2")
    write_project(project, '"a.org"]\nX = "$FETCH_ARTIFACTS_AUTH_A"\nY = "swordfish"')
    credentials = load(project)
    assert "hunter2" not in repr(credentials) + repr(Settings.from_environ())
    assert "swordfish" not in repr(credentials)


# "user:pass" and the like in base64 are those of RFC 7617, section 2.
BASIC = {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
NETRC_BASIC = {"Authorization": "Basic bWU6c2VjcmV0"}  # printf me:secret | base64


def test_user_and_password_of_a_url_are_sent(project: Path) -> None:
    url = "https://Aladdin:open%20sesame@a.org/x"
    assert load(project).headers(url) == BASIC


@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_netrc_is_read(project: Path, name: str) -> None:
    write_netrc("machine a.org login me password secret\n", name)
    assert load(project).headers("https://a.org:444/x") == NETRC_BASIC
    assert load(project).headers("https://b.org/x") == {}
    assert load(project).headers("http://a.org/x") == {}


def test_another_netrc_can_be_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_netrc("machine a.org login me password secret\n", "other")
    monkeypatch.setenv("NETRC", str(Path.home() / "other"))
    assert load(project).headers("https://a.org/x") == NETRC_BASIC


def test_a_broken_netrc_is_passed_over_without_showing_it(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_netrc("machine a.org login me password hunter2 nonsense\n")
    assert load(project).headers("https://a.org/x") == {}
    assert caplog.text.count(".netrc is ignored: ") == 1
    assert "hunter2" not in caplog.text


def test_a_configured_host_needs_no_netrc(project: Path) -> None:
    write_netrc("machine a.org login me password x\n")
    write_project(project, '"a.org"]\nX = "y"')
    assert load(project).headers("https://you:pw@a.org/") == {"X": "y"}
