"""A web server that misbehaves as it is told to, on raw sockets of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

Handler = Callable[["Request", socket.socket], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for; header names are in lower case, the size in bytes."""

    path: str
    headers: dict[str, str]
    size: int = 0


@dataclass(slots=True)
class RawServer:
    """Answers the first connection by the first handler and so on, the last for ever.

    Each connection is closed after its answer.
    """

    handlers: list[Handler]
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/file.tar.gz", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextlib.contextmanager
def serving(*handlers: Handler, host: str = "127.0.0.1") -> Iterator[RawServer]:
    """Run a server for the length of a block."""
    server = RawServer(list(handlers))
    with listening(partial(_serve, server), host) as server.port:
        yield server


@contextlib.contextmanager
def listening(
    serve: Callable[[socket.socket], None], host: str = "127.0.0.1"
) -> Iterator[int]:
    """Let a thread accept connections until its listener fails; gives the port."""
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield port
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept on Linux,
            with contextlib.suppress(OSError):  # and a last client elsewhere
                socket.create_connection((host, port), 1).close()
            thread.join()


def _serve(server: RawServer, listener: socket.socket) -> None:
    threads: list[threading.Thread] = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            break
        number = len(threads)
        thread = threading.Thread(target=_answer, args=(server, connection, number))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _answer(server: RawServer, connection: socket.socket, number: int) -> None:
    with connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.settimeout(60)
        request = _read_request(connection)
        if request is None:
            return
        server.requests.append(request)
        handler = server.handlers[min(number, len(server.handlers) - 1)]
        handler(request, connection)


def _read_request(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return None
        data += received
    first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): text for name, text in pairs}
    return Request(first.split(" ")[1], headers, len(data))


def answer(status: int, body: bytes = b"", **headers: str | int) -> Handler:
    """Answer in full; underscores in the names of headers become hyphens."""

    def handle(_: Request, connection: socket.socket) -> None:
        connection.sendall(head(status, **{"Content_Length": len(body), **headers}))
        connection.sendall(body)

    return handle


def endless(first: bytes, more: bytes) -> Handler:
    """Begin an answer, and go on with it until the client hangs up."""

    def handle(_: Request, connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(more)
            time.sleep(0.02)

    return handle


def head(status: int, **headers: str | int) -> bytes:
    """The beginning of an answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(slots=True)
class File:
    """A file on a server that knows ranges; a `Handler`.

    Attributes:
        data: Its bytes.
        cuts: After how many bytes of the body each connection breaks, in turn.
        headers: More headers, such as ETag; underscores become hyphens.
        ranges: Whether it heeds Range.
        pause: Seconds to wait before each 64 KiB.
    """

    data: bytes
    cuts: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    pause: float = 0.0

    def __call__(self, request: Request, connection: socket.socket) -> None:
        start = self._start(request)
        size = len(self.data)
        headers: dict[str, str | int] = {**self.headers}
        if start is not None and start >= size:
            connection.sendall(head(416, Content_Range=f"bytes */{size}", **headers))
            return
        if start is not None:
            headers["Content_Range"] = f"bytes {start}-{size - 1}/{size}"
        body = self.data[start or 0 :]
        status = 200 if start is None else 206
        connection.sendall(head(status, Content_Length=len(body), **headers))
        cut = self.cuts.pop(0) if self.cuts else len(body)
        for place in range(0, min(cut, len(body)), 1 << 16):
            time.sleep(self.pause)
            connection.sendall(body[place : min(cut, place + (1 << 16))])

    def _start(self, request: Request) -> int | None:
        """The first byte that was asked for, None for the whole file."""
        wanted = request.headers.get("range", "")
        condition = request.headers.get("if-range")
        known = (self.headers.get("ETag"), self.headers.get("Last_Modified"))
        if not wanted or not self.ranges or condition not in {None, *known}:
            return None
        return int(wanted.removeprefix("bytes=").removesuffix("-"))
