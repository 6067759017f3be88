"""Depots that two real users write to, of whom one may mean harm."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from fetch_artifacts import artifact, install_artifacts, pkg_artifacts
from fetch_artifacts.depot.usage.log import write_usage
from support.published import TREE_HASH, Published, publish
from support.trees import make_tree, names

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0,
    reason="NOT RUN: ONLY ROOT CAN BE TWO OTHER USERS",
)
# The other users can't read root's own Python.
for module in ("install.installer", "depot.gc", "depot.usage.entries"):
    import_module(f"fetch_artifacts.{module}")

GROUP, ALICE, MALLORY = 23456, 12345, 12346
SECRET = "[[no]]\ntext = 'of others'\n"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the users reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def depot(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A depot of a group, as administrators make one."""
    depot = place / "depot"
    for folder in (depot, depot / "artifacts", depot / "logs"):
        folder.mkdir()
        os.chown(folder, 0, GROUP)
        folder.chmod(0o2775)
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(depot))
    return depot


@pytest.fixture
def demo(place: Path) -> Published:
    return publish(place / "demo")


@pytest.fixture
def private(place: Path) -> Path:
    """What only Alice may read and write."""
    folder = make_tree(place / "private", {"secret": SECRET})
    for path in (folder / "secret", folder):
        os.chown(path, ALICE, GROUP)
        path.chmod(0o700)
    return folder


def as_user(user: int, work: Callable[[], object]) -> bool:
    """Do something as another user of the group; whether it raised nothing."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([GROUP])
            os.setgid(GROUP)
            os.setuid(user)
            os.umask(0o002)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may get back into pytest
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def test_a_group_shares_what_each_of_them_installs(
    depot: Path, demo: Published, place: Path
) -> None:
    assert as_user(ALICE, lambda: artifact("Demo", demo.toml))
    demo.archive.unlink()  # whoever would download it would be told
    assert as_user(MALLORY, lambda: artifact("Demo", demo.toml))
    tree = depot / "artifacts" / TREE_HASH
    assert (tree.stat().st_uid, tree.stat().st_gid) == (ALICE, GROUP)
    # Each has a folder for trees that are made, which no other may look into.
    assert names(depot / ".fetch_artifacts") == [str(ALICE)]
    assert as_user(MALLORY, lambda: pkg_artifacts.remove_artifact(TREE_HASH))
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
    assert names(depot / ".fetch_artifacts") == [str(ALICE), str(MALLORY)]
    for user in (ALICE, MALLORY):
        folder = depot / ".fetch_artifacts" / str(user)
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (user, 0o700)
        assert names(folder) == []
    again = publish(place / "again")
    assert as_user(MALLORY, lambda: artifact("Demo", again.toml))
    assert tree.stat().st_uid == MALLORY


def plant(folder: Path, make: Callable[[Path], object], name: str) -> None:
    """Let Mallory put something into a folder of the group."""
    assert as_user(MALLORY, lambda: make(folder / name))


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (".", ".fetch_artifacts"),
        (".fetch_artifacts", str(ALICE)),
        ("artifacts", f"{TREE_HASH}.pid"),
        ("artifacts", "CACHEDIR.TAG"),
        ("logs", "artifact_usage.toml"),
        ("logs", "artifact_usage.toml.pid"),
        ("logs", "fetch_artifacts_archives.toml"),
    ],
)
@pytest.mark.parametrize(
    "kind", ["link to a folder", "link to a file", "link to nothing", "FIFO", "folder"]
)
def test_what_a_neighbour_plants_sends_nothing_elsewhere(
    where: str, name: str, kind: str, depot: Path, demo: Published, private: Path
) -> None:
    folder = depot / where
    if not folder.exists():
        assert as_user(MALLORY, folder.mkdir)
        folder.chmod(0o2775)
    targets = {"a folder": ".", "a file": "secret", "nothing": "new"}
    kinds: dict[str, Callable[[Path], object]] = {
        f"link to {words}": lambda path, target=target: path.symlink_to(  # type: ignore[misc]
            private / target
        )
        for words, target in targets.items()
    }
    kinds |= {"FIFO": os.mkfifo, "folder": Path.mkdir}
    plant(folder, kinds[kind], name)
    assert as_user(ALICE, lambda: artifact("Demo", demo.toml))
    assert (depot / "artifacts" / TREE_HASH / "bar").is_dir()
    assert names(private) == ["secret"]
    assert (private / "secret").read_text() == SECRET
    logs = [path for path in (depot / "logs").iterdir() if not path.is_symlink()]
    copies = [path for path in logs if path.is_file()]
    assert not any(SECRET in copy.read_text() for copy in copies if copy.stat().st_size)


@pytest.mark.parametrize("name", ["artifacts", "logs"])
def test_a_folder_of_the_depot_that_a_neighbour_replaced_is_not_written_to(
    name: str, depot: Path, demo: Published, private: Path
) -> None:
    def replace() -> None:
        (depot / name).rename(depot / "away")
        (depot / name).symlink_to(private)

    assert as_user(MALLORY, replace)
    as_user(ALICE, lambda: install_artifacts(demo.toml))
    as_user(ALICE, lambda: write_usage(depot, [demo.toml]))
    assert names(private) == ["secret"]
    assert (private / "secret").read_text() == SECRET


def test_a_log_that_is_another_name_of_a_file_is_neither_read_nor_replaced(
    depot: Path, demo: Published, private: Path
) -> None:
    # Root makes it: a kernel with fs.protected_hardlinks lets no neighbour.
    (depot / "logs" / "artifact_usage.toml").hardlink_to(private / "secret")
    assert as_user(ALICE, lambda: artifact("Demo", demo.toml))
    assert (private / "secret").read_text() == SECRET
    assert names(depot / "logs") == ["artifact_usage.toml"]
