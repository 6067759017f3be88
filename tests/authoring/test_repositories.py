"""DOIs and links of figshare, which a stand-in of the two APIs resolves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts.authoring import repositories
from support.commands import run
from support.published import TREE_HASH, Published, publish

RECORD = {
    "id": 2,
    "files": [{"key": "a 1.tar.gz"}, {"key": "b.txt"}],
}
LATEST = "/records/2/files/a%201.tar.gz"


@pytest.fixture
def api(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    base = httpserver.url_for("").rstrip("/")
    monkeypatch.setattr(repositories, "ZENODO", base)
    monkeypatch.setattr(repositories, "FIGSHARE", f"{base}/v2")
    monkeypatch.setattr(repositories, "FIGSHARE_FILES", f"{base}/files")
    httpserver.expect_request("/api/records/1").respond_with_json(RECORD)
    article = {"files": [{"name": "a.tar.gz", "download_url": f"{base}/files/7"}]}
    for path in ("/v2/articles/5", "/v2/articles/5/versions/2"):
        httpserver.expect_request(path).respond_with_json(article)
    return httpserver


@pytest.fixture
def published(tmp_path: Path, depot: Path, api: HTTPServer) -> Published:
    """An archive that both sites have."""
    made = publish(tmp_path / "published")
    for path in ("/records/2/files/a 1.tar.gz", "/files/7"):
        api.expect_request(path).respond_with_data(made.data)
    return made


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("doi:10.5281/zenodo.1/a 1.tar.gz", f"{LATEST}?download=1"),
        ("https://doi.org/10.5281/zenodo.1/a%201.tar.gz", f"{LATEST}?download=1"),
        ("doi:10.6084/m9.figshare.5/a.tar.gz", "/files/7"),
        ("doi:10.6084/m9.figshare.5.v2", "/files/7"),
        ("https://figshare.com/articles/dataset/A_title/5/2?file=7", "/files/7"),
        ("https://figshare.com/ndownloader/files/7", "/files/7"),
    ],
)
def test_add_binds_the_url_of_the_file_itself(
    address: str, found: str, published: Published, api: HTTPServer, tmp_path: Path
) -> None:
    toml = tmp_path / "Artifacts.toml"
    done = run("add", "Demo", address, "--toml", toml)
    assert done.exit_code == 0, done.stderr
    base = api.url_for("").rstrip("/")
    assert f'url = "{base}{found}"' in toml.read_text()
    assert TREE_HASH in toml.read_text()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("doi:10.5281/zenodo.1/c", "found a 1.tar.gz, b.txt"),
        ("doi:10.5281/zenodo.1", "one of a 1.tar.gz, b.txt"),
        ("doi:10.1000/182", "expected doi:10.5281/zenodo.NUMBER/FILE or"),
        ("doi:10.5281/zenodo.9/a", "404"),
    ],
)
def test_what_stands_for_no_file_is_refused(
    address: str, words: str, api: HTTPServer, tmp_path: Path, depot: Path
) -> None:
    api.no_handler_status_code = 404
    done = run("add", "Demo", address, "--toml", tmp_path / "Artifacts.toml")
    assert (done.exit_code, words in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("text", ["<html>", "[]", json.dumps({"files": [1]})])
def test_an_answer_that_is_none_is_refused(
    text: str, httpserver: HTTPServer, api: HTTPServer, tmp_path: Path, depot: Path
) -> None:
    httpserver.expect_request("/api/records/3").respond_with_data(text)
    address = "doi:10.5281/zenodo.3/a"
    done = run("add", "Demo", address, "--toml", tmp_path / "Artifacts.toml")
    assert (done.exit_code, "expected a" in done.stderr) == (1, True)
