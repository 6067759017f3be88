"""Archives that are bound in an Artifacts.toml, for tests to install."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from support.trees import Link, Tree

# The tree of Pkg.jl test/artifacts.jl:35-87 ("Artifact Creation"), without its empty
# folders, which the hash does not see; and the hash that the test expects.
TREE: Tree = {
    "bar/bar/foo1": "Hello",
    "bar/foo2": "world!",
    "bar/infinite_link": Link("../bar"),
    "foo3": "baz!",
    "foo3_link": Link("foo3"),
}
TREE_HASH = "86a1ce580587d5851fdfa841aeb3c8d55663f6f9"


def tar(tree: Tree) -> bytes:
    """A tar archive as Python's own tarfile makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in tree.items():
            member = tarfile.TarInfo(name)
            data = b""
            if isinstance(content, Link):
                member.type, member.linkname = tarfile.SYMTYPE, content
            elif content is None:
                member.type = tarfile.DIRTYPE
            else:
                text, member.mode = (
                    content if isinstance(content, tuple) else (content, 0o644)
                )
                data = text.encode() if isinstance(text, str) else text
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Published:
    """An archive that lies in a file, bound as ``Demo``."""

    toml: Path
    archive: Path
    data: bytes

    @property
    def url(self) -> str:
        return self.archive.as_uri()


def entry(
    *sources: tuple[str, str], name: str = "Demo", tree_hash: str = TREE_HASH
) -> str:
    """The text of an entry with the sources given, each a URL and a sha256."""
    lines = [f"[{name}]", f'git-tree-sha1 = "{tree_hash}"', ""]
    for url, digest in sources:
        lines += [f"[[{name}.download]]", f'url = "{url}"', f'sha256 = "{digest}"', ""]
    return "\n".join(lines)


def publish(folder: Path, data: bytes | None = None, tree: Tree = TREE) -> Published:
    """Write an archive and an Artifacts.toml that binds it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = gzip.compress(tar(tree)) if data is None else data
    archive = folder / "demo.tar.gz"
    archive.write_bytes(data)
    toml = folder / "Artifacts.toml"
    toml.write_text(entry((archive.as_uri(), sha256(data))), "utf-8")
    return Published(toml=toml, archive=archive, data=data)
