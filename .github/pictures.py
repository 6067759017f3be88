"""Makes the pictures of the README: `nox -s pictures`.

Real commands run in a terminal of their own (a pseudo-terminal, read by pyte), and what
they show is written as SVG: `demo`, and an install from a server on loopback that sends
slowly, halfway and at its end. A command that fails ends it.
"""

from __future__ import annotations

import contextlib
import functools
import html
import itertools
import os
import pty
import random
import struct
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass, field
from fcntl import ioctl
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyte

from fetch_artifacts import bind_artifact, create_artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 60
WIDTH, HEIGHT = 8.4, 19
COLOURS = {
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "brightblack": "#8b949e",
}
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
        (tree / "data.bin").write_bytes(random.Random(name).randbytes(size))
        made = create_artifact(tree, folder / f"{name}.tar.gz")
        source = f"{url}/{name}.tar.gz"
        bind_artifact(
            toml, name, made["git_tree_sha1"], source, made["sha256"], lazy=False
        )


@dataclass(frozen=True, slots=True)
class _Terminal:
    """A terminal in which commands run one after the other."""

    columns: int
    folder: Path
    screen: pyte.Screen = field(init=False)
    stream: pyte.Stream = field(init=False)

    def __post_init__(self) -> None:
        screen = pyte.Screen(self.columns, ROWS)
        object.__setattr__(self, "screen", screen)
        object.__setattr__(self, "stream", pyte.Stream(screen))

    def run(self, arguments: str, seen: Callable[[], None] = lambda: None) -> None:
        """Run a command; what is seen is called whenever the screen changes."""
        self.stream.feed(f"$ fetch-artifacts {arguments}\r\n")
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, self.columns, 0, 0))
            command = [sys.executable, "-m", "fetch_artifacts", *arguments.split()]
            os.execve(sys.executable, command, self._environ())
        while data := _written(terminal):
            self.stream.feed(data.decode("utf-8", "replace"))
            seen()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            sys.exit("\n".join(self.screen.display) + f"\nexit code {status}")

    def _environ(self) -> dict[str, str]:
        ours = ("FETCH_ARTIFACTS_", "JULIA_", "COLUMNS", "NO_COLOR", "TMPDIR")
        environ = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return {**environ, "HOME": str(self.folder), "TERM": "xterm-256color"}

    def rows(self) -> list[dict[int, pyte.screens.Char]]:
        """What is on the screen, down to the last line with anything on it."""
        last = max(n for n, line in enumerate(self.screen.display) if line.strip())
        columns = range(self.columns)
        return [{x: self.screen.buffer[n][x] for x in columns} for n in range(last + 1)]


def _written(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux: the other end is closed
        return b""


def _line(row: dict[int, pyte.screens.Char], y: float) -> str:
    """The words of a line, each in its place and of one colour."""
    shown = [(x, cell) for x, cell in sorted(row.items()) if cell.data != " "]
    spans = []
    for _, word in itertools.groupby(
        enumerate(shown), lambda it: (it[1][0] - it[0], it[1][1].fg)
    ):
        cells = [each for _, each in word]
        start, first = cells[0]
        text = html.escape("".join(cell.data for _, cell in cells))
        place = f'x="{12 + start * WIDTH:.1f}" y="{y}"'
        length = f'textLength="{len(cells) * WIDTH:.1f}"'
        fill = COLOURS.get(first.fg, "#e6edf3")
        spans.append(f'<tspan {place} {length} fill="{fill}">{text}</tspan>')
    return "".join(spans)


def _write(name: str, columns: int, rows: list[dict[int, pyte.screens.Char]]) -> None:
    width, height = 24 + columns * WIDTH, 24 + len(rows) * HEIGHT
    lines = "\n".join(_line(row, 26 + n * HEIGHT) for n, row in enumerate(rows))
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<text font-family="monospace" font-size="14" xml:space="preserve">\n{lines}\n'
        "</text>\n</svg>\n"
    )
    Path(__file__).with_name(name).write_text(text, "utf-8")


def draw_demo(folder: Path) -> None:
    """The demo, which says itself what it does."""
    terminal = _Terminal(110, folder)
    terminal.run("demo")
    _write("demo.svg", terminal.columns, terminal.rows())


def draw_install(folder: Path) -> None:
    """An install at about half, and once it is done, with what `list` says of it."""
    terminal = _Terminal(100, folder)
    halfway: list[dict[int, pyte.screens.Char]] = []

    def seen() -> None:
        shown = "\n".join(terminal.screen.display)
        if not halfway and "downloading  5" in shown:  # 50 to 59 %
            halfway.extend(terminal.rows())

    with _serving(folder) as url:
        _bind(folder, url, folder / "Artifacts.toml")
        terminal.run("install", seen)
        terminal.run("list")
        terminal.run("path Weights")
    if not halfway:
        sys.exit("the install was never seen at half")
    _write("install.svg", terminal.columns, [*halfway, {}, *terminal.rows()])


def main() -> None:
    """Write the pictures beside this file."""
    for draw in (draw_demo, draw_install):
        with tempfile.TemporaryDirectory(prefix="you-") as folder:
            draw(Path(folder))


if __name__ == "__main__":
    main()
