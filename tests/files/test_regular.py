"""What is no file is refused at once, by all that read one that a user names."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fetch_artifacts import artifact, tarball
from fetch_artifacts._author_api import add_artifact, compute_sha256
from fetch_artifacts.artifacts_toml.binding import Binding, bind
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.authoring.doctor import diagnose
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import FetchArtifactsError, SpecialFileError
from fetch_artifacts.files.regular import open_regular, read_regular
from fetch_artifacts.julia_toml import parsefile
from support.commands import run
from support.published import TREE_HASH

pytestmark = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="NOT RUN: no FIFOs and devices on this system"
)


@pytest.fixture(params=["FIFO", "socket", "character device"])
def special(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Path]]:
    """What is no file, and its kind; /dev/zero never ends."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path, kind = tmp_path / "x", request.param
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "FIFO":
            os.mkfifo(path)
        elif kind == "socket":
            listener.bind("x")
        else:
            path.symlink_to("/dev/zero")
        yield kind, path


def _check(path: Path) -> None:
    [finding] = check_file(path)
    raise FetchArtifactsError(finding.what)


def _doctor(path: Path) -> None:
    [diagnosis] = diagnose(path)
    raise FetchArtifactsError(diagnosis.finding.what)


def _hash(path: Path) -> None:
    result = run("hash", path)
    assert result.exit_code == 1
    raise FetchArtifactsError(result.stderr)


READERS: dict[str, Callable[[Path], object]] = {
    "open": open_regular,
    "read": read_regular,
    "hash": _hash,
    "compute_sha256": compute_sha256,
    "add": lambda path: add_artifact(path.parent / "A.toml", "A", path.as_uri()),
    "tarball.extract": lambda path: tarball.extract(path, path.parent / "out"),
    "tarball.tree_hash": tarball.tree_hash,
    "tarball.members": lambda path: list(tarball.members(path)),
    "artifact": lambda path: artifact("A", path),
    "check": _check,
    "doctor": _doctor,
    "bind": lambda path: bind(
        path, Binding(name="A", tree_hash=TreeHash.parse(TREE_HASH))
    ),
    "parsefile": parsefile,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_is_no_file_is_refused_with_what_it_is(
    special: tuple[str, Path], read: Callable[[Path], object]
) -> None:
    kind, path = special
    with pytest.raises(FetchArtifactsError, match=f"found a {kind}"):
        read(path)


def test_a_folder_is_no_file_and_a_missing_one_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SpecialFileError, match="found a folder"):
        read_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to("f")
    assert read_regular(tmp_path / "l") == b"x"
