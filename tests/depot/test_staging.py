from __future__ import annotations

import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError, LockTimeoutError
from support.trees import make_tree, names

# {foo1: "Hello", foo2: "world!"}, Pkg.jl test/artifacts.jl:47
HELLO = TreeHash.parse("98cda294312216b19e2a973e9c291c0f5181c98c")
OTHER = TreeHash.parse("1" * 40)


def test_a_staged_tree_is_committed_in_one_step_and_leaves_nothing_else(
    depot: Path,
) -> None:
    with FirstDepot.present().stage() as folder:
        assert folder.parent == depot / ".fetch_artifacts"
        make_tree(folder, {"foo1": "Hello", "foo2": "world!"})
        assert names(depot / "artifacts") == ["CACHEDIR.TAG"]
        path = FirstDepot.present().commit(folder, HELLO)
    assert path == depot / "artifacts" / str(HELLO)
    assert names(path) == ["foo1", "foo2"]
    assert names(depot) == ["artifacts"]


def test_a_failure_leaves_nothing_of_the_staged_tree(depot: Path) -> None:
    def fails() -> None:
        with FirstDepot.present().stage() as folder:
            make_tree(folder, {"a/b": "c"})
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


def test_a_commit_that_comes_second_leaves_the_first_as_it_is(depot: Path) -> None:
    there = make_tree(depot / "artifacts" / str(HELLO), {"first": "1"})
    with FirstDepot.present().stage() as folder:
        make_tree(folder, {"second": "2"})
        assert FirstDepot.present().commit(folder, HELLO) == there
    assert names(there) == ["first"]


def test_where_no_rename_leads_into_artifacts_the_staging_is_there(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def crosses_disks(self: Path, target: Path) -> Path:
        if self.parent.name == ".fetch_artifacts":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", crosses_disks)
    with FirstDepot.present().stage() as folder:
        assert folder.parent == depot / "artifacts"
        assert folder.name.startswith("jl_")
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
    with pytest.raises(DepotError, match=r"file: can't install.*JULIA_DEPOT_PATH"):
        FirstDepot.present().prepare()


def test_what_a_dead_process_left_a_day_ago_is_swept_and_nothing_newer(
    depot: Path,
) -> None:
    for place in (".fetch_artifacts", "artifacts"):
        make_tree(depot / place, {"jl_old/a": "x", "jl_new/a": "x", "other/a": "x"})
        long_ago = time.time() - 25 * 60 * 60
        os.utime(depot / place / "jl_old", (long_ago, long_ago))
    with FirstDepot.present().stage():
        pass
    assert names(depot / ".fetch_artifacts") == ["jl_new", "other"]
    assert names(depot / "artifacts") == ["CACHEDIR.TAG", "jl_new", "other"]


def test_many_threads_stage_while_others_tidy(depot: Path) -> None:
    # Each removes the empty staging, which the others are making or looking into.
    def stage(_: int) -> None:
        with FirstDepot.present().stage():
            pass

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stage, range(2000))) == [None] * 2000
