"""Publishing on the Hugging Face Hub, by its own client, to a stand-in of the site."""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fetch_artifacts._api import artifact
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.errors import PublishError
from support.published import TREE, TREE_HASH
from support.trees import make_tree

ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"
COMMIT = "c" * 40
needs_client = pytest.mark.skipif(
    not find_spec("huggingface_hub"),
    reason="NOTHING WAS PUBLISHED BY HUGGING FACE'S CLIENT: needs huggingface_hub",
)


class Hub:
    """A stand-in of the site: data sets with small files."""

    def __init__(self, server: HTTPServer) -> None:
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.private = False
        self.status = 200
        self.refused = ""  # what the path of a request that is refused has in it
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.tokens.add(request.headers.get("Authorization"))
        if self.status != 200 and self.refused in request.path:
            return Response('{"error": "No\\nway"}', self.status)
        if request.path.startswith("/api/"):
            return self._json(self._api(request))
        name = request.path.rpartition("/")[2]
        if "/resolve/" in request.path and name in self.files:
            headers = {"X-Repo-Commit": COMMIT, "ETag": "x"}
            return Response(self.files[name], headers=headers)
        return Response("", 404, headers={"X-Error-Code": "EntryNotFound"})

    def _api(self, request: Request) -> object:
        path = request.path
        if path == "/api/repos/create":
            return {"url": f"{request.host_url}datasets/me/data"}
        if path == "/api/datasets/me/data/preupload/main":
            [file] = json.loads(request.data)["files"]
            mode = {
                "path": file["path"],
                "uploadMode": "regular",
                "shouldIgnore": False,
            }
            return {"files": [mode]}
        if path == "/api/datasets/me/data/commit/main":
            for line in request.data.splitlines():
                if (item := json.loads(line))["key"] == "file":
                    value = item["value"]
                    self.files[value["path"]] = base64.b64decode(value["content"])
            where = f"{request.host_url}datasets/me/data/commit/{COMMIT}"
            return {"commitOid": COMMIT, "commitUrl": where, "pullRequestUrl": None}
        facts = {"id": "me/data", "sha": COMMIT, "siblings": []}
        return {**facts, "private": self.private}

    @staticmethod
    def _json(value: object) -> Response:
        return Response(json.dumps(value), content_type="application/json")


@pytest.fixture
def hub(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("HF_ENDPOINT", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    return Hub(httpserver)


@pytest.fixture
def source(tmp_path: Path, depot: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


@needs_client
def test_an_archive_is_published_in_a_data_set_at_its_commit(
    hub: Hub, source: Path, depot: Path, tmp_path: Path, httpserver: HTTPServer
) -> None:
    toml = tmp_path / "Artifacts.toml"
    target = target_for("hf:datasets/me/data")
    published = publish(source, "Demo", target, BindingOptions(toml=toml))
    url = httpserver.url_for(f"/datasets/me/data/resolve/{COMMIT}/{ARCHIVE}")
    assert published.source.url == url
    assert list(hub.files) == [ARCHIVE]
    assert "Bearer hf_secret" in hub.tokens
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH


@needs_client
def test_a_private_data_set_is_bound_with_a_note(
    hub: Hub, source: Path, tmp_path: Path
) -> None:
    hub.private = True
    toml = tmp_path / "Artifacts.toml"
    target = target_for("hf:datasets/me/data")
    published = publish(source, "Demo", target, BindingOptions(toml=toml))
    assert "private" in published.notes[0]


@needs_client
@pytest.mark.parametrize(
    ("status", "refused", "said"),
    [
        (401, "whoami", "HTTP 401 .*: No way; check that the token in HF_TOKEN is rig"),
        (403, "preup", "could not be written: HTTP 403: .*No way; check that the tok"),
        (409, "commit", "could not be written: HTTP 409: .*No way; it is there alread"),
        (500, "commit", "could not be written: HTTP 500: .*No way; try again later"),
    ],
)
def test_what_the_site_refuses_is_an_error_without_the_token(
    status: int, refused: str, said: str, hub: Hub, source: Path, tmp_path: Path
) -> None:
    hub.status, hub.refused = status, refused
    toml = tmp_path / "Artifacts.toml"
    target = target_for("hf:datasets/me/data")
    with pytest.raises(PublishError, match=f"^hf:datasets/me/data: .*{said}") as raised:
        publish(source, "Demo", target, BindingOptions(toml=toml))
    assert "hf_secret" not in str(raised.value)
    assert not toml.exists()


@needs_client
def test_a_site_that_says_nothing_is_not_waited_for(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetch_artifacts.network.rest._ANSWER_SECONDS", 0.2)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        target = target_for("hf:datasets/me/data")
        with pytest.raises(PublishError, match="no answer in time; try again later"):
            publish(source, "Demo", target, BindingOptions(toml=tmp_path / "A.toml"))


def test_without_its_client_what_to_install_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    target = target_for("hf:datasets/me/data")
    with pytest.raises(PublishError, match=r"install .fetch-artifacts\[hf\]>="):
        publish(source, "Demo", target, BindingOptions(toml=tmp_path / "A.toml"))
