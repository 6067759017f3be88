"""Folders to compare: generated from a seed, copied, and listed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from random import Random

from support.trees import Link, Tree

NAMES = [
    *("a", "a.b", "a-b", "a0", "ab", "README.md", "x y", "-dash", "~", "#", "con", "*"),
    *("über", "日本語", "é", "😀", ".hidden", ".gitignore", "line\nbreak", "%41"),
    *("back\\slash", "quote'\"", "n" * 100, "trailing "),
]
if sys.platform == "linux":
    # Other systems may take these for some of those above, or refuse what is not UTF-8.
    NAMES += ["A", "e\u0301", "\udcff\udc80", "half\udce4"]
TARGETS = (
    *("a", "..", "nowhere", "/absolute", "a/b/../c", "x" * 200, "../a.b", "."),
    *("tärget", "日本", "a/😀/é"),
)
# The owner may read them all, so the tests need not run as root.
MODES = (0o644, 0o644, 0o755, 0o755, 0o600, 0o400, 0o500, 0o744, 0o654, 0o455, 0o4755)
KINDS = ("file", "file", "file", "link", "folder", "folder", "git")
SIZES = (0, 1, 5, 512, 4095, 4096, 4097, 70_000)


def random_tree(seed: int) -> Tree:
    """A tree with the quirks in it: odd names and modes, links, empty folders, .git."""
    random = Random(seed)
    tree: Tree = {}
    folders = [""]
    for _ in range(random.randrange(1, 30)):
        folder = random.choice(folders)
        path = folder + random.choice(NAMES)
        if path in tree:
            continue
        match random.choice(
            ["file", "file", "file", "link", "folder", "folder", "git"]
        ):
            case "file":
                content = random.randbytes(random.choice(SIZES))
                tree[path] = (content, random.choice(MODES))
            case "link":
                tree[path] = Link(random.choice(TARGETS))
            case "folder":
                tree[path] = None
                folders.append(path + "/")
            case _:
                tree[f"{folder}.git/{random.choice(NAMES)}"] = "skipped"
    return tree


def copy_tree(source: Path, target: Path) -> None:
    """Copy what is in a folder into one that exists, links as links."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def listing(folder: Path) -> dict[str, str]:
    """The type and mode, or the link's target, of a folder and everything in it."""
    paths = [folder, *folder.rglob("*")]
    return {os.fspath(path.relative_to(folder)): _look(path) for path in paths}


def _look(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"-> {path.readlink()}"
    return stat.filemode(status.st_mode)
