"""Julia's rules: Pkg.jl:34-39, and PlatformEngines.jl:43-298 of Pkg 1.12."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import tomli

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DownloadError
from fetch_artifacts.network import pkg_server
from fetch_artifacts.platforms.platform import Platform

HASH = TreeHash.parse("7d98976448b355d209ecee2da5ac8452f5e37c5b")
SERVER = "https://pkg.example.org"
TRIPLET = "x86_64-linux-gnu-libgfortran5-cxx11-julia_version+1.12.5"

Read = Callable[[str, Mapping[str, str]], bytes]


def never(url: str, headers: Mapping[str, str]) -> bytes:
    raise AssertionError((url, headers))


def headers(
    depot: Path,
    *,
    server: str = SERVER,
    url: str = "",
    environ: Mapping[str, str] | None = None,
    read: Read = never,
    triplet: str = TRIPLET,
) -> dict[str, str]:
    return pkg_server.headers(
        server,
        url or pkg_server.artifact_url(server, HASH),
        platform=Platform.parse(triplet),
        environ=environ or {},
        depot=depot,
        read=read,
    )


def write_auth(
    depot: Path, text: str, name: str = "pkg.example.org", age: float = 0
) -> Path:
    path = depot / "servers" / name / "auth.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


# The rules of Pkg.jl, lines 34 to 39.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "https://pkg.julialang.org"),
        ("", None),
        ("pkg.example.org", "https://pkg.example.org"),
        ("pkg.example.org:8000/julia", "https://pkg.example.org:8000/julia"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://pkg.example.org///", "https://pkg.example.org"),
        ("file:///srv/pkg/", "file:///srv/pkg"),
    ],
)
def test_the_variable_names_the_server(value: str | None, expected: str | None) -> None:
    assert expected == pkg_server.server_url(value)


def test_an_archive_is_found_by_its_tree_hash() -> None:
    expected = f"{SERVER}/artifact/7d98976448b355d209ecee2da5ac8452f5e37c5b"
    assert expected == pkg_server.artifact_url(SERVER, HASH)


def test_the_headers_say_what_julia_says(depot: Path) -> None:
    assert headers(depot) == {
        "Julia-Pkg-Protocol": "1.0",
        "Julia-Pkg-Server": SERVER,
        "Julia-Version": "1.12.5",
        "Julia-System": TRIPLET,
        "Julia-CI-Variables": "APPVEYOR=n;CI=n;CI_SERVER=n;CIRCLECI=n;"
        "CONTINUOUS_INTEGRATION=n;GITHUB_ACTIONS=n;GITLAB_CI=n;JULIA_CI=n;"
        "JULIA_PKGEVAL=n;JULIA_REGISTRYCI_AUTOMERGE=n;TF_BUILD=n;TRAVIS=n",
        "Julia-Interactive": "false",
    }


@pytest.mark.parametrize(
    ("value", "state"),
    [("true", "t"), ("T", "t"), ("1", "t"), ("YES", "t"), ("y", "t"),
     ("False", "f"), ("f", "f"), ("0", "f"), ("no", "f"), ("N", "f"),
     ("", "o"), ("drone", "o")],
)  # fmt: skip
def test_ci_variables_are_told_by_their_state(
    depot: Path, value: str, state: str
) -> None:
    sent = headers(depot, environ={"CI": value})["Julia-CI-Variables"]
    assert f";CI={state};" in sent


# The names in the middle are what 1.12.5 sent (E112).
@pytest.mark.parametrize(
    ("variable", "value", "header", "sent"),
    [
        ("JULIA_PKG_SERVER_REGISTRY_PREFERENCE", "eager",
         "Julia-Registry-Preference", "eager"),
        ("JULIA_PKG_SERVER_foo2bar_X", "1", "Julia-Foo2Bar-X", "1"),
        ("julia_pkg_server__a__B_", " c ", "Julia-A-B", "c"),
        ("JULIA_PKG_SERVER_SYSTEM", "mine", "Julia-System", TRIPLET),
    ],
)  # fmt: skip
def test_variables_become_headers(
    depot: Path, variable: str, value: str, header: str, sent: str
) -> None:
    assert sent == headers(depot, environ={variable: value})[header]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JULIA_PKG_SERVER", "x"),
        ("JULIA_PKG_SERVER_", "x"),
        ("JULIA_PKG_SERVER___", "x"),
        ("JULIA_PKG_SERVER_A", "  "),
        ("JULIA_PKG_SERVER_A-B", "x"),
        ("MY_JULIA_PKG_SERVER_A", "x"),
    ],
)
def test_other_variables_do_not(depot: Path, variable: str, value: str) -> None:
    assert headers(depot) == headers(depot, environ={variable: value})


@pytest.mark.parametrize(
    "url",
    [
        "https://pkg.example.org.evil.net/artifact/x",
        "https://pkg.example.orgartifact/x",
        "https://other.org/artifact/x",
        "http://pkg.example.org/artifact/x",
    ],
)
def test_another_host_is_told_nothing(depot: Path, url: str) -> None:
    write_auth(depot, 'access_token = "secret"\n')
    assert headers(depot, url=url) == {}


def test_a_server_that_is_a_folder_is_told_nothing(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert headers(depot, server="file:///srv/pkg") == {}
    assert "malformed Pkg server value" in caplog.text


JULIA_1_13 = "x86_64-linux-gnu-libgfortran5-cxx11-julia_version+1.13.0"


def test_a_julia_of_1_13_takes_a_folder_for_a_server(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = headers(depot, server="file:///srv/pkg", triplet=JULIA_1_13)
    assert sent["Julia-Pkg-Server"] == "file:///srv/pkg"
    assert not caplog.records


@pytest.mark.parametrize("version", ["1.13.0", "1.14.2", "2.0.0"])
def test_a_julia_of_1_13_asks_for_zstd(depot: Path, version: str) -> None:
    triplet = JULIA_1_13.replace("1.13.0", version)
    assert headers(depot, triplet=triplet)["Accept-Encoding"] == "zstd, gzip"


@pytest.mark.parametrize("version", ["1.9.0", "1.12.5"])
def test_an_older_julia_does_not(depot: Path, version: str) -> None:
    triplet = JULIA_1_13.replace("1.13.0", version)
    assert "Accept-Encoding" not in headers(depot, triplet=triplet)
    assert "Accept-Encoding" not in headers(depot)


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("https://pkg.example.org", "pkg.example.org"),
        ("https://pkg.example.org/julia", "pkg.example.org"),
        ("https://pkg.example.org:8000", "pkg.example.org_8000"),
        ("http://127.0.0.1:8000", "127.0.0.1_8000"),
        ("http://LocalHost", "LocalHost"),
    ],
)
def test_the_token_of_the_server_is_sent(depot: Path, server: str, name: str) -> None:
    write_auth(depot, 'access_token = "secret"\n', name)
    assert headers(depot, server=server)["Authorization"] == "Bearer secret"


def test_no_token_is_sent_over_plain_http(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_auth(depot, 'access_token = "secret"\n')
    assert "Authorization" not in headers(depot, server="http://pkg.example.org")
    assert "not https" in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "access_token = 1", "nonsense", 'access_token = "x"\nexpires_at = "soon"'],
)
def test_a_file_without_a_token_is_a_warning(
    depot: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_auth(depot, text)
    assert "Authorization" not in headers(depot)
    assert "auth.toml" in caplog.text


def renewing(answer: str) -> tuple[Read, list[tuple[str, Mapping[str, str]]]]:
    asked: list[tuple[str, Mapping[str, str]]] = []

    def read(url: str, headers: Mapping[str, str]) -> bytes:
        asked.append((url, headers))
        return answer.encode()

    return read, asked


OLD = (
    'access_token = "old"\nrefresh_token = "again"\n'
    'refresh_url = "https://login.example.org/renew"\n'
)


@pytest.mark.parametrize(
    ("field", "age"),
    [
        ("expires_at = {soon}", 0),
        ("expires_at = {soon}.5", 0),
        ("expires_in = 1000", 500),
        ("expires_at = {late}\nexpires_in = 1000", 500),
        ("expires_at = {soon}\nexpires_in = 9000", 0),
    ],
)
def test_a_token_that_runs_out_in_ten_minutes_is_renewed(
    depot: Path, field: str, age: float
) -> None:
    now = int(time.time())
    path = write_auth(
        depot, OLD + field.format(soon=now + 590, late=now + 9000) + "\n", age=age
    )
    read, asked = renewing('access_token = "new"\nexpires_in = 3600\n')
    sent = headers(depot, read=read)
    assert sent["Authorization"] == "Bearer new"
    assert asked == [
        ("https://login.example.org/renew", {"Authorization": "Bearer again"})
    ]
    kept = tomli.loads(path.read_text())
    assert kept["access_token"] == "new"
    assert now + 3600 <= kept["expires_at"] <= now + 3605
    assert list(kept) == ["access_token", "expires_at", "expires_in"]


@pytest.mark.parametrize(
    ("field", "age"), [("", 0), ("expires_at = {late}", 0), ("expires_in = 3600", 60)]
)
def test_a_token_that_lasts_is_used(depot: Path, field: str, age: float) -> None:
    write_auth(depot, OLD + field.format(late=int(time.time()) + 700), age=age)
    assert headers(depot)["Authorization"] == "Bearer old"


@pytest.mark.parametrize(
    "text",
    [
        'access_token = "old"\n',
        'access_token = "old"\nrefresh_url = "https://login.example.org"\n',
        OLD.replace("https://", "http://"),
    ],
)
def test_an_expired_token_that_can_not_be_renewed_is_tried(
    depot: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_auth(depot, text + "expires_at = 1\n")
    assert headers(depot)["Authorization"] == "Bearer old"
    assert caplog.records


NEW = 'access_token = "new"\n'


@pytest.mark.parametrize(
    "answer",
    [
        *("", "nonsense", "access_token = 1"),
        *(f"{NEW}expires_in = {value}" for value in ("1e999", "nan", "1" + "0" * 400)),
        f"{NEW}a = {'[' * 5000}{']' * 5000}",
    ],
)
def test_an_answer_without_a_token_changes_nothing(
    depot: Path, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_auth(depot, OLD + "expires_at = 1\n")
    before = path.read_text()
    assert headers(depot, read=renewing(answer)[0])["Authorization"] == "Bearer old"
    assert before == path.read_text()
    assert caplog.records


def test_a_new_token_that_can_not_be_kept_is_used_all_the_same(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_auth(depot, OLD + "expires_at = 1\n")

    def read(_: str, __: Mapping[str, str]) -> bytes:
        path.unlink()
        path.parent.rmdir()
        return b'access_token = "new"'

    assert headers(depot, read=read)["Authorization"] == "Bearer new"
    assert "can't be kept" in caplog.text


@pytest.mark.parametrize("field", ["expires_in", "expires_at"])
@pytest.mark.parametrize(
    ("value", "found"), [("1" + "0" * 400, "int"), ('"soon"', "str"), ("[]", "list")]
)
def test_an_auth_toml_with_a_time_that_is_none_says_what_was_expected(
    depot: Path, field: str, value: str, found: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_auth(depot, f"{OLD}{field} = {value}\n")
    assert "Authorization" not in headers(depot)
    why = f"{field}: expected a finite number of seconds, found {found}"
    assert f"the file is damaged: {why}" in caplog.text


def test_no_token_is_sent_after_a_renewal_that_failed(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def read(url: str, _: Mapping[str, str]) -> bytes:
        raise DownloadError("HTTP 403", url=url)

    write_auth(depot, OLD + "expires_at = 1\n")
    assert "Authorization" not in headers(depot, read=read)
    assert "HTTP 403" in caplog.text


def test_no_warning_shows_a_token(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = OLD.replace("old", "hunter2").replace("again", "swordfish")
    write_auth(depot, text.replace("https://", "http://") + "expires_at = 1\n")
    headers(depot)
    assert "hunter2" not in caplog.text
    assert "swordfish" not in caplog.text
