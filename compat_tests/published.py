"""A folder that is archived, served on loopback, and bound in an Artifacts.toml."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pytest_httpserver import HTTPServer

from support.trees import Link, Tree, make_tree

# Julia 1.5 unpacks with the system's tar, which keeps other modes than these two; and
# it takes the write bits of a folder that a link points to.
TREE: Tree = {
    "data/table.csv": "a,b\n1,2\n",
    "data/empty": "",
    "data/üñí.bin": bytes(range(256)) * 300,
    "bin/run": ("#!/bin/sh\necho ran\n", 0o755),
    "current": Link("data/table.csv"),
    "dangling": Link("../nowhere"),
}
# `git add --all && git write-tree`
TREE_HASH = "2883e6c71b79dfd793a0c389182558f3d3dc4ed3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An artifact that can be installed.

    Attributes:
        name: The name that it is bound to.
        toml: The Artifacts.toml.
        tree_hash: Its git-tree-sha1.
        source: The folder that was archived.
        server: The server, which logs each request.
    """

    name: str
    toml: Path
    tree_hash: str
    source: Path
    server: HTTPServer

    @property
    def downloads(self) -> int:
        """How often the archive was asked for."""
        return len(self.server.log)


def archive(folder: Path) -> Path:
    """TREE, made in a folder and archived there with GNU tar."""
    tree = make_tree(folder / "source", TREE)
    tarball = folder / "tree.tar.gz"
    subprocess.run(["tar", "-czf", tarball, "-C", tree, "."], check=True)
    return tarball


def bind(toml: Path, tree_hash: str, url: str, body: bytes) -> Path:
    """Write an Artifacts.toml with one artifact, Data, that has one source."""
    toml.write_text(
        f"""\
[Data]
git-tree-sha1 = "{tree_hash}"

    [[Data.download]]
    url = "{url}"
    sha256 = "{hashlib.sha256(body).hexdigest()}"
""",
        "utf-8",
    )
    return toml


def publish(folder: Path, server: HTTPServer) -> Published:
    """Archive TREE, serve it, and bind it."""
    body = archive(folder).read_bytes()
    server.expect_request("/tree.tar.gz").respond_with_data(body)
    url = server.url_for("/tree.tar.gz")
    return Published(
        name="Data",
        toml=bind(folder / "Artifacts.toml", TREE_HASH, url, body),
        tree_hash=TREE_HASH,
        source=folder / "source",
        server=server,
    )
