"""Makes the picture of the README: `nox -s pictures`.

A real install runs in a terminal of its own (a pseudo-terminal, read by pyte), at a
server on loopback that sends slowly; what it shows halfway and at its end is written as
SVG.
"""

from __future__ import annotations

import contextlib
import functools
import html
import os
import pty
import select
import struct
import sys
import tempfile
import termios
import threading
import time
from fcntl import ioctl
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyte

from fetch_artifacts import bind_artifact, create_artifact

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS, ROWS = 88, 14
WIDTH, HEIGHT = 8.4, 19
COLOURS = {"red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341", "black": "#8b949e"}
COMMANDS = ("install", "list", "path Weights")
RATE = 2_000_000  # bytes a second


class _Slow(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        while chunk := source.read(RATE // 20):
            outputfile.write(chunk)
            time.sleep(1 / 20)


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Slow, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _bind(folder: Path, url: str, toml: Path) -> None:
    for name, size in (("Weights", 6_000_000), ("Readings", 2_000_000)):
        tree = folder / name
        tree.mkdir()
        (tree / "data.bin").write_bytes(os.urandom(size))
        made = create_artifact(tree, folder / f"{name}.tar.gz")
        source = f"{url}/{name}.tar.gz"
        bind_artifact(
            toml, name, made["git_tree_sha1"], source, made["sha256"], lazy=False
        )


def _run(arguments: str, environ: dict[str, str], folder: Path, seen: Any) -> None:
    """Run a command in a pseudo-terminal, and feed all it writes to a screen."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        command = [sys.executable, "-m", "fetch_artifacts", *arguments.split()]
        os.execve(sys.executable, command, environ)
    while True:
        select.select([terminal], [], [])
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux: the other end is closed
            break
        if not data:
            break
        seen(data.decode("utf-8", "replace"))
    os.waitpid(child, 0)


def _line(row: Any, y: float) -> str:
    spans = []
    for x, cell in sorted(row.items()):
        if cell.data != " ":
            colour = COLOURS.get(cell.fg, "#e6edf3")
            place = f'x="{12 + x * WIDTH:.1f}" y="{y}" fill="{colour}"'
            spans.append(f"<tspan {place}>{html.escape(cell.data)}</tspan>")
    return "".join(spans)


def _svg(rows: list[Any]) -> str:
    width, height = 24 + COLUMNS * WIDTH, 24 + len(rows) * HEIGHT
    lines = "\n".join(_line(row, 26 + n * HEIGHT) for n, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<text font-family="monospace" font-size="14" xml:space="preserve">\n{lines}\n'
        "</text>\n</svg>\n"
    )


def main() -> None:
    """Run the commands, and write the picture beside this file."""
    screen = pyte.Screen(COLUMNS, 60)
    stream = pyte.Stream(screen)
    halfway: list[Any] = []

    def seen(text: str) -> None:
        stream.feed(text)
        shown = "\n".join(screen.display)
        if not halfway and "downloading  5" in shown:  # 50 to 59 %
            halfway.extend(_rows(screen))

    with tempfile.TemporaryDirectory(prefix="you-") as place:
        folder = Path(place)
        environ = {
            **os.environ,
            "HOME": place,
            "JULIA_DEPOT_PATH": "",
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            "JULIA": "none",
        }
        with _serving(folder) as url:
            _bind(folder, url, folder / "Artifacts.toml")
            for arguments in COMMANDS:
                stream.feed(f"$ fetch-artifacts {arguments}\r\n")
                _run(arguments, environ, folder, seen)
        rows = [*halfway, {}, *_rows(screen)]
    Path(__file__).with_name("install.svg").write_text(_svg(rows), "utf-8")


def _rows(screen: Any) -> list[Any]:
    last = max(n for n, line in enumerate(screen.display) if line.strip())
    return [{x: screen.buffer[n][x] for x in range(COLUMNS)} for n in range(last + 1)]


if __name__ == "__main__":
    main()
