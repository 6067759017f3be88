"""Workers of an executor find the hash that one process finds."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fetch_artifacts.errors import UnhashableFileError
from fetch_artifacts.git_tools import spread as tree_spread
from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.trees import TREES, Tree, make_tree

T = TypeVar("T")

ON_UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


class PicklingExecutor(Executor):
    """One worker at the other end of a wire: all that comes and goes is pickled."""

    def __init__(self) -> None:
        self.jobs = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self.jobs += 1
        future: Future[T] = Future()
        try:
            fn, args, kwargs = pickle.loads(pickle.dumps((fn, args, kwargs)))
            future.set_result(pickle.loads(pickle.dumps(fn(*args, **kwargs))))
        except Exception as error:  # noqa: BLE001 - as executors do
            future.set_exception(pickle.loads(pickle.dumps(error)))
        return future


class BrokenExecutor(Executor):
    """It fails in the first job, and never begins another."""

    def __init__(self) -> None:
        self.failed = False
        self.waiting: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.failed:
            self.waiting.append(future)
        else:
            self.failed = True
            future.set_exception(MemoryError("the worker is gone"))
        return future


@ON_UNIX
@pytest.mark.parametrize("seconds", [tree_spread.JOB_SECONDS, 0], ids=["long", "short"])
@pytest.mark.parametrize("name", TREES)
def test_workers_find_the_hash_that_julia_gives_a_tree(
    tmp_path: Path, name: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_spread, "JOB_SECONDS", seconds)
    tree, expected = TREES[name]
    path = make_tree(tmp_path / "tree", tree)
    assert expected == str(hash_directory(path, executor=PicklingExecutor()))


@pytest.mark.parametrize(
    "tree",
    [
        {f"d{i}/e{j}/f": str(i) for i in range(5) for j in range(5)},
        {f"{i}": str(i) for i in range(25)},
    ],
    ids=["folders", "one folder"],
)
def test_the_jobs_of_workers_are_spread_over_a_tree(
    tmp_path: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_spread, "JOB_SECONDS", 0)
    path = make_tree(tmp_path / "tree", tree)
    executor = PicklingExecutor()
    assert hash_directory(path) == hash_directory(path, executor=executor)
    assert executor.jobs >= 25


def test_workers_take_an_empty_folder_for_an_empty_tree(tmp_path: Path) -> None:
    expected = hash_directory(tmp_path)
    assert expected == hash_directory(tmp_path, executor=PicklingExecutor())


def test_processes_that_are_elsewhere_find_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, expected = TREES["folders, links, empty folders"]
    make_tree(tmp_path / "tree", tree)
    monkeypatch.chdir(tmp_path)
    with ProcessPoolExecutor(1, initializer=os.chdir, initargs=("/",)) as pool:
        assert expected == str(hash_directory("tree", executor=pool))


@ON_UNIX
@pytest.mark.parametrize("folder", ["", "sub/", "sub/deeper/"])
def test_the_error_of_a_worker_comes_back(tmp_path: Path, folder: str) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1", f"{folder}g": "1"})
    os.mkfifo(tree / f"{folder}pipe")
    with pytest.raises(UnhashableFileError, match="FIFO") as caught:
        hash_directory(tree, executor=PicklingExecutor())
    assert tree / f"{folder}pipe" == caught.value.path


NO_RIGHTS_NEEDED: dict[str, Tree] = {
    "of the root": {"f": "1", ".git/g": "2"},
    "of the root, and nothing else": {".git/g": "2"},
    "beside a file": {"sub/f": "1", "sub/.git/g": "2"},
    "beside a folder with a file": {"sub/deeper/f": "1", "sub/.git/g": "2"},
}


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody, not even root, may list a folder called ``.git``."""
    real = os.scandir

    def scandir(path: Any) -> Any:
        if os.fsencode(path).endswith(b".git"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("tree", NO_RIGHTS_NEEDED.values(), ids=NO_RIGHTS_NEEDED)
def test_workers_do_not_look_into_a_git_folder_that_does_not_matter(
    tmp_path: Path, tree: Tree
) -> None:
    path = make_tree(tmp_path / "tree", tree)
    assert hash_directory(path) == hash_directory(path, executor=PicklingExecutor())


@pytest.mark.usefixtures("unreadable")
@pytest.mark.parametrize("executor", [None, PicklingExecutor()])
def test_a_git_folder_that_is_alone_must_be_readable_for_workers_too(
    tmp_path: Path, executor: Executor | None
) -> None:
    path = make_tree(tmp_path / "tree", {"f": "1", "sub/.git/g": "2", "sub/e": None})
    with pytest.raises(UnhashableFileError, match=r"sub.\.git"):
        hash_directory(path, executor=executor)


def test_an_error_cancels_what_has_not_begun(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", {"f": "1", "g": "1", "h": "1"})
    executor = BrokenExecutor()
    with pytest.raises(MemoryError, match="gone"):
        hash_directory(tree, executor=executor)
    assert len(executor.waiting) == 2
    assert all(job.cancelled() for job in executor.waiting)


def test_what_goes_to_a_worker_and_back_is_one_piece_of_bytes(tmp_path: Path) -> None:
    # Dask sends each of the bytes in a list as a message of its own, 12 times slower.
    class Counting(PicklingExecutor):
        def submit(
            self, fn: Callable[..., T], /, *args: Any, **kwargs: Any
        ) -> Future[T]:
            job = super().submit(fn, *args, **kwargs)
            assert [type(each) for each in (*args, job.result())] == [bytes, str, bytes]
            return job

    tree = make_tree(tmp_path / "tree", {f"{n % 5}/{n}": str(n) for n in range(50)})
    executor = Counting()
    assert hash_directory(tree, executor=executor) == hash_directory(tree)
    assert executor.jobs
