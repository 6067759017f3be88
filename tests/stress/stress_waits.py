"""Ctrl-C while an install waits: for a lock, for a server in each way, for a retry."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stress.scene import check
from support.fetching import wait_for_the_end
from support.published import entry, sha256
from support.servers import Handler, Request, answer, endless, head, serving

TREE = "2e81171448eb9f2ee3821e3d447aa6b2fe3ddba1"
COMMANDS = (("path", "Demo"), ("install",))


def silent(_: Request, connection: socket.socket) -> None:
    """Never answer."""
    wait_for_the_end(connection)


SERVERS: dict[str, Handler] = {
    "a silent server": silent,
    "headers that come slowly": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "trailers without end": endless(
        head(200, Transfer_Encoding="chunked") + b"0\r\n", b"X: y\r\n"
    ),
    "a Retry-After of 50 s": answer(503, Retry_After=50),
}


def main() -> None:
    """Interrupt each command in each wait."""
    for command in COMMANDS:
        for name, handler in SERVERS.items():
            with serving(handler) as server:
                interrupt(command, name, server.url(), lambda: bool(server.requests))
        with tempfile.TemporaryDirectory(prefix="stress-") as folder:
            depot = Path(folder)
            lock = depot / "artifacts" / f"{TREE}.pid"
            lock.parent.mkdir()
            lock.write_text("4242 othernode")
            tag = lock.parent / "CACHEDIR.TAG"
            url = "https://example.invalid/x"
            interrupt(command, "a lock of another host", url, tag.exists, depot)


def interrupt(
    command: tuple[str, ...],
    what: str,
    url: str,
    waits: Callable[[], bool],
    depot: Path | None = None,
) -> None:
    """Send a command SIGINT half a second after it began to wait, and time it."""
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        toml = Path(folder, "Artifacts.toml")
        toml.write_text(entry((url, sha256(b"")), tree_hash=TREE))
        process = subprocess.Popen(
            [sys.executable, "-m", "fetch_artifacts", *command],
            cwd=folder,
            env={**os.environ, "JULIA_DEPOT_PATH": str(depot or Path(folder, "depot"))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while not waits() and process.poll() is None:
                time.sleep(0.01)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            said = process.communicate(timeout=120)[1]
            taken = time.monotonic() - began
    print(f"  {command[0]}, {what}: it ends {taken:.2f} s after Ctrl-C")
    check("it ends within a second, on a loaded machine two", kept=taken < 2)
    check(
        "by 130, without a traceback",
        kept=process.returncode == 130 and "Traceback" not in said,
    )
