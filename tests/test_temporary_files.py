"""What needs temporary files names the folder that has no room, and leaves nothing."""

from __future__ import annotations

import random
import re
import socket
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fetch_artifacts import create_artifact, tarball
from fetch_artifacts.errors import DepotError
from support.commands import run
from support.published import publish, tar
from support.trees import Tree, make_tree, names

if sys.platform == "win32":
    pytest.skip("NOT RUN: no limit of file sizes here", allow_module_level=True)
import resource

LARGE = random.Random(1).randbytes(100_000)
TREE: Tree = {"large": LARGE}
DEAD = f".fetch-artifacts-{socket.gethostname()}-4194305-{'0' * 16}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def data(tmp_path: Path, depot: Path) -> Path:
    """A tree, and archives of it."""
    make_tree(tmp_path / "data" / "tree", TREE)
    (tmp_path / "data" / "a.tar").write_bytes(tar(TREE))
    with zipfile.ZipFile(tmp_path / "data" / "a.zip", "w") as archive:
        archive.writestr("large", LARGE)
    return tmp_path / "data"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: each write beyond it fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FUNCTIONS: dict[str, Callable[[Path], object]] = {
    "tarball.create": lambda data: tarball.create(data / "tree"),
    "tarball.rewrite": lambda data: tarball.rewrite(data / "a.tar"),
    "tarball.extract": lambda data: tarball.extract(data / "a.tar"),
    "create_artifact": lambda data: create_artifact(data / "tree"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_name_it_and_leave_nothing(
    data: Path, place: Path, name: str
) -> None:
    with (
        pytest.raises(DepotError, match=f"^{re.escape(str(place))}: .*set TMPDIR"),
        files_of_at_most(20_000),
    ):
        FUNCTIONS[name](data)
    assert names(place) == []


COMMANDS = {
    "hash": "hash {data}/a.zip",
    "diff": "diff {data}/a.zip {data}/tree",
    "add": "add --toml {toml} Demo {url}/a.zip",
    "add --pack": "add --toml {toml} --pack --to dir:{web} --url-base {url} Demo "
    "{url}/a.zip",
    "publish": "publish --toml {toml} --to dir:{web} --url-base {url} {data}/tree Demo",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_name_it_and_leave_nothing(
    data: Path, place: Path, tmp_path: Path, name: str
) -> None:
    texts = {"data": data, "url": data.as_uri(), "toml": tmp_path / "Artifacts.toml"}
    arguments = [
        each.format(web=tmp_path / "web", **texts) for each in COMMANDS[name].split()
    ]
    with files_of_at_most(20_000):
        done = run(*arguments)
    assert done.exit_code == 1
    assert f"{place}: no temporary file can be written" in done.stderr
    assert names(place) == []
    assert not (tmp_path / "Artifacts.toml").exists()


def test_an_error_of_another_place_is_no_error_of_this_one(
    data: Path, place: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing/new\.tar"):
        tarball.rewrite(data / "a.tar", tmp_path / "missing" / "new.tar")
    assert names(place) == []


def test_what_a_killed_bundle_and_mirror_left_is_removed(
    tmp_path: Path, depot: Path
) -> None:
    toml = publish(tmp_path / "published").toml
    mirror = tmp_path / "mirror"
    for folder in (tmp_path, mirror / ".fetch-artifacts"):
        make_tree(folder / DEAD, {"f": "x"})
    assert run("bundle", tmp_path / "out.tar", toml).exit_code == 0
    assert run("mirror", mirror, toml).exit_code == 0
    assert not list(tmp_path.rglob(f"{DEAD}*"))
