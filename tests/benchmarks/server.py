"""A web server in a process of its own, as fast as it can or at the pace of a link."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from benchmarks.harness import left_out
from support.nginx import NGINX, nginx

TESTS = Path(__file__).resolve().parents[1]
CHUNK = 1 << 18
FILES = """
server {
    listen 8080;
    root /srv/mirror;
    gzip off;
    sendfile on;
}
"""


class Handler(SimpleHTTPRequestHandler):
    """Sends files, at most so many bytes a second on each connection."""

    def __init__(self, *args: Any, rate: float = 0, **options: Any) -> None:
        self._rate = rate
        super().__init__(*args, **options)

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        """Send a body at the pace of the link; 0 is no limit."""
        start, sent = time.monotonic(), 0
        while chunk := source.read(CHUNK):
            outputfile.write(chunk)
            sent += len(chunk)
            if self._rate:
                time.sleep(max(0.0, start + sent / self._rate - time.monotonic()))

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def served(folder: Path, *, rate: int = 0) -> Iterator[str]:
    """Serve a folder, which is made; gives the address.

    At full speed by nginx where it is installed: a server in Python would be what is
    measured. It can keep the pace of a link, though, which nginx does in bursts.

    Args:
        folder: The folder.
        rate: The most bytes a second on each connection; 0 for no limit.
    """
    folder.mkdir(exist_ok=True)
    if NGINX and not rate:
        with nginx(folder, FILES) as url:
            yield url
    else:
        if not rate:
            left_out("nginx", "not installed; a server in Python takes its place")
        with started("benchmarks.server", folder, str(rate)) as url:
            yield url


@contextmanager
def started(module: str, folder: Path, *arguments: str) -> Iterator[str]:
    """Run a module that serves a folder, in a process of its own; gives the address."""
    command = [sys.executable, "-u", "-m", module, str(folder), *arguments]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()


def serve(handler: Callable[..., Handler]) -> None:
    """Serve until stopped; the port is the first line of the output."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    serve(partial(Handler, directory=sys.argv[1], rate=float(sys.argv[2])))
