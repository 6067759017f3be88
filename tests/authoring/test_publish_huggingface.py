"""Publishing on the Hugging Face Hub, by its own client, to a stand-in of the site."""

from __future__ import annotations

import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts._api import artifact
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.errors import PublishError
from support.hub import COMMIT, Hub
from support.published import TREE, TREE_HASH
from support.trees import make_tree

ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"
needs_client = pytest.mark.skipif(
    not find_spec("huggingface_hub"),
    reason="NOTHING WAS PUBLISHED BY HUGGING FACE'S CLIENT: needs huggingface_hub",
)


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
