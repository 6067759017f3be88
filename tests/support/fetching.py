"""Downloads of one random body, with limits that make the tests quick."""

from __future__ import annotations

import hashlib
import random
import socket
from dataclasses import replace
from pathlib import Path

from fetch_artifacts.digests import Sha256
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.session import ServerLimits

DATA = random.Random(1).randbytes(300_000)
SHA256 = Sha256(hashlib.sha256(DATA).digest())
QUICK = ServerLimits(pause=0.01)
IMPATIENT = replace(QUICK, stall_timeout=1)


def fetch(
    fetcher: HttpFetcher,
    url: str,
    sha256: Sha256 | None = None,
    *,
    headers: dict[str, str] | None = None,
    partial_dir: Path | None = None,
) -> bytes:
    partials = None if partial_dir is None else Folder.hold(partial_dir)
    with fetcher.open(url, sha256=sha256, partials=partials, headers=headers) as body:
        return b"".join(body)


def left_over(partial_dir: Path, data: bytes = DATA[:100_000]) -> Path:
    """The partial file of a download that was killed."""
    path = partial_dir / f"{SHA256}.partial"
    path.write_bytes(data)
    return path


def wait_for_the_end(connection: socket.socket) -> None:
    """Send nothing until the client hangs up."""
    while connection.recv(1 << 16):
        pass


def nothing_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"127.0.0.1:{unused.getsockname()[1]}"
