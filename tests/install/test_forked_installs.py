"""Many artifacts are installed in forks, with nothing else changed.

Each test runs a program: forks are made only where there is one thread, and the
processes of pytest-xdist have more.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts import create_artifact
from support.fetching import wait_for_the_end
from support.published import entry, sha256
from support.servers import Request, serving
from support.trees import make_tree

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT TESTED: only on Linux are there forks"
)

COUNT = 9
BEGIN = """
import logging, os, sys
from fetch_artifacts.parallel import processes

forks, real = [], os.fork
def fork():
    forks.append("fork")
    return real()
os.fork = fork
processes.available_cores = lambda: 2
processes._THREAD_ENDS = 0.2

from fetch_artifacts import InstallError, install_artifacts
"""
COMMAND = f"{BEGIN}\nfrom fetch_artifacts.cli import main\nmain()\n"


@pytest.fixture
def toml(tmp_path: Path, depot: Path) -> Path:
    """A file that binds so many artifacts, with archives beside it."""
    folder = tmp_path / "published"
    entries = []
    for number in range(COUNT):
        tree = make_tree(tmp_path / "tree" / f"{number}", {"file": f"{number}"})
        archive = folder / f"{number}.tar.gz"
        folder.mkdir(exist_ok=True)
        made = create_artifact(tree, archive)
        source = (archive.as_uri(), made["sha256"])
        entries.append(
            entry(source, name=f"Data{number}", tree_hash=made["git_tree_sha1"])
        )
    path = folder / "Artifacts.toml"
    path.write_text("\n".join(entries))
    return path


def run(toml: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program beside the file, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + code, *arguments],
        cwd=toml.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done


def found(depot: Path) -> list[str]:
    """What is beside the trees, and where new trees are made."""
    artifacts = depot / "artifacts"
    left = [path.name for path in artifacts.iterdir() if len(path.name) != 40]
    return sorted(left) + [path.name for path in depot.glob("scratchspaces/*/*/*")]


def trees(depot: Path) -> int:
    return sum(len(path.name) == 40 for path in (depot / "artifacts").iterdir())


def test_forks_install_and_this_process_hears_of_each_step(
    toml: Path, depot: Path
) -> None:
    code = f"""
events = []
paths = install_artifacts(progress=lambda event: events.append((event, os.getpid())))
assert len(forks) == 2, forks
assert list(paths) == [f"Data{{number}}" for number in range({COUNT})], paths
for number, (name, path) in enumerate(paths.items()):
    assert (path / "file").read_text() == f"{{number}}"
    own = [event for event, process in events if event.name == name]
    assert [event.stage for event in own][-2:] == ["verifying", "installed"]
    assert own[-1].done > 0
assert {{process for _, process in events}} == {{os.getpid()}}
forks.clear()
assert install_artifacts() == paths and not forks
"""
    assert run(toml, code).stderr == ""
    assert trees(depot) == COUNT
    assert found(depot) == ["CACHEDIR.TAG"]


NO_FORKS = {
    "one job at a time": "install_artifacts(jobs=1)",
    "few artifacts": f"names = [f'Data{{n}}' for n in range({COUNT - 2})]\n"
    "install_artifacts(names=names)",
    "another thread": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
    "install_artifacts()",
    "another place than addresses": f"""
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.install.installer import Installer
from fetch_artifacts.install.source_reader import SourceReader
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.settings.environment import Settings
import threading
from pathlib import Path
reader = SourceReader(
    Settings.from_environ(), Path(), stopped=threading.Event()
)
entries = [
    entry_for(f"Data{{n}}", "Artifacts.toml", host_platform) for n in range({COUNT})
]
with Installer(reader=reader) as installer:
    installer.ensure_all(entries)
""",
}


@pytest.mark.parametrize("install", NO_FORKS.values(), ids=NO_FORKS)
def test_this_process_installs_where_forks_would_not_do(
    toml: Path, depot: Path, install: str
) -> None:
    run(toml, f"{install}\nassert not forks")
    assert trees(depot) >= COUNT - 2


def test_failures_are_told_as_by_one_process(toml: Path, depot: Path) -> None:
    for number in (2, 7):
        (toml.parent / f"{number}.tar.gz").write_bytes(b"damaged")
    code = """
from fetch_artifacts import TarballHashMismatchError
told = []
for cores in (2, 1):
    processes.available_cores = lambda: cores
    try:
        install_artifacts()
    except InstallError as error:
        assert error.name == "Data2, Data7"
        assert [name for name, _ in error.attempts] == ["Data2", "Data7"]
        for _, each in error.attempts:
            (url, cause), *_ = each.attempts
            assert type(cause) is TarballHashMismatchError, cause
            assert url in str(error)
        told.append(str(error))
    if cores == 2:
        assert len(forks) == 2
        for number in sys.argv[1:]:
            os.system(f"rm -r {number}")
assert told[0] == told[1] and told[0].startswith("2 of 9 artifacts"), told
"""
    run(toml, code)
    assert trees(depot) == COUNT - 2
    assert found(depot) == ["CACHEDIR.TAG"]


def test_what_is_logged_in_a_fork_is_logged_here(toml: Path) -> None:
    code = """
logging.basicConfig(format="%(message)s", level=logging.DEBUG)
install_artifacts()
"""
    said = run(toml, code).stderr
    for number in range(COUNT):
        url = (toml.parent / f"{number}.tar.gz").as_uri()
        assert said.count(f"Data{number}: trying {url}\n") == 1


def test_a_program_is_warned_once_of_an_old_entry(toml: Path) -> None:
    archives = sorted(toml.parent.glob("*.gz"))
    hashes = [sha256(archive.read_bytes()) for archive in archives]
    entries = [
        entry((archive.as_uri(), each), name=f"D{archive.name[0]}", tree_hash=each)
        for archive, each in zip(archives, hashes, strict=True)
    ]
    toml.write_text("\n".join(entries))
    code = """
install_artifacts()
assert len(forks) == 2
install_artifacts()
"""
    said = run(toml, code).stderr.splitlines()
    assert [line[:2] for line in sorted(said)] == [f"D{n}" for n in range(COUNT)]


def silent(_: Request, connection: socket.socket) -> None:
    wait_for_the_end(connection)


@pytest.fixture
def waiting(toml: Path, depot: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that waits for a silent server in forks."""
    with serving(silent) as server:
        source = (server.url(), sha256(b""))
        hashes = [f"{number}" * 40 for number in range(1, COUNT)]
        toml.write_text(
            "\n".join(entry(source, name=f"D{h[0]}", tree_hash=h) for h in hashes)
        )
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "install"],
            cwd=toml.parent,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            while len(server.requests) < COUNT - 1:
                assert process.poll() is None
                time.sleep(0.02)
            locks = {path.suffix for path in (depot / "artifacts").iterdir()}
            assert locks == {".pid", ".TAG"}
            holders = [
                int(path.read_text().split()[0])
                for path in (depot / "artifacts").glob("*.pid")
            ]
            assert process.pid not in holders
            assert len(set(holders)) == 2
            yield process


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("whom", ["the group", "the command"])
def test_a_signal_leaves_nothing_behind(
    waiting: subprocess.Popen[str], depot: Path, name: str, whom: str
) -> None:
    number = getattr(signal, name)
    if whom == "the group":  # as a terminal does
        os.killpg(waiting.pid, number)
    else:
        waiting.send_signal(number)
    _, said = waiting.communicate(timeout=60)
    assert waiting.returncode == 128 + number
    told = {"SIGINT": "interrupted"}.get(name, "terminated")
    assert said.lstrip() == (
        f"fetch-artifacts: {told}; run it again to go on: a download is resumed\n"
    )
    assert found(depot) == ["CACHEDIR.TAG"]


def test_forks_clear_up_after_their_parent_is_killed(
    waiting: subprocess.Popen[str], depot: Path
) -> None:
    waiting.kill()
    waiting.wait()
    for _ in range(1000):
        if found(depot) == ["CACHEDIR.TAG"]:
            break
        time.sleep(0.01)
    assert found(depot) == ["CACHEDIR.TAG"]
