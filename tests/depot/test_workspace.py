from __future__ import annotations

import errno
import os
import re
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts.depot.artifacts import remove_artifact
from fetch_artifacts.depot.workspace import Workspace, take_out
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.files.locks.slots import sweep_slots
from support.trees import as_nobody, make_tree, names

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
USER = str(getattr(os, "geteuid", int)())
HASH = "98cda294312216b19e2a973e9c291c0f5181c98c"


@pytest.fixture
def artifacts(depot: Path) -> Path:
    (depot / "artifacts").mkdir(parents=True)
    return depot / "artifacts"


def own_folder(depot: Path) -> Path:
    return depot / ".fetch_artifacts" / USER


def leave(depot: Path, name: str, holder: str, *, age: float = 0) -> Path:
    """The tree and the lock file of a process that is gone."""
    tree = make_tree(own_folder(depot) / name, {"a/b": "x"})
    lock = tree.with_name(f"{name}.lock")
    lock.write_text(holder)
    moment = time.time() - age
    os.utime(lock, (moment, moment))
    os.utime(tree, (moment, moment))
    return tree


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def sweep(depot: Path) -> None:
    with Workspace.open(depot / "artifacts", depot) as workspace:
        workspace.sweep()


@UNIX
def test_each_user_has_a_folder_that_nobody_else_can_look_into(
    artifacts: Path, depot: Path
) -> None:
    artifacts.chmod(0o2775)
    with Workspace.open(artifacts, depot) as workspace:
        assert workspace.folder.path == own_folder(depot)
    assert stat.S_IMODE(own_folder(depot).stat().st_mode) & 0o777 == 0o700
    # All may make theirs, and none may move another's.
    shared = (depot / ".fetch_artifacts").stat().st_mode
    assert shared & 0o1775 == 0o1775


@UNIX
def test_a_folder_that_others_can_look_into_is_closed(
    artifacts: Path, depot: Path
) -> None:
    own_folder(depot).mkdir(parents=True)
    own_folder(depot).chmod(0o777)
    with Workspace.open(artifacts, depot):
        assert stat.S_IMODE(own_folder(depot).stat().st_mode) == 0o700


@UNIX
@pytest.mark.parametrize("kind", ["file", "link", "FIFO"])
def test_what_is_in_the_way_of_a_users_folder_is_told_and_passed(
    kind: str, artifacts: Path, depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, elsewhere = own_folder(depot), make_tree(depot / "elsewhere", {"f": "x"})
    path.parent.mkdir()
    if kind == "file":
        path.touch()
    elif kind == "link":
        path.symlink_to(elsewhere)
    else:
        os.mkfifo(path)
    with Workspace.open(artifacts, depot) as workspace, workspace.slot() as name:
        assert workspace.folder.path == path.with_name(f"{USER}.1")
        workspace.new_tree(name).close()
    assert names(elsewhere) == ["f"]
    assert f"{path}: expected a folder of one's own, found a" in caplog.text


@UNIX
def test_a_link_in_place_of_the_shared_folder_is_not_followed(
    artifacts: Path, depot: Path
) -> None:
    elsewhere = make_tree(depot / "elsewhere", {"f": "x"})
    (depot / ".fetch_artifacts").symlink_to(elsewhere)
    with Workspace.open(artifacts, depot) as workspace:
        assert workspace.folder.path == artifacts / ".fetch_artifacts" / USER
    assert names(elsewhere) == ["f"]


@UNIX
def test_what_is_made_stays_in_the_folder_that_was_opened(
    artifacts: Path, depot: Path
) -> None:
    private = make_tree(depot / "private", {USER + "/f": "x"})
    with Workspace.open(artifacts, depot) as workspace:
        (depot / ".fetch_artifacts").rename(depot / "moved")
        (depot / ".fetch_artifacts").symlink_to(private)
        with workspace.slot() as name, workspace.new_tree(name):
            assert names(private / USER) == ["f"]
            assert name in names(depot / "moved" / USER)
        workspace.sweep()
    assert names(private / USER) == ["f"]
    assert names(depot / "moved" / USER) == []


@UNIX
@pytest.mark.parametrize(
    ("holder", "age", "swept"),
    [
        ("{dead} {host}", 0, True),
        ("{parent} {host}", 0, False),  # alive, behind another mount perhaps
        ("{parent} {host}", 8, True),
        ("{dead} elsewhere", 6, False),
        ("{dead} elsewhere", 8, True),
        ("", 0, False),  # its process is just starting
        ("", 2 / 24 / 60, True),
    ],
)
def test_what_nobody_works_on_any_more_is_swept(
    holder: str, age: float, swept: bool, artifacts: Path, depot: Path
) -> None:
    pids = {"dead": dead_pid(), "parent": os.getppid()}
    text = holder.format(host=socket.gethostname(), **pids)
    leave(depot, "jl_left", text, age=age * 24 * 3600)
    (own_folder(depot) / "0123.partial").touch()
    sweep(depot)
    kept = [] if swept else ["jl_left", "jl_left.lock"]
    assert names(own_folder(depot)) == ["0123.partial", *kept]


def test_what_is_in_use_is_known_by_its_lock_whatever_its_age(
    artifacts: Path, depot: Path
) -> None:
    with Workspace.open(artifacts, depot) as workspace, workspace.slot() as name:
        workspace.new_tree(name).close()
        lock = own_folder(depot) / f"{name}.lock"
        lock.write_text(f"{dead_pid()} {socket.gethostname()}")
        os.utime(lock, (0, 0))
        os.utime(lock.with_suffix(""), (0, 0))
        sweep(depot)
        assert names(own_folder(depot)) == [name, f"{name}.lock"]
    assert names(own_folder(depot)) == []


@UNIX
def test_what_a_killed_process_left_is_swept_by_the_next(
    artifacts: Path, depot: Path
) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from fetch_artifacts.depot.workspace import Workspace\n"
        "depot = Path(sys.argv[1])\n"
        "with Workspace.open(depot / 'artifacts', depot) as workspace:\n"
        "    with workspace.slot() as name, workspace.new_tree(name):\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(depot)], check=False)
    assert len(names(own_folder(depot))) == 2
    sweep(depot)
    assert names(own_folder(depot)) == []


# What is tried out lies where all users' folders are, and for a moment in `artifacts`.
@UNIX
@pytest.mark.parametrize("with_modes", [True, False])
@pytest.mark.parametrize("renames", [0, 1])
def test_what_was_tried_out_when_a_process_was_killed_is_swept_by_the_next(
    renames: int, with_modes: bool, artifacts: Path, depot: Path
) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from fetch_artifacts.depot.workspace import Workspace\n"
        "from fetch_artifacts.files.folder import Folder\n"
        "depot, left, with_modes = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]\n"
        "rename, fstat = Folder.rename, os.fstat\n"
        "def killed(self, name, target, new):\n"
        "    global left\n"
        "    made = depot / '.fetch_artifacts' / name\n"
        "    if with_modes == 'n' and not made.is_dir():\n"
        "        return rename(self, name, target, new)\n"
        "    if left:\n"
        "        rename(self, name, target, new)\n"
        "    os.kill(os.getpid(), 9)\n"
        "def without_modes(handle):\n"
        "    status = fstat(handle)\n"
        "    return os.stat_result([status.st_mode | 0o700, *status[1:]])\n"
        "Folder.rename = killed\n"
        "if with_modes == 'n':\n"
        "    os.fstat = without_modes\n"
        "with Workspace.open(depot / 'artifacts', depot):\n"
        "    pass\n"
    )
    arguments = [str(depot), str(renames), "y" if with_modes else "n"]
    subprocess.run([sys.executable, "-c", script, *arguments], check=False)
    place = artifacts if renames else depot / ".fetch_artifacts"
    assert any(name.startswith("jl_") for name in names(place))
    with Workspace.open(artifacts, depot):
        assert names(artifacts) == []
        assert names(depot / ".fetch_artifacts") == [USER]


@UNIX
def test_the_locks_of_others_are_left_to_them(artifacts: Path, depot: Path) -> None:
    sweep(depot)
    mine = leave(depot, "jl_left", f"{dead_pid()} {socket.gethostname()}")
    make_tree(artifacts / "jl_left", {"a": "x"})  # a Julia's, perhaps
    lock = mine.with_name("jl_left.lock")
    lock.rename(depot / ".fetch_artifacts" / lock.name)
    shared, other = Folder.hold(depot / ".fetch_artifacts"), Folder.hold(artifacts)
    with shared, other:
        owner = shared.status(lock.name).st_uid
        sweep_slots(shared, other=other, owner=owner + 1)
        assert names(artifacts) == ["jl_left"]
        sweep_slots(shared, other=other, owner=owner)
        assert names(artifacts) == []


@UNIX  # an open file can't be removed on Windows
def test_a_process_that_was_paused_before_it_named_its_lock_makes_another(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    swept: list[str] = []

    def paused(handle: int, content: bytes) -> int:
        for lock in [] if swept else own_folder(depot).glob("*.lock"):
            swept.append(lock.stem)
            lock.unlink()
        return real(handle, content)

    with Workspace.open(artifacts, depot) as workspace:
        monkeypatch.setattr(os, "write", paused)
        with workspace.slot() as name:
            assert swept
            assert name not in swept
            assert names(own_folder(depot)) == [f"{name}.lock"]


def test_a_tree_is_taken_out_by_one_rename(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(artifacts / HASH, {"a/b": "x", "c": "y"})
    remove, seen = Folder.remove, []

    def noted(self: Folder, name: str) -> None:
        if self.path == own_folder(depot):  # not what was tried out
            seen.append(names(artifacts))
        remove(self, name)

    monkeypatch.setattr(Folder, "remove", noted)
    assert take_out(artifacts, depot, HASH)
    assert seen
    assert all(HASH not in each for each in seen)
    assert names(own_folder(depot)) == []
    assert not take_out(artifacts, depot, HASH)


@UNIX
def test_a_read_only_tree_is_taken_out() -> None:
    with as_nobody() as depot:
        tree = make_tree(depot / "artifacts" / HASH, {"a/b": "x"})
        (tree / "a").chmod(0o500)
        tree.chmod(0o500)
        assert take_out(depot / "artifacts", depot, HASH)
        assert names(depot / "artifacts") == []


# A folder of a lower layer can't be renamed (overlayfs without redirect_dir).
def test_where_folders_cannot_be_renamed_a_tree_is_removed_in_place(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(artifacts / HASH, {"a/" * 40 + "b": "x"})
    rename = os.rename

    def of_files_only(name: str, new: str, **folders: int) -> None:
        if name == HASH:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
        rename(name, new, **folders)

    monkeypatch.setattr(os, "rename", of_files_only)
    assert take_out(artifacts, depot, HASH)
    assert names(artifacts) == []


@UNIX
def test_a_file_system_that_loses_what_is_in_renamed_folders_is_refused(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, real_stat = Folder.rename, os.fstat

    def loses(self: Folder, name: str, target: Folder, new: str) -> None:
        real(self, name, target, new)
        for path in (target.path / new).glob("*"):
            path.unlink()

    def without_modes(handle: int) -> os.stat_result:
        status = real_stat(handle)
        return os.stat_result([status.st_mode | 0o700, *status[1:]])

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "rename", loses)
        patch.setattr(os, "fstat", without_modes)
        with (
            pytest.raises(OSError, match="loses what is in a folder"),
            Workspace.open(artifacts, depot),
        ):
            pass
        assert names(artifacts) == []
        patch.setattr(Folder, "rename", real)
        with Workspace.open(artifacts, depot):
            pass
    assert names(artifacts) == []


@UNIX
def test_a_depot_is_tried_out_once_as_long_as_it_stays_as_it_is(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renames = []
    real = Folder.rename

    def counted(self: Folder, name: str, target: Folder, new: str) -> None:
        renames.append(name)
        real(self, name, target, new)

    def tried_out() -> int:
        renames.clear()
        with Workspace.open(artifacts, depot):
            return len(renames)

    monkeypatch.setattr(Folder, "rename", counted)
    assert [tried_out(), tried_out()] == [1, 0]
    artifacts.chmod(0o700)
    assert [tried_out(), tried_out()] == [1, 0]
    artifacts.rename(depot / "old")
    artifacts.mkdir()
    assert [tried_out(), tried_out()] == [1, 0]


# The lock's name is random, and says nothing to whoever wants a tree removed.
def test_a_tree_that_cannot_be_removed_is_named_with_the_folder_that_refuses(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(name: str, *args: Any, **options: Any) -> int:
        if os.fspath(name).endswith(".lock"):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return real(name, *args, **options)

    tree = make_tree(artifacts / HASH, {"a": "x"})
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DepotError) as caught:
        remove_artifact(TreeHash.parse(HASH))
    where = re.escape(str(depot)) + r"[\w.\\/]*\.fetch_artifacts"
    told = f"{re.escape(str(tree))}: could not be removed: Permission denied in {where}"
    assert re.fullmatch(told, str(caught.value))
    assert tree.is_dir()


def test_dead_locks_are_looked_for_among_the_trees_once_in_a_process(
    artifacts: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = artifacts / f"{HASH}.pid"
    dead.write_text(f"{dead_pid()} {socket.gethostname()}")
    listed: list[Path] = []
    names_in = Folder.names

    def note(folder: Folder) -> list[str]:
        listed.append(folder.path)
        return names_in(folder)

    monkeypatch.setattr(Folder, "names", note)
    for _ in range(3):
        sweep(depot)
    assert not dead.exists()
    assert listed.count(artifacts) == 1
