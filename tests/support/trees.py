"""Trees with the hashes that Julia gave them, literally."""

from __future__ import annotations

import base64
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from support.fixtures import Case

Tree = dict[str, "bytes | str | tuple[bytes | str, int] | Link | None"]


class Link(str):
    """The target of a symbolic link, in a tree for `make_tree`."""

    __slots__ = ()


def recorded_tree(case: Case) -> Tree:
    """The tree of a case in julia_fixtures/cases/tree.toml."""
    tree: Tree = {}
    for entry in case["entry"]:
        match entry["kind"]:
            case "dir":
                tree[entry["path"]] = None
            case "symlink":
                tree[entry["path"]] = Link(entry["target"])
            case _:
                tree[entry["path"]] = base64.b64decode(entry["data"]), entry["mode"]
    return tree


def make_tree(root: Path, tree: Tree) -> Path:
    """Make a folder from ``{"path": content}``.

    Content is text or bytes (mode 644), ``(bytes, mode)``, a `Link`, or None for an
    empty folder.
    """
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, Link):
            path.symlink_to(content)
        else:
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
            path.chmod(mode)
    return root


def facts(path: Path) -> tuple[int, ...]:
    """All that the system keeps of a file but when it was last read."""
    status = path.lstat()
    before_the_times = status[:7]
    return *before_the_times, status.st_mtime_ns, status.st_ctime_ns


def full_disk(*_: object) -> NoReturn:
    """Fail as `os.write` does on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    """The sorted names in a folder.

    Without the test's own home, and without a workspace for new trees with nothing in
    it, which stays in each depot.
    """
    found = {path.name for path in folder.iterdir()} - {"home"}
    if not any((folder / ".fetch_artifacts").glob("*/*")):
        found.discard(".fetch_artifacts")
    return sorted(found)


@contextmanager
def as_nobody() -> Iterator[Path]:
    """A folder, and the rights of a user who may not write everywhere.

    Root may; so this goes on as nobody there, outside pytest's private folders. What
    is to be imported from root's own folders must have been before.
    """
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)


# All from Julia 1.5.3 or 1.12.5, those with Hello or baz from Pkg.jl test/artifacts.jl.
TREES: dict[str, tuple[Tree, str]] = {
    "nothing": ({}, "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
    "one file": ({"foo": "Hello, world!"}, "339aad93c0f854604248ea3b7c5b7edea20625a9"),
    "two files": (
        {"foo1": "Hello", "foo2": "world!"},
        "98cda294312216b19e2a973e9c291c0f5181c98c",
    ),
    "folders, links, empty folders": (
        {
            "bar/bar/foo1": "Hello",
            "bar/foo2": "world!",
            "foo3": "baz!",
            "foo3_link": Link("foo3"),
            "bar/infinite_link": Link("../bar"),
            "bar/baz/empty": None,
            "empty": None,
        },
        "86a1ce580587d5851fdfa841aeb3c8d55663f6f9",
    ),
    "an executable": (
        {
            "a": "hello",
            "b/x": (b"world", 0o755),
            "b.txt": "",
            "empty": None,
            "lnk": Link("b/x"),
        },
        "3135cd02f1786f3cc2987c8958aa353d68581a07",
    ),
    "a folder sorts with a slash": (
        {"a/x": "1", "a.b": "1", "a0": "1"},
        "5c2874aeccfb1b65f56a5c697a1afec1dfb617bc",
    ),
    "a link to a folder sorts without": (
        {"5.28.1/x": "1", "5.28": Link("5.28.1")},
        "d2d73d089a6d4d9cccf56cfa352bc0fc57230d40",
    ),
    "a link outside ASCII": (
        {"l": Link("tärget")},
        "7ecfdf5e68068aa91fd3df181b9cf9b011c7790e",
    ),
    "a .git file": (
        {"f": "1", ".git": "gitdir: x"},
        "968a52a40411d3dbe448dad5a06d00eab49250db",
    ),
    "a .git folder without files": (
        {"f": "1", "sub/.git/a/b": None},
        "968a52a40411d3dbe448dad5a06d00eab49250db",
    ),
    "a .git folder with a file": (
        {"f": "1", "sub/.git/c": "x"},
        "66f9f6f2e17236f7f914d955c6df75f14ed0c933",
    ),
    "a file whose name is .git in other letters": (
        {".Git": "1"},
        "30c64c1ed8b4385b602f7ee8137cd41603d99b14",
    ),
    "mixed": (
        {"f": "hello", "l": Link("f"), "sub/x": (b"1", 0o755)},
        "7d98976448b355d209ecee2da5ac8452f5e37c5b",
    ),
}

# Julia's value (1.5.3), and git's.
OUTSIDE_ASCII: dict[str, tuple[Tree, str, str]] = {
    "at the top": (
        {"f": "1", "l": Link("tärget")},
        "468442d769e71a57b0dc15c5d90b6b60cb6bad76",
        "20ed4e3bba58f8690db957ec4ead94b58326c720",
    ),
    "in a folder": (
        {"f": "1", "sub/l": Link("tärget")},
        "3ebb0c814ca4f9a2063b1322fa3927bbbf7da18c",
        "2002b220f31d764155f37d81e1d9bc52054fb09e",
    ),
    "in a folder in a folder": (
        {"f": "1", "a/b/l": Link("tärget")},
        "1f0318019da10c8691cc64a9fcd4d3fd050bdf86",
        "d7438a8c119af92d13223515479abbf384585ffd",
    ),
    "several": (
        {
            "f": "1",
            "l": Link("tärget"),
            "m": Link("schön"),
            "s/n": Link("ü"),
        },
        "3fd779e7fc651fa77d91ff529f650abace3b18af",
        "c037ec63dcfa0eda9fdad17c0c36130e48b2f516",
    ),
}

# {"f": "1"} with mode 644, and with mode 755: Julia 1.5.3
PLAIN = "968a52a40411d3dbe448dad5a06d00eab49250db"
EXECUTABLE = "c0ed534b0bb5209e8a97cdcd8fde2b36cd4ac1f1"
