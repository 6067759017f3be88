"""What is said when publishing fails: the target, the server's words, what to do.

Those of Hugging Face and of object stores are beside the tests of their uploads.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, socket

import pytest

from fetch_artifacts.archive.writer import Archive
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for, targets_for
from fetch_artifacts.authoring.targets import github, zenodo
from fetch_artifacts.authoring.targets.target import PublishTarget, Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.network import rest
from support.commands import run
from support.published import TREE
from support.servers import Handler, RawServer, Request, answer, serving
from support.trees import make_tree, names

VARIABLES = {
    "github:octocat/hello@v1.0": "GITHUB_TOKEN",
    "gist": "GITHUB_TOKEN",
    "zenodo": "ZENODO_TOKEN",
}

REMEDIES = {
    "HTTP 401": "check that the token in {} is right, and has not expired",
    "HTTP 403": "check that the token in {} may write there",
    "HTTP 409": "it is there already, or something else changes it: look at it there",
}
PAGE = b"<html><title>502\n Bad luck</title><hr>nginx</html>"


def cut(_: Request, connection: socket) -> None:
    """Reset the connection."""
    connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


def hang(_: Request, connection: socket) -> None:
    """Say nothing until the client goes."""
    while connection.recv(65536):
        pass


def refuse(status: int, said: object) -> Handler:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return answer(status, body)


@pytest.fixture
def publish_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, depot: Path
) -> Callable[..., str]:
    """Publish to a site that answers by handlers, and give the error's message."""
    source = make_tree(tmp_path / "source", TREE)
    toml = tmp_path / "Artifacts.toml"

    def attempt(target: str, *handlers: Handler) -> str:
        with serving(*handlers) as server:
            point_at(server, monkeypatch)
            with pytest.raises(PublishError) as caught:
                publish(source, "Demo", target_for(target), BindingOptions(toml=toml))
        assert not toml.exists()
        return str(caught.value)

    return attempt


def point_at(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.setenv(variable, "secret")
    monkeypatch.setenv("GITHUB_API_URL", server.url(""))
    monkeypatch.setattr(zenodo, "ZENODO", server.url(""))


@pytest.mark.parametrize("target", VARIABLES)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refuse(401, {"message": "Bad login"}), "HTTP 401 Unauthorized: Bad login; "),
        (refuse(403, {"message": "Not\nyours"}), "HTTP 403 Forbidden: Not yours; "),
        (refuse(409, {"error": "It is locked"}), "HTTP 409 Conflict: It is locked; "),
        (refuse(502, PAGE), "HTTP 502 Bad Gateway: 502 Bad luck; "),
        (refuse(503, b"<p>x"), "HTTP 503 Service Unavailable; "),
        (cut, ""),
        (hang, "no answer in time; "),
    ],
)
def test_a_failure_names_the_target_what_was_said_and_what_to_do(
    target: str,
    fault: Handler,
    said: str,
    publish_to: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fault is hang:
        monkeypatch.setattr(rest, "_ANSWER_SECONDS", 0.2)
    message = publish_to(target, fault)
    assert message.startswith(f"{target}: ")
    todo = REMEDIES.get(said[:8], "try again later").format(VARIABLES[target])
    # Each system has its own words for a connection that was cut.
    some = "[a-zA-Z ]+; " if fault is cut else ""
    assert re.search(f": {said}{some}{todo}; nothing was bound$", message)
    assert "secret" not in message


def test_a_draft_that_was_made_is_told_when_its_upload_fails(
    publish_to: Callable[..., str],
) -> None:
    links = {"bucket": "http://127.0.0.1:9/bucket", "html": "https://z/deposit/5"}
    message = publish_to("zenodo", refuse(201, {"id": 5, "links": links}))
    assert message.startswith("zenodo: PUT http://127.0.0.1:9/bucket/Demo-")
    assert message.endswith(
        "; its draft is https://z/deposit/5: give zenodo:5 next time, or another draft "
        "is made; nothing was bound"
    )


def test_a_gist_that_was_made_is_told_when_its_upload_fails(
    publish_to: Callable[..., str],
) -> None:
    gist = {"id": "a", "html_url": "https://gist.example.org/a"}
    message = publish_to("gist", refuse(201, gist))
    assert message.endswith(
        "; a gist was made: delete https://gist.example.org/a, or there will be two "
        "gists; nothing was bound"
    )


@pytest.mark.skipif(not shutil.which("git"), reason="NOT TESTED: there is no git")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refuse(403, {}), "error: 403"),
        (refuse(503, {}), "error: 503"),
        (cut, "unable to access"),
        (hang, "too slow"),
    ],
)
def test_what_git_says_of_a_gist_is_one_line(
    fault: Handler,
    said: str,
    publish_to: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(github, "_SILENT_SECONDS", 1)
    monkeypatch.setenv("LC_ALL", "C")  # git has words in other languages too
    with serving(fault) as site:
        url = site.url("/a.git", "localhost")
        message = publish_to("gist", refuse(201, {"id": "a", "git_push_url": url}))
    assert message.startswith("gist: git clone: ")
    assert said in message
    assert (
        "; the token in GITHUB_TOKEN needs the right to write gists; a gist" in message
    )
    assert "\n" not in message


@dataclass(frozen=True, kw_only=True)
class MadeTarget:
    """A place of which each upload makes another one."""

    folder: Path
    name: str = "made"

    def upload(self, archive: Archive) -> Upload:
        self.folder.mkdir()
        copied = archive.path.rename(self.folder / archive.path.name)
        return Upload(url=copied.as_uri(), again="delete it first")


def test_what_was_uploaded_before_a_failure_is_told_and_used_the_next_time(
    tmp_path: Path, depot: Path
) -> None:
    source, toml = make_tree(tmp_path / "source", TREE), tmp_path / "Artifacts.toml"
    one, two = tmp_path / "one", tmp_path / "file" / "two"
    two.parent.touch()
    targets = ["--to", f"dir:{one}", "--url-base", one.as_uri()]
    targets += ["--to", f"dir:{two}", "--url-base", two.as_uri()]
    failed = run("publish", source, "Demo", *targets, "--toml", toml)
    [file] = names(one)
    assert failed.exit_code == 1
    first, told, where = failed.stderr.splitlines()
    assert first.startswith(f"fetch-artifacts: dir:{two}: {two / file}: could not be ")
    assert first.endswith("; nothing was bound")
    assert told.strip() == "already uploaded, and used again next time:"
    assert where.strip() == f"dir:{one}: {one.as_uri()}/{file}"
    assert not toml.exists()
    written = (one / file).stat().st_mtime_ns
    two.parent.unlink()
    done = run("publish", source, "Demo", *targets, "--toml", toml)
    assert done.exit_code == 0, done.stderr
    assert (one / file).stat().st_mtime_ns == written


def test_an_upload_that_would_be_made_again_says_what_to_do(
    tmp_path: Path, depot: Path
) -> None:
    source, toml = make_tree(tmp_path / "source", TREE), tmp_path / "Artifacts.toml"
    (tmp_path / "file").touch()
    [bad] = targets_for([f"dir:{tmp_path / 'file' / 'two'}"], url_bases=["file:///x"])
    targets: list[PublishTarget] = [MadeTarget(folder=tmp_path / "made"), bad]
    last = r"\nmade: file:.* \(delete it first\)$"
    with pytest.raises(PublishError, match=last) as caught:
        publish(source, "Demo", targets, BindingOptions(toml=toml))
    [made] = (tmp_path / "made").iterdir()
    assert caught.value.uploaded == (made.as_uri(),)


def test_a_file_that_can_t_be_written_is_told_with_what_was_uploaded(
    tmp_path: Path, depot: Path
) -> None:
    source, web = make_tree(tmp_path / "source", TREE), tmp_path / "web"
    (tmp_path / "file").touch()
    target = target_for(f"dir:{web}", url_base=web.as_uri())
    toml = tmp_path / "file" / "Artifacts.toml"
    with pytest.raises(
        PublishError, match="nothing was bound\nalready uploaded"
    ) as caught:
        publish(source, "Demo", target, BindingOptions(toml=toml))
    assert str(caught.value).startswith(str(tmp_path / "file"))
