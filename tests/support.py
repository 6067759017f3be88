"""What the tests share: recorded answers of real Julia, and builders of trees."""

from __future__ import annotations

import base64
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import tomli

FIXTURES = Path(__file__).parent.parent / "julia_fixtures"

Case = dict[str, Any]
Tree = dict[str, "bytes | str | tuple[bytes | str, int] | Link | None"]


class Link(str):
    """The target of a symbolic link, in a tree for `make_tree`."""

    __slots__ = ()


@cache
def load_vectors(domain: str, version: str = "1.12.5") -> tuple[tuple[Case, Case], ...]:
    """Pairs of a case and that Julia's answer; an empty or uneven list is an error."""
    cases = tomli.loads((FIXTURES / "cases" / f"{domain}.toml").read_text("utf-8"))
    answers = tomli.loads(
        (FIXTURES / f"julia-{version}" / f"{domain}.toml").read_text("utf-8")
    )
    assert answers["julia"] == version
    pairs = tuple(zip(cases["case"], answers["answer"], strict=True))
    assert pairs, f"no vectors for {domain}"
    return pairs


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


def full_disk(*_: object) -> NoReturn:
    """Fail as `os.write` does on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    """The sorted names in a folder, the test's own home left out."""
    return sorted(path.name for path in folder.iterdir() if path.name != "home")


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
