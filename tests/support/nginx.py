"""A real nginx on this machine, with the configuration of the page about mirrors."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[2] / ".github" / "docs" / "mirrors.md"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

_MAIN = """
daemon off;
pid {scratch}/pid;
error_log {scratch}/error.log;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    access_log {scratch}/access.log;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    gzip on;
    gzip_types *;
    {server}
}}
"""


def missing() -> str:
    """What a test with nginx lacks here, "" for nothing."""
    if not PAGE.exists():
        return f"there is no {PAGE}"
    return "" if NGINX else "nginx is not installed"


def page_block(name: str) -> str:
    """A block of the page, by the name that stands in a comment before it."""
    block = re.compile(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", re.DOTALL)
    found = block.search(PAGE.read_text("utf-8"))
    assert found, f"{PAGE} has no {name}"
    return found[1]


@contextlib.contextmanager
def nginx(root: Path, server: str | None = None) -> Iterator[str]:
    """Serve a folder for the length of a block, and give the server's URL.

    Args:
        root: The folder.
        server: The server's block of the configuration; the page's without it.
    """
    assert NGINX
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = server or page_block("nginx.conf")
    for there, here in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("root /srv/mirror;", f"root {root};"),
    ):
        assert there in server
        server = server.replace(there, here)
    scratch = Path(tempfile.mkdtemp(prefix="nginx-"))
    config = scratch / "nginx.conf"
    # As root it would serve as a user who can't look into the folders of tests.
    user = "user root;\n" if _is_root() else ""
    config.write_text(user + _MAIN.format(scratch=scratch, server=server), "utf-8")
    process = subprocess.Popen([NGINX, "-c", str(config), "-e", f"{scratch}/early.log"])
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(scratch)


def _is_root() -> bool:
    return hasattr(os, "getuid") and os.getuid() == 0


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "nginx did not start"
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 1),
        ):
            return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")
