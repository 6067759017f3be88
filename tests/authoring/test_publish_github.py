"""Against a local server that answers as docs.github.com/rest documents it."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fetch_artifacts.archive.writer import Archive, archive_directory
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.authoring.targets.github import GistTarget, ReleaseTarget
from fetch_artifacts.authoring.targets.target import Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.settings.environment import Settings
from support.published import TREE, TREE_HASH, tar
from support.trees import make_tree

TOKEN = "ghp_never_to_be_seen"
RELEASES = "/repos/octocat/hello/releases"
ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"

needs_scripts = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for git is a shell script"
)
needs_git = pytest.mark.skipif(
    not shutil.which("git"), reason="NOT TESTED: there is no git to push with"
)


@pytest.fixture
def github(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    monkeypatch.setenv("GITHUB_API_URL", httpserver.url_for("/"))
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return httpserver


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    source = make_tree(tmp_path / "source", TREE)
    return archive_directory(source, tmp_path / ARCHIVE, "gz")


@pytest.fixture
def target(github: HTTPServer) -> ReleaseTarget:
    found = target_for("github:octocat/hello@v1.0")
    assert isinstance(found, ReleaseTarget)
    return found


def answer_release(server: HTTPServer, **assets: str) -> dict[str, object]:
    return {
        "id": 1,
        "tag_name": "v1.0",
        "upload_url": server.url_for(f"/uploads{RELEASES}/1/assets") + "{?name,label}",
        "assets": [
            {"name": name, "browser_download_url": url} for name, url in assets.items()
        ],
    }


def serve_uploads(server: HTTPServer) -> None:
    """Take assets, and serve each where its answer says."""

    def take(request: Request) -> Response:
        name = request.args["name"]
        place = f"/octocat/hello/releases/download/v1.0/{name}"
        server.expect_request(place).respond_with_data(request.data)
        answer = {"name": name, "browser_download_url": server.url_for(place)}
        return Response(json.dumps(answer), 201)

    uploads = f"/uploads{RELEASES}/1/assets"
    server.expect_request(uploads, method="POST").respond_with_handler(take)


def test_an_archive_becomes_an_asset_of_a_release(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    release = answer_release(github)
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
    serve_uploads(github)
    upload = target.upload(archive)
    url = github.url_for(f"/octocat/hello/releases/download/v1.0/{ARCHIVE}")
    assert upload == Upload(url=url)
    request = github.log[-1][0]
    assert request.query_string == f"name={ARCHIVE}".encode()
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.headers["Content-Length"] == str(archive.size)
    for request, _ in github.log:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["Accept"] == "application/vnd.github+json"
        assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_a_release_that_is_missing_is_made(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    github.expect_request(
        RELEASES, method="POST", json={"tag_name": "v1.0", "name": "v1.0"}
    ).respond_with_json(answer_release(github), 201)
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(
        {"message": "Not Found"}, 404
    )
    serve_uploads(github)
    assert target.upload(archive).existed is False


def test_an_asset_that_is_there_is_left_as_it_is(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    release = answer_release(github, **{ARCHIVE: "https://example.org/there"})
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
    assert target.upload(archive) == Upload(
        url="https://example.org/there", existed=True
    )


def test_an_asset_that_is_something_else_is_told_with_the_remedy(
    tmp_path: Path, github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    release = answer_release(github, **{ARCHIVE: github.url_for("/there")})
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
    toml = BindingOptions(toml=tmp_path / "Artifacts.toml")
    for content in (b"no archive", gzip.compress(tar({"other": "tree"}))):
        github.clear_all_handlers()
        github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
        github.expect_request("/there").respond_with_data(content)
        with pytest.raises(PublishError, match="delete it there and run this again"):
            publish(tmp_path / "source", "Demo", target, toml)


@pytest.mark.parametrize("found", [True, False])
def test_what_was_made_meanwhile_is_told_with_the_remedy(
    github: HTTPServer, target: ReleaseTarget, archive: Archive, found: bool
) -> None:
    tag = github.expect_request(f"{RELEASES}/tags/v1.0")
    tag.respond_with_json(answer_release(github), 200 if found else 404)
    refused = {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
    place = f"/uploads{RELEASES}/1/assets" if found else RELEASES
    github.expect_request(place, method="POST").respond_with_json(refused, 422)
    with pytest.raises(PublishError, match="run it again, and it is used"):
        target.upload(archive)


def test_a_gist_that_is_said_to_be_there_is_told_with_the_remedy(
    github: HTTPServer, archive: Archive
) -> None:
    refused = {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
    github.expect_request("/gists", method="POST").respond_with_json(refused, 422)
    with pytest.raises(PublishError, match="run it again: each run makes a gist of"):
        target_for("gist").upload(archive)


def test_an_asset_whose_upload_broke_off_is_replaced(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    place = f"{RELEASES}/assets/7"
    broken = {"name": ARCHIVE, "state": "starter", "url": github.url_for(place)}
    release = {**answer_release(github), "assets": [broken]}
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
    github.expect_request(place, method="DELETE").respond_with_data(status=204)
    serve_uploads(github)
    assert target.upload(archive).existed is False
    assert [request.method for request, _ in github.log] == ["GET", "DELETE", "POST"]


def test_a_release_is_published_verified_and_bound(
    tmp_path: Path, depot: Path, github: HTTPServer, target: ReleaseTarget
) -> None:
    source = make_tree(tmp_path / "source", TREE)
    release = answer_release(github)
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(release)
    serve_uploads(github)
    toml = tmp_path / "Artifacts.toml"
    published = publish(source, "Demo", target, BindingOptions(toml=toml))
    assert f'url = "{published.source.url}"' in toml.read_text()
    # What everybody downloads is downloaded without the token.
    assert "Authorization" not in github.log[-1][0].headers


def test_a_tag_may_have_slashes(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    release = answer_release(github, **{ARCHIVE: "https://example.org/there"})
    github.expect_request(f"{RELEASES}/tags/data/v1").respond_with_json(release)
    assert replace(target, tag="data/v1").upload(archive).existed


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (401, {"message": "Bad credentials"}, "401 .*Bad credentials.*GITHUB_TOKEN"),
        (
            403,
            {"message": f"no {TOKEN}"},
            r"403 .*no \.\.\.; check that the token",
        ),
        (
            422,
            {"message": "Validation Failed", "errors": ["tag"]},
            r"Failed, \['tag'\]",
        ),
        (500, None, "HTTP 500"),
        (200, [], "expected a JSON object"),
        (200, {"assets": []}, "expected a text as 'upload_url', found None"),
    ],
)
def test_a_refusal_is_told_without_the_token(
    github: HTTPServer,
    target: ReleaseTarget,
    archive: Archive,
    status: int,
    answer: object,
    message: str,
) -> None:
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_json(answer, status)
    with pytest.raises(PublishError, match=message) as caught:
        target.upload(archive)
    assert TOKEN not in str(caught.value)


def test_a_redirect_is_not_followed_with_the_token(
    github: HTTPServer, target: ReleaseTarget, archive: Archive
) -> None:
    elsewhere = github.url_for("/repositories/1/releases")
    github.expect_request(f"{RELEASES}/tags/v1.0").respond_with_data(
        status=301, headers={"Location": elsewhere}
    )
    with pytest.raises(PublishError, match=f"it moved to {elsewhere}"):
        target.upload(archive)
    assert len(github.log) == 1


def test_a_server_that_is_not_there_is_told_without_the_token(
    monkeypatch: pytest.MonkeyPatch, archive: Archive
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    with pytest.raises(PublishError, match=": Connection refused") as caught:
        target_for("github:octocat/hello@v1.0").upload(archive)
    assert TOKEN not in str(caught.value)


def test_a_token_is_not_sent_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, archive: Archive
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", "http://github.example.org/api/v3")
    with pytest.raises(PublishError, match="expected https"):
        target_for("github:octocat/hello@v1.0").upload(archive)


@pytest.mark.parametrize("token", [None, "", " ", "two\nlines"])
def test_without_a_token_its_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, archive: Archive, token: str | None
) -> None:
    monkeypatch.setenv("PATH", "")  # where gh might be, and logged in
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(PublishError, match="GITHUB_TOKEN: expected an access token"):
        target_for("github:octocat/hello@v1.0").upload(archive)


@needs_scripts
def test_without_a_variable_the_token_of_gh_is_used(
    github: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    target: ReleaseTarget,
    archive: Archive,
) -> None:
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "token of $*"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(PublishError):  # the stand-in has no release
        target_for("github:octocat/hello@v1.0").upload(archive)
    host = urlsplit(github.url_for("")).hostname
    sent = github.log[0][0].headers["Authorization"]
    assert sent == f"Bearer token of auth token --hostname {host}"


def test_nothing_is_published_while_the_network_is_forbidden(
    github: HTTPServer, monkeypatch: pytest.MonkeyPatch, archive: Archive
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_OFFLINE", "1")
    with pytest.raises(PublishError, match="FETCH_ARTIFACTS_OFFLINE is set"):
        target_for("github:octocat/hello@v1.0").upload(archive)
    assert not github.log


@pytest.fixture
def gist(tmp_path: Path, github: HTTPServer) -> Path:
    """A bare repository with one file, as a new gist is one."""
    bare, work = tmp_path / "gist.git", tmp_path / "work"
    make_tree(work, {"README.md": "new\n"})
    for folder, *command in (
        (tmp_path, "init", "--quiet", "--bare", str(bare)),
        (work, "init", "--quiet"),
        (work, "add", "README.md"),
        (work, "-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "new"),
        (work, "push", "--quiet", str(bare), "HEAD:refs/heads/main"),
        (bare, "symbolic-ref", "HEAD", "refs/heads/main"),
    ):
        subprocess.run(["git", *map(str, command)], cwd=str(folder), check=True)
    made = {"id": "aa5a", "git_push_url": bare.as_uri()}
    github.expect_request("/gists", method="POST").respond_with_json(made, 201)

    def describe(_request: Request) -> Response:
        shown = subprocess.run(
            ["git", "show", f"HEAD:{ARCHIVE}"],
            cwd=bare,
            check=True,
            capture_output=True,
        )
        raw = f"/octocat/aa5a/raw/1/{ARCHIVE}"
        github.expect_request(raw).respond_with_data(shown.stdout)
        files = {ARCHIVE: {"filename": ARCHIVE, "raw_url": github.url_for(raw)}}
        return Response(json.dumps({**made, "files": files}))

    github.expect_request("/gists/aa5a").respond_with_handler(describe)
    return bare


@needs_git
@pytest.mark.parametrize("public", [False, True])
def test_an_archive_is_pushed_to_a_gist(
    tmp_path: Path, depot: Path, github: HTTPServer, gist: Path, *, public: bool
) -> None:
    source = make_tree(tmp_path / "source", TREE)
    toml = tmp_path / "Artifacts.toml"
    target = target_for("gist:public" if public else "gist")
    published = publish(source, "Demo", target, BindingOptions(toml=toml))
    assert published.source.url == github.url_for(f"/octocat/aa5a/raw/1/{ARCHIVE}")
    made = github.log[0][0].json
    assert made["public"] is public
    assert list(made["files"]) == ["README.md"]


@needs_scripts
def test_git_gets_the_token_for_the_gist_alone_and_tells_nobody(
    tmp_path: Path,
    github: HTTPServer,
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "bin" / "git"
    make_tree(
        program.parent,
        {"git": ("#!/bin/sh\nenv > ../env\necho $* >&2\nexit 1\n", 0o755)},
    )
    url = "https://gist.example.org/aa5a.git"
    github.expect_request("/gists", method="POST").respond_with_json(
        {"id": "aa5a", "git_push_url": url}, 201
    )
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(PublishError, match=f"git clone: clone .*{url} gist") as caught:
        target_for("gist").upload(archive)
    login = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    environ = (tmp_path / "env").read_text()
    assert f"GIT_CONFIG_KEY_0=http.{url}.extraHeader\n" in environ
    assert f"GIT_CONFIG_VALUE_0=Authorization: Basic {login}\n" in environ
    assert TOKEN not in str(caught.value)
    assert login not in str(caught.value)


def test_without_git_there_are_no_gists(
    tmp_path: Path,
    github: HTTPServer,
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    github.expect_request("/gists", method="POST").respond_with_json(
        {"id": "aa5a", "git_push_url": "https://gist.example.org/aa5a.git"}, 201
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PublishError, match="needs the program git"):
        target_for("gist").upload(archive)


def test_what_a_gist_would_not_serve_whole_is_refused(archive: Archive) -> None:
    target = GistTarget(settings=Settings.from_environ())
    with pytest.raises(PublishError, match="at most 10000000 bytes"):
        target.upload(replace(archive, size=10_000_001))
