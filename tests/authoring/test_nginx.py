"""A mirror behind a real nginx, with the configuration that the page gives."""

from __future__ import annotations

import hashlib
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from support import nginx
from support.commands import run
from support.published import TREE_HASH, Published, publish, tar

CLIENTS = 200


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def server(tmp_path: Path, depot: Path, published: Published) -> Iterator[str]:
    if nginx.missing():
        pytest.skip(f"NOTHING WAS ASKED OF A REAL NGINX: {nginx.missing()}")
    mirror = tmp_path / "mirror"
    assert run("mirror", mirror, published.toml).exit_code == 0
    with nginx.nginx(mirror) as url:
        yield url


def get(url: str) -> tuple[bytes, dict[str, str]]:
    headers = {"Accept-Encoding": "zstd, gzip"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.read(), dict(answer.headers)


def test_bodies_are_the_files_themselves(server: str, published: Published) -> None:
    data, headers = get(f"{server}/artifact/{TREE_HASH}")
    assert data == published.data
    assert headers["Content-Type"] == "application/octet-stream"
    assert "Content-Encoding" not in headers
    assert get(f"{server}/registries")[0] == b""
    assert get(f"{server}/meta")[0] == b"{}\n"


def test_what_is_not_of_the_mirror_is_not_served(server: str) -> None:
    for path in (".fetch-artifacts/", "artifact/", "artifact/" + "0" * 40):
        with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
            get(f"{server}/{path}")


def test_an_artifact_is_installed_from_it_where_its_sources_are_dead(
    server: str, published: Published, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.archive.unlink()
    monkeypatch.setenv("JULIA_PKG_SERVER", server)
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH


def test_200_clients_download_at_the_same_moment(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if nginx.missing():
        pytest.skip(f"200 CLIENTS DID NOT ASK A REAL NGINX: {nginx.missing()}")
    noise = random.Random(1).randbytes(1 << 20)
    data = tar({"noise": noise.hex()})
    published = publish(tmp_path / "large", data=data)
    text = published.toml.read_text()
    (tmp_path / "large" / "noise").write_bytes(noise.hex().encode())
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "noise").write_text(noise.hex())
    tree = run("hash", folder).stdout.split()[0]
    published.toml.write_text(text.replace(TREE_HASH, tree))
    mirror = tmp_path / "mirror"
    assert run("mirror", mirror, published.toml).exit_code == 0
    packed = (mirror / "artifact" / tree).read_bytes()
    with nginx.nginx(mirror) as url, ThreadPoolExecutor(CLIENTS) as clients:
        bodies = list(clients.map(get, [f"{url}/artifact/{tree}"] * CLIENTS))
    found = {hashlib.sha256(body).digest() for body, _ in bodies}
    assert found == {hashlib.sha256(packed).digest()}
