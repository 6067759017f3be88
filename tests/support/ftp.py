"""A small FTP server on a socket of this machine, which misbehaves as it is told to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from support.servers import listening


@dataclass(slots=True)
class FtpServer:
    """Serves one file under any name.

    Attributes:
        data: Its bytes.
        cuts: After how many bytes each transfer breaks, in turn.
        refused: Commands that it does not know.
        silent_at: The command that it never answers, or "".
        commands: What it was asked.
        port: Where it listens.
    """

    data: bytes
    cuts: list[int] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    silent_at: str = ""
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/file.tar.gz", login: str = "") -> str:
        return f"ftp://{login}127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def serving_ftp(server: FtpServer) -> Iterator[FtpServer]:
    """Run a server for the length of a block."""
    with listening(partial(_serve, server)) as server.port:
        yield server


def _serve(server: FtpServer, listener: socket.socket) -> None:
    while True:
        try:
            control, _ = listener.accept()
        except OSError:
            return
        control.settimeout(60)
        dialogue = _Dialogue(server, control)
        with control, contextlib.closing(dialogue), contextlib.suppress(OSError):
            dialogue.run()


class _Dialogue:
    def __init__(self, server: FtpServer, control: socket.socket) -> None:
        self._server = server
        self._control = control
        self._start = 0
        self._listener: socket.socket | None = None

    def close(self) -> None:
        if self._listener:
            self._listener.close()

    def run(self) -> None:
        self._say("220 ready")
        lines = self._control.makefile("r", encoding="utf-8", newline="\r\n")
        with lines:
            for line in lines:
                self._server.commands.append(line.strip())
                command, _, argument = line.strip().partition(" ")
                if command == self._server.silent_at:
                    while self._control.recv(1 << 16):
                        pass
                    return
                if command in self._server.refused:
                    self._say("502 not implemented")
                else:
                    getattr(self, f"_{command.lower()}")(argument)

    def _say(self, line: str) -> None:
        self._control.sendall(f"{line}\r\n".encode())

    def _user(self, _: str) -> None:
        self._say("331 password, please")

    def _pass(self, _: str) -> None:
        self._say("230 welcome")

    def _type(self, _: str) -> None:
        self._say("200 binary")

    def _size(self, name: str) -> None:
        missing = name.startswith("no")
        self._say("550 no such file" if missing else f"213 {len(self._server.data)}")

    def _rest(self, start: str) -> None:
        self._start = int(start)
        self._say("350 as you like")

    def _pasv(self, _: str) -> None:
        self.close()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self._say(f"227 entered (127,0,0,1,{port // 256},{port % 256})")

    def _retr(self, name: str) -> None:
        assert self._listener
        with self._listener:
            if name.startswith("no"):
                self._say("550 no such file")
                return
            self._say("150 here it comes")
            body = self._server.data[self._start :]
            self._start = 0
            cut = self._server.cuts.pop(0) if self._server.cuts else len(body)
            connection, _ = self._listener.accept()
            with connection:
                connection.sendall(body[:cut])
        self._say("226 done" if cut >= len(body) else "426 cut")

    def _quit(self, _: str) -> None:
        self._say("221 bye")
