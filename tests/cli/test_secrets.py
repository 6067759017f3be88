"""No command shows or keeps what is secret in a URL, unless it was asked to."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fetch_artifacts import add_download_source
from fetch_artifacts.errors import FetchArtifactsError
from support.commands import Result, run
from support.published import TREE, TREE_HASH, entry, sha256, tar
from support.servers import RawServer, Request, answer, serving

Check = Callable[[Result], None]

SECRET = "hunter2"
GOOD = gzip.compress(tar(TREE))
OTHER = gzip.compress(tar({"other": "tree"}))
BODIES = {
    "/good": answer(200, GOOD),
    "/other": answer(200, OTHER),
    "/page": answer(200, b"<!DOCTYPE html><title>Sign in</title>"),
    "/missing": answer(404),
    "/login": answer(401),
    "/moved": answer(301, Location=f"/good?token={SECRET}"),
    "/lost": answer(302, Location=f"http://me:{SECRET}@[/"),
}


@pytest.fixture
def server() -> Iterator[RawServer]:
    def handle(request: Request, connection: object) -> None:
        handler = BODIES.get(request.path.partition("?")[0], answer(404))
        handler(request, connection)  # type: ignore[arg-type]

    with serving(handle) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depot: Path) -> Path:
    path = tmp_path / "project"
    (path / "folder").mkdir(parents=True)
    (path / "folder" / "file").write_text("content")
    monkeypatch.chdir(path)
    return path


def with_secrets(server: RawServer, path: str) -> list[str]:
    host = f"127.0.0.1:{server.port}"
    return [
        f"http://me:{SECRET}@{host}{path}",
        f"http://{host}{path}?X-Amz-Signature={SECRET}",
    ]


def no_urls() -> list[str]:
    return [
        f"http://me:{SECRET}@[/x",
        f"http://me:{SECRET}@a..b/x",
        f"http://me:x/{SECRET}@a/x",
        f"http:/me:{SECRET}@a/x",
        f"me:{SECRET}@a/x",
        f"file://me:{SECRET}@a/x",
        f"s3://me:{SECRET}@a/x",
        f"file:///%00?{SECRET}",
    ]


@pytest.fixture
def check(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Check:
    """Looks for the secret in what was said, logged and written."""
    caplog.set_level(logging.DEBUG, "fetch_artifacts")

    def check(result: Result) -> None:
        assert SECRET not in result.stdout
        assert SECRET not in result.stderr
        logged = [r for r in caplog.records if r.name.startswith("fetch_artifacts")]
        assert not [r for r in logged if SECRET in r.getMessage()]
        for path in tmp_path.rglob("*"):
            assert SECRET not in str(path)
            if path.is_file() and path.name not in {"Artifacts.toml", "pyproject.toml"}:
                assert SECRET.encode() not in path.read_bytes(), path

    return check


def said_by_add_download_source(url: str, digest: str) -> str:
    try:
        add_download_source("Artifacts.toml", "Y", url, digest)
    except FetchArtifactsError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", sorted(BODIES))
def test_an_author_is_shown_no_secret(
    server: RawServer,
    project: Path,
    path: str,
    check: Check,
    tmp_path: Path,
) -> None:
    for url in with_secrets(server, path):
        plain = server.url("/good")
        for urls in ([url], [plain, url], [url, plain]):
            check(run("--debug", "add", "X", *urls, "--force"))
        with_sha = ["--download", url, sha256(GOOD)]
        check(run("bind", "Y", TREE_HASH, *with_sha, "--force"))
        archive = ["create", "folder", "-o", "a.tar.gz", "--bind", "Z", "--url", url]
        check(run(*archive, "--force"))
        target = ["publish", "folder", "N", "--to", f"dir:{tmp_path / 'out'}"]
        check(run(*target, "--url-base", url))
        for digest in (sha256(GOOD), sha256(b"x")):
            said = said_by_add_download_source(url, digest)
            check(Result(1, said, ""))


@pytest.mark.parametrize("path", sorted(BODIES))
def test_a_user_is_shown_no_secret(
    server: RawServer,
    project: Path,
    path: str,
    check: Check,
) -> None:
    for url in with_secrets(server, path):
        for digest in (sha256(GOOD), sha256(b"x")):
            (project / "Artifacts.toml").write_text(
                entry((url, digest), name="X", tree_hash="1" * 40)
            )
            for command in USERS_COMMANDS:
                check(run("--debug", *command))


USERS_COMMANDS = (
    *(("path", "X"), ("install",), ("list",), ("list", "--json"), ("check",)),
    *(("verify",), ("doctor",), ("doctor", "--fix"), ("doctor", "--json")),
    *(("override", "X", "--toml", "Artifacts.toml"), ("remove", "X"), ("unbind", "X")),
)


@pytest.mark.parametrize("url", no_urls())
def test_what_is_no_url_is_shown_without_its_secret(
    project: Path, url: str, check: Check, tmp_path: Path
) -> None:
    for command in (
        ["add", "X", url],
        ["bind", "X", TREE_HASH, "--download", url, sha256(b"")],
        ["create", "folder", "-o", "a.tar.gz", "--bind", "Z", "--url", url],
        ["publish", "folder", "N", "--to", url],
        ["publish", "folder", "N", "--to", url, "--url-base", url],
        ["publish", "folder", "N", "--to", f"dir:{tmp_path / 'o'}", "--url-base", url],
    ):
        check(run("--debug", *command))
    (project / "Artifacts.toml").write_text(
        entry((url, sha256(b"")), name="X", tree_hash="1" * 40)
    )
    for users in USERS_COMMANDS:
        check(run("--debug", *users))


def test_an_address_in_place_of_a_file_is_shown_without_its_secret(
    project: Path, check: Check
) -> None:
    url = f"https://me:{SECRET}@host/Artifacts.toml?token={SECRET}"
    table = f'[tool.fetch-artifacts]\nartifacts-toml = "{url}"\n'
    (project / "pyproject.toml").write_text(table)
    result = run("--debug", "list")
    check(result)
    assert "'https://host/Artifacts.toml?...'" in result.stderr


@pytest.mark.parametrize("variable", ["JULIA_PKG_SERVER", "http_proxy", "https_proxy"])
def test_a_login_in_the_environment_is_not_shown(
    server: RawServer,
    project: Path,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
) -> None:
    is_proxy = variable.endswith("proxy")
    url = f"{variable.partition('_')[0]}://a.invalid/x" if is_proxy else "file:///no"
    (project / "Artifacts.toml").write_text(
        entry((url, sha256(b"")), name="X", tree_hash="1" * 40)
    )
    for value in (with_secrets(server, "")[0], f"http://me:{SECRET}@["):
        monkeypatch.setenv(variable, value)
        for command in USERS_COMMANDS:
            check(run("--debug", *command))
