"""Ctrl-C while a command waits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support.fetching import wait_for_the_end
from support.published import sha256
from support.servers import Handler, Request, answer, endless, head, serving

TREE = "2e81171448eb9f2ee3821e3d447aa6b2fe3ddba1"
COMMANDS = (("path", "X"), ("install",))
# Each wait below lasts 20 s or more, or for ever; a loaded machine may need some.
SOON = 15

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows sends no Ctrl-C to one process"
)


@pytest.fixture
def interrupted(tmp_path: Path, depot: Path) -> Callable[..., str]:
    """Run a command, and interrupt it as soon as it waits; gives what it says."""

    def run(
        command: Sequence[str],
        url: str,
        waits: Callable[[], bool] | None = None,
        number: int = signal.SIGINT,
    ) -> str:
        (tmp_path / "Artifacts.toml").write_text(
            f'[X]\ngit-tree-sha1 = "{TREE}"\n[[X.download]]\n'
            f'url = "{url}"\nsha256 = "{sha256(b"")}"\n'
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "fetch_artifacts", *command],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while waits and not waits():
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(number)
            began = time.monotonic()
            _, said = process.communicate(timeout=60)
            assert time.monotonic() - began < SOON
        assert process.returncode == 128 + number
        assert "Traceback" not in said
        assert not (depot / "artifacts" / TREE).exists()
        return said

    return run


def silent(_: Request, connection: socket.socket) -> None:
    wait_for_the_end(connection)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(silent, id="silent server"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="slow headers"),
        pytest.param(
            endless(head(200, Transfer_Encoding="chunked") + b"0\r\n", b"X: y\r\n"),
            id="trailers",
        ),
        pytest.param(answer(503, Retry_After=50), id="Retry-After"),
    ],
)
def test_a_wait_for_a_server_ends(
    interrupted: Callable[..., str], command: Sequence[str], handler: Handler
) -> None:
    with serving(handler) as server:
        interrupted(command, server.url(), lambda: bool(server.requests))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_leaves_nothing_but_a_line(
    interrupted: Callable[..., str], name: str, depot: Path
) -> None:
    number = getattr(signal, name)
    with serving(silent) as server:
        said = interrupted(
            ["path", "X"], server.url(), lambda: bool(server.requests), number
        )
    told = "terminated; run it again to go on: a download is resumed"
    assert said == f"fetch-artifacts: {told}\n"
    assert [path.name for path in (depot / "artifacts").iterdir()] == ["CACHEDIR.TAG"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wait_for_a_lock_ends(
    interrupted: Callable[..., str], command: Sequence[str], depot: Path
) -> None:
    lock = depot / "artifacts" / f"{TREE}.pid"
    lock.parent.mkdir(parents=True)
    lock.write_text("4242 othernode")
    # It makes the tag before it looks at the lock.
    interrupted(
        command, "https://example.invalid/x", (lock.parent / "CACHEDIR.TAG").exists
    )
    assert lock.read_text() == "4242 othernode"


# Sends the signal when a module is looked for.
SIGNALS_AT = """
import os, sys
at, number = sys.argv[1], int(sys.argv[2])
class Finder:
    def find_spec(name, path=None, target=None):
        if name == at:
            sys.meta_path.remove(Finder)
            os.kill(os.getpid(), number)
sys.meta_path.insert(0, Finder)
from fetch_artifacts.cli import main
sys.argv[1:] = ["list"]
main()
"""


@pytest.mark.parametrize(
    ("at", "number", "what"),
    [
        ("fetch_artifacts.cli.shared", signal.SIGINT, "interrupted"),
        ("click", signal.SIGINT, "interrupted"),
        ("click", signal.SIGTERM, "terminated"),
        ("fetch_artifacts.cli.commands", signal.SIGTERM, "terminated"),
    ],
)
def test_a_signal_in_the_imports_is_no_traceback(
    at: str, number: int, what: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALS_AT, at, str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.strip()) == (
        128 + number,
        f"fetch-artifacts: {what}",
    )


@pytest.mark.parametrize(
    ("number", "what"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")],
)
def test_a_signal_that_python_ignores_counts_all_the_same(
    number: int, what: str
) -> None:
    # As in the callbacks of CPython's imports: an error of a destructor goes nowhere.
    code = SIGNALS_AT.replace(
        "            os.kill(os.getpid(), number)",
        "            Gone()\n            import time; time.sleep(20)",
    )
    gone = "class Gone:\n    def __del__(self): os.kill(os.getpid(), number)\n"
    ended = subprocess.run(
        [sys.executable, "-c", f"import os\n{gone}{code}", "click", str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )
    told = (ended.returncode, ended.stderr.strip())
    assert told == (128 + number, f"fetch-artifacts: {what}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_end_changes_nothing(number: int) -> None:
    # What the command loads may have work to do at the end, as multiprocessing has.
    at_end = SIGNALS_AT.replace("os.kill(", "atexit.register(os.kill, ")
    code = at_end.replace("import os", "import atexit, os").replace("list", "platform")
    ended = subprocess.run(
        [sys.executable, "-c", code, "click", str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
