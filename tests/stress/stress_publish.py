"""Publications are killed with SIGKILL at random moments.

They go to a folder, and to a server that answers as GitHub's API does: an upload that
breaks off leaves an asset in the state "starter".
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from unittest import mock
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import tomli

from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from stress.scene import check, fork
from support.trees import Tree, make_tree

KILLS = 60  # of each kind
SIZE = 3 << 20
RELEASES = "/repos/octocat/hello/releases"


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and a look at what it has: archives by name, None where not whole."""

    target: str
    url_base: str | None
    archives: Callable[[], dict[str, bytes | None]]


def main() -> None:
    """Kill publications to a folder, then to a server."""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        data: Tree = {"large": random.Random(1).randbytes(SIZE), "small": "x"}
        make_tree(folder / "source", data)
        web = folder / "web"
        web.mkdir()
        seen = Place(f"dir:{web}", web.as_uri(), lambda: archives_in(web))
        kill_many(seen, folder)
        with github(folder) as url:
            seen = Place("github:octocat/hello@v1", None, lambda: assets_at(url))
            kill_many(seen, folder)


def archives_in(web: Path) -> dict[str, bytes | None]:
    """What a web server would serve of a folder."""
    found = [path for path in web.iterdir() if not path.name.startswith(".")]
    return {path.name: path.read_bytes() for path in found}


def kill_many(place: Place, folder: Path) -> None:
    """Kill, look, and now and then publish to the end."""
    rng, outcomes, leaving = random.Random(0), Counter[str](), 0
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    with mock.patch.object(tempfile, "tempdir", str(temporary)):
        usual = min(time_publication(place, folder, n) for n in range(3))
        for number in range(KILLS):
            left = [*temporary.iterdir()]
            pid = fork(lambda n=number: publish_one(place, folder, f"K{n}"))  # type: ignore[misc]
            time.sleep(rng.uniform(0, 1.3 * usual))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            outcomes[outcome(place, folder, f"K{number}", status)] += 1
            leaving += [*temporary.iterdir()] != left
        print(f"  {place.target.partition(':')[0]}: {KILLS} kills: {dict(outcomes)}")
        print(f"  {leaving} left a temporary folder until the next one began")
        check("nothing half is published or bound", kept=not outcomes["half"])
        for number in range(KILLS):
            publish_one(place, folder, f"K{number}")
        whole = [outcome(place, folder, f"K{number}") for number in range(KILLS)]
        check("each is completed by a rerun", kept=set(whole) == {"bound"})
    left = [*temporary.iterdir(), *(folder / "web").glob(".*"), *folder.glob("*.pid")]
    check(f"nothing is left of the killed: {left}", kept=not left)
    (folder / "Artifacts.toml").unlink()


def publish_one(place: Place, folder: Path, name: str) -> None:
    """Publish the tree under a name, or go on with it."""
    options = BindingOptions(toml=folder / "Artifacts.toml", force=True)
    target = target_for(place.target, url_base=place.url_base)
    publish(folder / "source", name, target, options)


def time_publication(place: Place, folder: Path, number: int) -> float:
    """The seconds of one publication that is left alone."""
    began = time.perf_counter()
    pid = fork(lambda: publish_one(place, folder, f"Usual{number}"))
    _, status = os.waitpid(pid, 0)
    check("a publication succeeds", kept=status == 0)
    return time.perf_counter() - began


def outcome(place: Place, folder: Path, name: str, status: int = 0) -> str:
    """What a publication has left: "half" if that is not what it should be."""
    found = [
        content
        for file, content in place.archives().items()
        if file.startswith(f"{name}-")
    ]
    toml = folder / "Artifacts.toml"
    entry = tomli.loads(toml.read_text("utf-8")).get(name) if toml.exists() else None
    if entry is None:
        whole = all(found) and (not found or len(set(found)) == 1)
        return ("uploaded" if found else "not begun") if whole else "half"
    (source,) = entry["download"]
    whole = len(found) == 1 and sha256(found[0] or b"").hexdigest() == source["sha256"]
    return "bound" if whole else "half"


class _Github(BaseHTTPRequestHandler):
    """One release whose assets come and go."""

    assets: ClassVar[dict[str, bytes | None]] = {}  # those of the only server

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if "/tags/" in self.path:
            self._answer(self._release())
        elif content := self.assets.get(name):
            self._send(200, content)
        else:
            self._send(404, b"{}")

    def do_DELETE(self) -> None:
        self.assets.pop(self.path.rpartition("/")[2], None)
        self._send(204, b"")

    def do_POST(self) -> None:
        name = parse_qs(urlsplit(self.path).query)["name"][0]
        self.assets[name] = None
        size = int(self.headers["content-length"])
        content = self.rfile.read(size)
        if len(content) == size:
            self.assets[name] = content
            self._answer(self._asset(name), 201)

    def _asset(self, name: str) -> dict[str, str]:
        base = f"http://{self.headers['host']}/assets/{name}"
        state = "uploaded" if self.assets[name] else "starter"
        return {"name": name, "state": state, "url": base, "browser_download_url": base}

    def _release(self) -> dict[str, object]:
        upload = f"http://{self.headers['host']}/uploads{{?name,label}}"
        return {"upload_url": upload, "assets": [*map(self._asset, [*self.assets])]}

    def _answer(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def github(folder: Path) -> Iterator[str]:
    """Serve the release in a process of its own, and give its address."""
    address = folder / "address"

    def serve() -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Github) as server:
            server.handle_error = lambda *_: None  # type: ignore[method-assign]
            new = address.with_suffix(".new")
            new.write_text(f"http://127.0.0.1:{server.server_port}")
            new.rename(address)
            server.serve_forever()

    pid = fork(serve)
    while not address.exists():
        time.sleep(0.01)
    variables = {"GITHUB_API_URL": address.read_text(), "GITHUB_TOKEN": "x"}
    try:
        with mock.patch.dict(os.environ, variables):
            yield address.read_text()
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def assets_at(url: str) -> dict[str, bytes | None]:
    """What the server serves to anyone."""
    with urlopen(f"{url}{RELEASES}/tags/v1") as answer:
        assets = json.load(answer)["assets"]
    found: dict[str, bytes | None] = {}
    for asset in assets:
        if asset["state"] == "uploaded":
            with urlopen(asset["url"]) as answer:
                found[asset["name"]] = answer.read()
    return found
