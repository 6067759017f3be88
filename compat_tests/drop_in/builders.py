"""What the cases are made of."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TREE = {"a.txt": "hello\n", "sub/b.txt": "b\n"}
TREE_HASH = "93d0169805646f320269a63acc73f9383e63360a"  # git write-tree
DOCUMENTED = (KeyError, FileNotFoundError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Archive:
    """An archive in a file, and its hash."""

    url: str
    sha256: str


def raised(call: Callable[..., object], *arguments: object, **named: object) -> str:
    """Which ``except`` would catch what a call raises; "" where it raises nothing."""
    try:
        call(*arguments, **named)
    except Exception as error:  # noqa: BLE001 - any kind is an answer
        kinds = [kind.__name__ for kind in DOCUMENTED if isinstance(error, kind)]
        return kinds[0] if kinds else type(error).__name__
    return ""


def printed(call: Callable[..., object], *arguments: object, **named: object) -> bool:
    """Whether a call writes to standard output."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        call(*arguments, **named)
    return bool(out.getvalue())


def make(folder: Path, tree: dict[str, str]) -> Path:
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def archive(path: Path, tree: dict[str, str] | None = None) -> Archive:
    """Write a tar.gz of a tree; a text ``-> target`` stands for a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in (TREE if tree is None else tree).items():
            member = tarfile.TarInfo(name)
            if text.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, text[3:]
                tar.addfile(member)
            else:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    return publish(path, gzip.compress(buffer.getvalue(), mtime=0))


def publish(path: Path, data: bytes) -> Archive:
    path.write_bytes(data)
    return Archive(path.as_uri(), hashlib.sha256(data).hexdigest())


def entry(tree_hash: str, *sources: Archive, more: str = "", name: str = "Data") -> str:
    """The text of an entry."""
    text = f'[{name}]\ngit-tree-sha1 = "{tree_hash}"\n{more}\n'
    for source in sources:
        text += f'[[{name}.download]]\nurl = "{source.url}"\n'
        text += f'sha256 = "{source.sha256}"\n'
    return text


def bound(folder: Path, text: str = "", name: str = "Artifacts.toml") -> Path:
    """An Artifacts.toml, by default one in which ``Data`` is TREE."""
    toml = folder / name
    toml.write_text(text or entry(TREE_HASH, archive(folder / "a.tar.gz")))
    return toml


def read(toml: Path) -> Any:
    """What a TOML file says."""
    return tomllib.loads(toml.read_text())


def listing(folder: Path) -> list[str]:
    """The files and links in a folder."""
    return sorted(
        path.relative_to(folder).as_posix() + (" ->" if path.is_symlink() else "")
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    )
