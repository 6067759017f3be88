"""The tree hash of a folder is Julia's, and git's of what git can hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from compat_tests.trees import random_tree
from fetch_artifacts import tree_hash
from fetch_artifacts.conformance.questions import Julia
from support.trees import Link, Tree, make_tree

TREES: dict[str, Tree] = {
    "nothing": {},
    "empty folders only": {"a/b": None, "c": None},
    "a folder with nothing but .git": {"a/.git/x": "1", "f": "1"},
    "a .git file": {".git": "gitdir: elsewhere", "sub/.git": "gitdir: elsewhere"},
    "a folder among names that sort around it": {"a/x": "1", "a.b": "1", "a0": "1"},
    "a link among such names": {"5.28.1/x": "1", "5.28": Link("5.28.1")},
    "a link outside ASCII": {"l": Link("tärget")},
    "a link to itself": {"l": Link("l")},
    "any executable bit": {
        f"{mode:o}": ("1", mode) for mode in (0o644, 0o654, 0o645, 0o744, 0o4755)
    },
}


def _julia_tree_hash(julia: Julia, path: Path) -> str:
    return julia.tree_hash(path)


def _ours_tree_hash(path: Path) -> str:
    return str(tree_hash(path))


def _git_tree_hash(path: Path, scratch: Path) -> str:
    """What git makes of a folder in a repository that knows nothing else."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ
            | {"GIT_DIR": str(scratch), "GIT_WORK_TREE": str(path)}
            | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        ).stdout.strip()

    git("init", "--quiet")
    git("-c", "core.autocrlf=false", "add", "--all", "--force", ".")
    return git("write-tree")


@pytest.mark.parametrize("name", TREES)
def test_quirk(julia: Julia, tmp_path: Path, name: str) -> None:
    path = make_tree(tmp_path / "tree", TREES[name])

    assert _julia_tree_hash(julia, path) == _ours_tree_hash(path), name


@pytest.mark.parametrize("seed", range(50))
def test_generated_tree(julia: Julia, tmp_path: Path, seed: int) -> None:
    tree = random_tree(seed)
    path = make_tree(tmp_path / "tree", tree)

    assert _julia_tree_hash(julia, path) == _ours_tree_hash(path), tree


@pytest.mark.requires_julia("1.6")  # 1.5 has SHA-1 in subfolders all the same
def test_generated_trees_with_sha256(julia: Julia, tmp_path: Path) -> None:
    for seed in range(10):
        tree = random_tree(seed)
        path = make_tree(tmp_path / str(seed), tree)
        ours = str(tree_hash(path, algorithm="git-sha256"))
        assert julia.sha256_tree_hash(path) == ours, tree


def test_a_real_tree_unpacked_by_tar_has_one_hash_for_julia_git_and_us(
    julia: Julia, tmp_path: Path
) -> None:
    path = _unpacked(_real_tree(tmp_path), tmp_path)
    found = sorted(path.rglob("*"))
    assert any(each.is_symlink() for each in found)
    assert any(each.is_file() and each.stat().st_mode & 0o100 for each in found)

    ours = _ours_tree_hash(path)
    assert _julia_tree_hash(julia, path) == ours
    if not shutil.which("git"):
        pytest.skip("NOT COMPARED WITH GIT, only with Julia: there is no git")
    assert _git_tree_hash(path, tmp_path / "scratch") == ours


def _real_tree(folder: Path) -> Path:
    """Installed packages and the programs of a virtual environment, links and all.

    A virtual environment has links (``python3`` -> ``python``), executables (``pip``)
    and hundreds of files that others wrote.
    """
    environment = folder / "environment"
    command = [sys.executable, "-m", "venv", "--symlinks", str(environment)]
    subprocess.run(command, check=True, capture_output=True)
    packages = Path(sysconfig.get_path("purelib"))
    for name in ("requests", "hypothesis"):
        shutil.copytree(packages / name, environment / name, symlinks=True)
    return environment


def _unpacked(folder: Path, scratch: Path) -> Path:
    """The folder through GNU tar and back."""
    tarball, unpacked = scratch / "real.tar.gz", scratch / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-czf", tarball, "-C", folder, "."], check=True)
    subprocess.run(["tar", "-xzf", tarball, "-C", unpacked], check=True)
    return unpacked
