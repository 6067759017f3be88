"""Serve one file slowly, until standard input ends.

``python paced_server.py FILE REQUESTS PAUSE``: prints the URL, and adds a line to
REQUESTS for each request.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.servers import File, Request, serving


def main() -> None:
    file, requests, pause = sys.argv[1:]
    served = File(Path(file).read_bytes(), pause=float(pause))

    def handle(request: Request, connection: socket.socket) -> None:
        with Path(requests).open("a") as log:
            log.write(f"{request.headers.get('range', 'all')}\n")
        served(request, connection)

    with serving(handle) as server:
        print(server.url("/demo.tar.gz"), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
