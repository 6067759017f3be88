"""Where we differ from Julia on purpose, and why: one table, each row must differ."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from compat_tests.published import archive, bind
from fetch_artifacts import TreeHash, pkg_artifacts, tree_hash
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.errors import JuliaThrewError, UnhashableFileError
from support.trees import Link, make_tree

REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A thing on which Julia and we disagree.

    Attributes:
        what: The input.
        why: The reason to keep it.
        julia: What Julia makes of it, in an empty folder.
        ours: What we make of it there.
    """

    what: str
    why: str
    julia: Callable[[Julia, Path], object]
    ours: Callable[[Path], object]


# `ln -s schön link` in a folder of its own, `git add link`, `git write-tree`.
GIT_HASH_OF_LINK = "289b9713bf8902fbd0688b0ca5584ec4cf08fdc9"


def _artifact_with_link(depot: Path) -> None:
    make_tree(depot / "artifacts" / GIT_HASH_OF_LINK, {"link": Link("schön")})


def _julia_verifies_link(julia: Julia, folder: Path) -> bool:
    _artifact_with_link(folder)
    return julia.at(folder).verify_artifact(GIT_HASH_OF_LINK)


def _ours_verifies_link(folder: Path) -> bool:
    _artifact_with_link(folder)
    with pkg_artifacts.with_artifacts_directory(folder / "artifacts"):
        return pkg_artifacts.verify_artifact(TreeHash.parse(GIT_HASH_OF_LINK))


def _folder_with_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        # The path of a socket may have some 100 bytes only.
        before = Path.cwd()
        os.chdir(folder)
        try:
            listener.bind("socket")
        finally:
            os.chdir(before)
    return folder


def _julia_hashes_socket(julia: Julia, folder: Path) -> str:
    return julia.tree_hash(_folder_with_socket(folder))


def _ours_hashes_socket(folder: Path) -> str:
    try:
        return str(tree_hash(_folder_with_socket(folder)))
    except UnhashableFileError:
        return REFUSED


def _julia_finds_from_relative_path(julia: Julia, folder: Path) -> Path | None:
    (folder / "Artifacts.toml").touch()
    return julia.find_artifacts_toml(Path("source.jl"))


def _ours_finds_from_relative_path(folder: Path) -> Path | None:
    (folder / "Artifacts.toml").touch()
    os.chdir(folder)
    return pkg_artifacts.find_artifacts_toml(Path("source.jl"))


def _bound_as_of_old(folder: Path) -> Path:
    tarball = archive(folder)
    body = tarball.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    return bind(folder / "Artifacts.toml", digest, tarball.as_uri(), body)


def _julia_installs_old_entry(julia: Julia, folder: Path) -> str:
    toml = _bound_as_of_old(folder)
    try:
        return julia.at(folder).ensure_artifact_installed("Data", toml).name
    except JuliaThrewError:
        return REFUSED


def _ours_installs_old_entry(folder: Path) -> str:
    toml = _bound_as_of_old(folder)
    return pkg_artifacts.ensure_artifact_installed("Data", toml).name


KEPT = (
    Difference(
        what="verify a tree by git's hash where a link's target is not ASCII",
        why="Julia counts the target's characters, not its bytes; publishers who "
        "hashed with git, or with Tar.jl since 2026, are right as well",
        julia=_julia_verifies_link,
        ours=_ours_verifies_link,
    ),
    Difference(
        what="hash a folder with a socket in it",
        why="Julia warns and gives a hash that stands for nothing; a wrong hash that "
        "gets published is worse than an error",
        julia=_julia_hashes_socket,
        ours=_ours_hashes_socket,
    ),
    Difference(
        what="find the Artifacts.toml of a relative path",
        why="Julia takes such a path to begin nowhere and finds nothing; ours begins "
        "in the working directory, as every other path in Python",
        julia=_julia_finds_from_relative_path,
        ours=_ours_finds_from_relative_path,
    ),
    Difference(
        what="install an entry whose git-tree-sha1 is the archive's sha256",
        why="fetch-artifacts 0.1.0 wrote such files, and some are published; the "
        "archive is verified all the same, and a warning names the right hash",
        julia=_julia_installs_old_entry,
        ours=_ours_installs_old_entry,
    ),
)


@pytest.mark.parametrize(
    "difference",
    [
        pytest.param(
            each,
            id=each.what,
            marks=pytest.mark.xfail(
                strict=True, raises=AssertionError, reason=each.why
            ),
        )
        for each in KEPT
    ],
)
def test_difference(
    julia: Julia,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    difference: Difference,
) -> None:
    monkeypatch.chdir(tmp_path)
    julias, ours = tmp_path / "julias", tmp_path / "ours"
    julias.mkdir()
    ours.mkdir()

    assert difference.julia(julia, julias) == difference.ours(ours)
