"""Mirrors as a second level, and sources that only fsspec can read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import artifact, urls
from fetch_artifacts.archive.tree import read_archive_file
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.errors import DownloadError, InstallError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.session import ServerLimits
from fetch_artifacts.settings import mirrors
from fetch_artifacts.settings.environment import Settings
from support.commands import run
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256
from support.trees import make_tree, names

fsspec = pytest.importorskip("fsspec", reason="NO OBJECT STORE WAS TRIED: needs fsspec")


@pytest.fixture
def published(tmp_path: Path, depot: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let fsspec's file system in memory stand in for an object store."""
    schemes = urls.FSSPEC_SCHEMES | {"memory"}
    for module in (
        "urls",
        "network.fetcher",
        "settings.mirrors",
        "artifacts_toml.check",
    ):
        monkeypatch.setattr(f"fetch_artifacts.{module}.FSSPEC_SCHEMES", schemes)
    monkeypatch.setattr(mirrors, "_WRITABLE", {"file", *schemes})
    monkeypatch.setattr(mirrors, "_SCHEMES", {"http", "https", "file", *schemes})
    yield
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pseudo_dirs[:] = [""]


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> str:
    """The address of a folder in a bucket."""
    request.getfixturevalue(request.param)
    return f"{request.param}://bucket/folder"


def test_a_mirror_in_a_bucket_is_filled_checked_used_and_pruned(
    bucket: str,
    published: Published,
    depot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = run("mirror", bucket, published.toml)
    assert (done.exit_code, done.stdout) == (0, f"added\t{TREE_HASH}\tDemo\n")
    assert run("mirror", bucket, published.toml).stdout == ""
    assert run("mirror", "--check", bucket, published.toml).exit_code == 0
    published.archive.unlink()
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", bucket)
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    published.toml.write_text("")
    done = run("mirror", "--prune", bucket, published.toml)
    assert done.stdout == f"deleted\t{TREE_HASH}\n"


def test_what_is_installed_is_pushed(
    bucket: str, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", bucket)
    done = run("install", "--toml", published.toml, "--push")
    assert done.exit_code == 0, done.stderr
    address = f"{bucket}/artifact/{TREE_HASH}"
    assert f"added {address}" in done.stderr
    with fsspec.open(address) as file:
        (tmp_path / "got").write_bytes(file.read())
    archive = read_archive_file(tmp_path / "got")
    assert (archive.kind, str(archive.tree_hash)) == ("gz", TREE_HASH)
    again = run("install", "--toml", published.toml, "--push")
    assert "added" not in again.stderr


def test_what_is_published_is_pushed(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", mirror.as_uri())
    source, web = make_tree(tmp_path / "source", TREE), tmp_path / "web"
    base = ["--to", f"dir:{web}", "--url-base", web.as_uri(), "--push"]
    toml = tmp_path / "Artifacts.toml"
    done = run("publish", source, "Demo", *base, "--toml", toml)
    assert done.exit_code == 0, done.stderr
    assert names(mirror / "artifact") == [TREE_HASH]


@pytest.mark.parametrize("mirrors", ["", "https://mirror.example.org/x"])
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_there_must_be_a_mirror_to_push_to_before_anything_is_done(
    mirrors: str,
    dry_run: tuple[str, ...],
    published: Published,
    depot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", mirrors)
    source, web = make_tree(tmp_path / "source", TREE), tmp_path / "web"
    base = ["--to", f"dir:{web}", "--url-base", web.as_uri()]
    publishing: list[str | Path] = ["publish", source, "Other", *base]
    for command in (["install"], publishing):
        done = run(*command, "--toml", published.toml, "--push", *dry_run)
        assert done.exit_code == 1
        assert "expected a mirror that can be written to" in done.stderr
        assert f"found {mirrors or 'none'}" in done.stderr
    assert not (depot / "artifacts").exists()
    assert not web.exists()
    assert "Other" not in published.toml.read_text()


@pytest.mark.parametrize("by", ["variable", "pyproject"])
def test_mirrors_are_asked_before_the_server_and_the_sources(
    by: str,
    published: Published,
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    httpserver.expect_request("/near/artifact/" + TREE_HASH).respond_with_data(
        published.data
    )
    monkeypatch.setenv("JULIA_PKG_SERVER", httpserver.url_for("/server"))
    places = [(tmp_path / "empty").as_uri(), httpserver.url_for("/near/")]
    if by == "variable":
        monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", " ".join(places))
    else:
        text = f"[tool.fetch-artifacts]\nmirrors = {places}\n"
        (tmp_path / "pyproject.toml").write_text(text)
        monkeypatch.chdir(tmp_path)
    artifact("Demo", published.toml)
    asked = [request.path for request, _ in httpserver.log]
    assert asked == [f"/near/artifact/{TREE_HASH}"]


def test_another_tree_from_a_mirror_is_refused_and_the_source_is_asked(
    published: Published, depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = publish(tmp_path / "other", tree={"other": "tree"})
    place = tmp_path / "mirror" / "artifact" / TREE_HASH
    place.parent.mkdir(parents=True)
    other.archive.rename(place)
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", (tmp_path / "mirror").as_uri())
    path = artifact("Demo", published.toml)
    assert (path / "foo3").read_text() == "baz!"


def test_an_empty_variable_switches_the_project_s_mirrors_off(tmp_path: Path) -> None:
    text = '[tool.fetch-artifacts]\nmirrors = ["https://a/b/"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    assert mirrors.mirrors_of({}, tmp_path) == ("https://a/b",)
    assert mirrors.mirrors_of({"FETCH_ARTIFACTS_MIRRORS": ""}, tmp_path) == ()


@pytest.mark.parametrize("value", ['"https://a"', "[1]", '["a/b"]', '["ftp://a/b"]'])
def test_what_is_no_mirror_is_refused(value: str, tmp_path: Path) -> None:
    text = f"[tool.fetch-artifacts]\nmirrors = {value}\n"
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ValueError, match=r"mirrors: expected"):
        mirrors.mirrors_of({}, tmp_path)


def test_a_source_may_be_in_a_bucket(
    bucket: str, published: Published, depot: Path
) -> None:
    with fsspec.open(f"{bucket}/a.tar.gz", "wb") as file:
        file.write(published.data)
    source = (f"{bucket}/a.tar.gz", sha256(published.data))
    published.toml.write_text(entry(source))
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    missing = (f"{bucket}/missing", sha256(published.data))
    published.toml.write_text(entry(missing, tree_hash="0" * 40))
    with pytest.raises(InstallError, match="there is no such file"):
        artifact("Demo", published.toml)


@pytest.mark.usefixtures("s3")
def test_an_s3_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = fsspec.get_filesystem_class("s3").clear_instance_cache
    limits = ServerLimits(answer_timeout=0.5)
    fetcher = HttpFetcher(Settings.from_environ(), limits=limits)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        monkeypatch.context() as patch,
    ):
        port = silent.getsockname()[1]
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        known()
        with pytest.raises(DownloadError, match=r"^s3:.*: nothing came for 0\.5 s; t"):
            fetcher.read("s3://bucket/a.tar.gz", {})
        known()


def test_check_says_that_julia_can_t_use_such_a_source(published: Published) -> None:
    digest = sha256(published.data)
    published.toml.write_text(entry(("s3://bucket/a.tar.gz", digest)))
    [finding] = check_file(published.toml)
    assert "Python downloads from s3:// with fsspec, Julia can't" in str(finding)
    assert not finding.harmless
    both = entry(("s3://bucket/a.tar.gz", digest), ("https://h/a.tar.gz", digest))
    published.toml.write_text(both)
    [finding] = check_file(published.toml)
    assert finding.harmless


def test_an_archive_may_be_beside_the_artifacts_toml(
    published: Published, depot: Path
) -> None:
    data = published.toml.parent / "data 1"
    data.mkdir()
    published.archive.rename(data / "demo.tar.gz")
    digest = sha256(published.data)
    published.toml.write_text(entry(("file:data%201/demo.tar.gz", digest)))
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    [finding] = check_file(published.toml)
    assert "Julia refuses it" in str(finding)
    assert "publish --to" in str(finding)
