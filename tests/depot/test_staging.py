from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetch_artifacts import artifact, load_artifacts, pkg_artifacts
from fetch_artifacts.depot import staging
from fetch_artifacts.depot.override_edits import set_override
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError, LockTimeoutError
from fetch_artifacts.files.folder import Folder
from support.published import publish
from support.trees import make_tree, names

# {foo1: "Hello", foo2: "world!"}, Pkg.jl test/artifacts.jl:47
HELLO = TreeHash.parse("98cda294312216b19e2a973e9c291c0f5181c98c")
UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
OTHER = TreeHash.parse("1" * 40)


def test_a_staged_tree_is_committed_in_one_step_and_leaves_nothing_else(
    depot: Path,
) -> None:
    with FirstDepot.present().stage() as folder:
        assert folder.path.parents[1] == depot / ".fetch_artifacts"
        make_tree(folder.path, {"foo1": "Hello", "foo2": "world!"})
        assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
        path = FirstDepot.present().commit(folder, HELLO)
    assert path == depot / "artifacts" / str(HELLO)
    assert names(path) == ["foo1", "foo2"]
    assert names(depot) == ["artifacts"]


def test_a_failure_leaves_nothing_of_the_staged_tree(depot: Path) -> None:
    def fails() -> None:
        with FirstDepot.present().stage() as folder:
            make_tree(folder.path, {"a/b": "c"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert names(depot) == ["artifacts"]
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


# Pkg.jl Artifacts.jl:84-89: the root gets the mode of artifacts/, setgid included.
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o2775])
def test_the_root_of_a_new_artifact_has_the_mode_of_its_parent(
    mode: int, depot: Path
) -> None:
    (depot / "artifacts").mkdir(parents=True)
    (depot / "artifacts").chmod(mode)
    with FirstDepot.present().stage() as folder:
        path = FirstDepot.present().commit(folder, HELLO)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_file_system_that_knows_no_modes_takes_a_tree(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_self: Folder, _mode: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(Folder, "change_mode", unknown)
    with FirstDepot.present().stage() as folder:
        make_tree(folder.path, {"foo1": "hello"})
        assert FirstDepot.present().commit(folder, HELLO).is_dir()


def test_a_commit_that_comes_second_leaves_the_first_as_it_is(depot: Path) -> None:
    there = make_tree(depot / "artifacts" / str(HELLO), {"first": "1"})
    with FirstDepot.present().stage() as folder:
        make_tree(folder.path, {"second": "2"})
        assert FirstDepot.present().commit(folder, HELLO) == there
    assert names(there) == ["first"]


def test_where_no_rename_leads_into_artifacts_the_staging_is_there(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Folder.rename

    def crosses_disks(self: Folder, name: str, target: Folder, new: str) -> None:
        if self.path.parent == depot:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(self, name, target, new)

    monkeypatch.setattr(Folder, "rename", crosses_disks)
    with FirstDepot.present().stage() as folder:
        assert folder.path.parents[1] == depot / "artifacts" / ".fetch_artifacts"
        FirstDepot.present().commit(folder, HELLO)
    assert names(depot / "artifacts") == [str(HELLO), "CACHEDIR.TAG"]
    assert names(depot) == ["artifacts"]


def test_a_tree_that_another_depot_has_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    there = make_tree(second / "artifacts" / str(HELLO), {"hello": "world"})
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}{os.pathsep}{second}")
    with FirstDepot.present().stage() as folder:
        assert FirstDepot.present().commit(folder, HELLO) == there
    assert names(first / "artifacts") == ["CACHEDIR.TAG"]


def test_what_is_an_error_of_ours_already_is_not_put_into_other_words(
    depot: Path,
) -> None:
    error = LockTimeoutError("somebody else's lock", path=depot)
    with pytest.raises(LockTimeoutError) as caught, FirstDepot.present().stage():
        raise error
    assert caught.value is error


def test_a_depot_that_is_a_file_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "file"))
    with pytest.raises(DepotError, match=r"file: can't write.*file is not a folder"):
        FirstDepot.present().prepare()


@UNIX
@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_has_the_name_of_a_tree_and_is_none_is_told_and_replaced(
    kind: str, depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = depot / "artifacts" / str(HELLO)
    path.parent.mkdir(parents=True)
    if kind == "file":
        path.write_text("x")
    else:
        path.symlink_to("nowhere")
    with FirstDepot.present().stage() as folder:
        make_tree(folder.path, {"f": "x"})
        FirstDepot.present().commit(folder, HELLO)
    assert names(path) == ["f"]
    assert not path.is_symlink()
    assert f"{path}: expected nothing or a tree, found a" in caplog.text
    assert names(depot) == ["artifacts"]


@UNIX
def test_a_tree_that_was_replaced_while_it_was_made_is_not_published(
    depot: Path,
) -> None:
    def swapped() -> None:
        with FirstDepot.present().stage() as folder:
            make_tree(folder.path, {"f": "ours"})
            folder.path.rename(folder.path.with_name("away"))
            make_tree(folder.path, {"f": "another's"})
            FirstDepot.present().commit(folder, HELLO)

    with pytest.raises(DepotError, match="was moved or replaced"):
        swapped()
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


@UNIX
def test_a_depot_that_was_replaced_meanwhile_is_told(depot: Path) -> None:
    def swapped() -> None:
        with FirstDepot.present().stage() as folder:
            (depot / "artifacts").rename(depot / "away")
            (depot / "artifacts").mkdir()
            FirstDepot.present().commit(folder, HELLO)

    with pytest.raises(DepotError, match="artifacts was replaced"):
        swapped()
    assert names(depot / "artifacts") == []


# On ext4 and xfs names without bytes were seen after a power cut.
def test_a_tree_is_flushed_before_it_gets_its_name(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def flushed(folder: Folder) -> None:
        assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
        seen.append(names(folder.path))

    monkeypatch.setattr(staging, "flush_tree", flushed)
    with FirstDepot.present().stage() as folder:
        make_tree(folder.path, {"f": "x"})
        FirstDepot.present().commit(folder, HELLO)
    assert seen == [["f"]]
    monkeypatch.setenv("FETCH_ARTIFACTS_FSYNC", "false")
    with FirstDepot.present().stage() as folder:
        FirstDepot.present().commit(folder, OTHER)
    assert len(seen) == 1


@pytest.mark.skipif(
    sys.platform == "win32", reason="NOT TRIED: Windows keeps a folder that is open"
)
def test_many_threads_stage_while_others_tidy(depot: Path) -> None:
    # Nobody removes the folder that the others are making or looking into.
    def stage(_: int) -> None:
        with FirstDepot.present().stage():
            pass

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stage, range(2000))) == [None] * 2000


@UNIX
@pytest.mark.parametrize("place", ["depot", "depot/artifacts"])
def test_a_link_that_leads_nowhere_is_told_as_that(
    place: str, depot: Path, tmp_path: Path
) -> None:
    link = tmp_path / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "gone")
    published = publish(tmp_path / "published")
    message = f"^{depot}: can't write to this depot: {link} is a link to "
    with pytest.raises(DepotError, match=f"{message}{tmp_path}/gone, where there is"):
        artifact("Demo", published.toml)
    with pytest.raises(DepotError, match=f"{link} is a link to {tmp_path}/gone"):
        load_artifacts(published.toml, link)
    link.unlink()
    link.write_text("")
    with pytest.raises(DepotError, match=f"{link} is not a folder; remove it"):
        artifact("Demo", published.toml)


# Pkg.jl Artifacts.jl:70-103: EACCES, EPERM and EBUSY are tried again.
@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_commit_waits_for_whoever_holds_the_folder(
    code: int, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(code, "held"), OSError(code, "held")]
    rename = Folder.rename

    def held_at_first(self: Folder, name: str, target: Folder, new: str) -> None:
        if failures and new == str(HELLO):
            raise failures.pop()
        rename(self, name, target, new)

    monkeypatch.setattr(Folder, "rename", held_at_first)
    with FirstDepot.present().stage() as folder:
        make_tree(folder.path, {"f": "x"})
        FirstDepot.present().commit(folder, HELLO)
    assert names(depot / "artifacts" / str(HELLO)) == ["f"]


def test_another_failure_of_the_rename_is_an_error_at_once(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = Folder.rename, []

    def fails(self: Folder, name: str, target: Folder, new: str) -> None:
        if new == str(HELLO):
            calls.append(name)
            raise OSError(errno.EXDEV, "crosses devices")
        rename(self, name, target, new)

    def commit() -> None:
        with FirstDepot.present().stage() as folder:
            FirstDepot.present().commit(folder, HELLO)

    monkeypatch.setattr(Folder, "rename", fails)
    with pytest.raises(DepotError, match="crosses devices"):
        commit()
    assert len(calls) == 1


@UNIX
def test_locks_of_dead_processes_are_removed_by_the_next_install(depot: Path) -> None:
    (depot / "artifacts").mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    locks = {"dead": f"{dead.pid} {host}", "alive": f"{os.getppid()} {host}"}
    locks["elsewhere"] = f"{dead.pid} elsewhere"
    for name, text in locks.items():
        (depot / "artifacts" / f"{name}.pid").write_text(text)
    (depot / "artifacts" / "folder.pid").mkdir()
    with FirstDepot.present().stage():
        pass
    kept = ["CACHEDIR.TAG", "alive.pid", "elsewhere.pid", "folder.pid"]
    assert names(depot / "artifacts") == kept


# As on fusefat and on some mounts of containers.
@UNIX
def test_where_no_mode_can_be_changed_all_that_writes_works(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **_options: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    published = publish(tmp_path / "published")
    for name in ("chmod", "fchmod", "chown", "fchown"):
        monkeypatch.setattr(os, name, refused)
    assert artifact("Demo", published.toml).is_dir()
    made = pkg_artifacts.create_artifact(lambda folder: (folder / "f").write_text("x"))
    toml = tmp_path / "Artifacts.toml"
    pkg_artifacts.bind_artifact(toml, "Made", made)
    pkg_artifacts.bind_artifact(toml, "Made", made, force=True)
    set_override(depot / "artifacts", str(OTHER), str(tmp_path))
    set_override(depot / "artifacts", str(HELLO), str(tmp_path))
    assert (depot / "logs" / "artifact_usage.toml").is_file()
    pkg_artifacts.remove_artifact(made)
    assert names(depot) == ["artifacts", "logs"]
