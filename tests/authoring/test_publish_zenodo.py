"""Against a local server that answers as developers.zenodo.org documents it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.authoring.targets.zenodo import ZenodoTarget
from fetch_artifacts.errors import PublishError
from support.published import TREE, TREE_HASH
from support.trees import make_tree

TOKEN = "zenodo_never_to_be_seen"
DEPOSITS = "/api/deposit/depositions"
BUCKET = "/api/files/568377dd-daf8-4235-85e1-a56011ad454b"
ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"
RECORD = f"/records/542201/files/{ARCHIVE}"


@pytest.fixture
def zenodo(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A Zenodo with an unpublished deposit 542201, which serves what it got."""
    monkeypatch.setenv("ZENODO_TOKEN", TOKEN)
    links = {
        "bucket": httpserver.url_for(BUCKET),
        "html": "https://zenodo.org/deposit/542201",
    }
    draft = {"id": 542201, "state": "unsubmitted", "files": [], "links": links}
    httpserver.expect_request(DEPOSITS, method="POST").respond_with_json(draft, 201)
    httpserver.expect_request(f"{DEPOSITS}/542201").respond_with_json(draft)
    httpserver.expect_request(
        f"{DEPOSITS}/542201/actions/publish", method="POST"
    ).respond_with_json({**draft, "state": "done", "record_id": 542201}, 202)

    def take(request: Request) -> Response:
        httpserver.expect_request(RECORD).respond_with_data(request.data)
        checksum = hashlib.md5(request.data).hexdigest()
        answer = {"key": ARCHIVE, "checksum": f"md5:{checksum}"}
        return Response(json.dumps(answer), 201)

    uploads = f"{BUCKET}/{ARCHIVE}"
    httpserver.expect_request(uploads, method="PUT").respond_with_handler(take)
    return httpserver


@pytest.fixture
def target(zenodo: HTTPServer) -> ZenodoTarget:
    found = target_for("zenodo", title="Demo")
    assert isinstance(found, ZenodoTarget)
    return replace(found, site=zenodo.url_for("").rstrip("/"))


@pytest.fixture
def source(tmp_path: Path, depot: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "Artifacts.toml"


def requests(server: HTTPServer) -> list[str]:
    return [f"{request.method} {request.path}" for request, _ in server.log]


def test_an_archive_goes_into_a_draft_and_is_bound_to_where_it_will_be(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    published = publish(source, "Demo", target, BindingOptions(toml=toml))
    assert requests(zenodo) == [f"POST {DEPOSITS}", f"PUT {BUCKET}/{ARCHIVE}"]
    assert published.source.url == f"{target.site}{RECORD}?download=1"
    [note] = published.notes
    assert note == (
        "it is a draft, which nobody can download until you publish it: "
        "https://zenodo.org/deposit/542201"
    )
    assert f'url = "{published.source.url}"' in toml.read_text()
    assert zenodo.log[0][0].json == {}
    for request, _ in zenodo.log:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_draft_that_exists_gets_another_file(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    publish(source, "Demo", replace(target, deposit=542201), BindingOptions(toml=toml))
    assert requests(zenodo) == [
        f"GET {DEPOSITS}/542201",
        f"PUT {BUCKET}/{ARCHIVE}",
    ]


def test_a_deposit_that_is_published_takes_no_file(
    httpserver: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    done = {"id": 7, "submitted": True, "state": "done", "links": {}}
    httpserver.expect_request(f"{DEPOSITS}/7").respond_with_json(done)
    with pytest.raises(PublishError, match="make a new version of it on http"):
        publish(source, "Demo", replace(target, deposit=7), BindingOptions(toml=toml))
    assert requests(httpserver) == [f"GET {DEPOSITS}/7"]
    assert not toml.exists()


def test_a_final_deposit_is_published_and_downloaded_again(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    final = replace(target, final=True, creators=("Curie, Marie",))
    published = publish(source, "Demo", final, BindingOptions(toml=toml))
    assert published.notes == ()
    assert requests(zenodo)[-2:] == [
        f"POST {DEPOSITS}/542201/actions/publish",
        f"GET {RECORD}",
    ]
    assert zenodo.log[0][0].json == {
        "metadata": {
            "title": "Demo",
            "description": "The artifact Demo, for an Artifacts.toml",
            "upload_type": "dataset",
            "creators": [{"name": "Curie, Marie"}],
        }
    }
    assert "Authorization" not in zenodo.log[-1][0].headers


def test_nothing_is_published_for_ever_without_an_author(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    with pytest.raises(PublishError, match="needs an author"):
        publish(source, "Demo", replace(target, final=True), BindingOptions(toml=toml))
    assert not zenodo.log


def test_what_arrived_damaged_is_not_bound(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    zenodo.expect_oneshot_request(f"{BUCKET}/{ARCHIVE}").respond_with_json(
        {"checksum": "md5:2942bfabb3d05332b66eb128e0842cff"}
    )
    with pytest.raises(PublishError, match="2942bfabb3d05332b66eb128e0842cff"):
        publish(source, "Demo", target, BindingOptions(toml=toml))
    assert not toml.exists()


def test_a_refusal_is_told_without_the_token(
    zenodo: HTTPServer, target: ZenodoTarget, source: Path, toml: Path
) -> None:
    zenodo.expect_oneshot_request(DEPOSITS).respond_with_json(
        {"message": "Validation error.", "errors": [{"field": "metadata.title"}]}, 400
    )
    with pytest.raises(PublishError, match=r"400 .*metadata\.title") as caught:
        publish(source, "Demo", target, BindingOptions(toml=toml))
    assert TOKEN not in str(caught.value)


def test_the_sandbox_is_another_site() -> None:
    target = target_for("zenodo-sandbox:17")
    assert isinstance(target, ZenodoTarget)
    assert (target.site, target.deposit) == ("https://sandbox.zenodo.org", 17)


def test_without_a_token_its_variable_is_named(source: Path, toml: Path) -> None:
    with pytest.raises(PublishError, match="ZENODO_TOKEN: expected an access token"):
        publish(source, "Demo", target_for("zenodo"), BindingOptions(toml=toml))
