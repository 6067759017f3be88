"""The git tree hash of a folder on disk, as Pkg computes it.

What is hashed: names, the content of files, their executable bit, and the targets of
links. Left out: ``.git`` at any level, folders without files, times, owners and all
other permissions. Rules and their sources are at the functions that follow them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fetch_artifacts.digests import Algorithm, TreeHash, check_algorithm
from fetch_artifacts.errors import ArgumentTypeError, NotAFolderError
from fetch_artifacts.git_tools.folders import Digests, hash_folders
from fetch_artifacts.git_tools.objects import parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from fetch_artifacts.git_tools.objects import TreeEntry

    AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def hash_directory(
    path: AnyPath,
    *,
    algorithm: Algorithm = "git-sha1",
    executor: Executor | None = None,
) -> TreeHash:
    """Give the git tree hash of a folder.

    Julia: ``Pkg.GitTools.tree_hash(path)``, also where git differs, in a link whose
    target is not ASCII. What Julia hashes wrongly or hangs on is an error here.

    Args:
        path: A folder, or a link to one.
        algorithm: ``"git-sha1"``, which artifacts use, or ``"git-sha256"``.
        executor: Workers that share the work and see the folder under the same path: a
            process pool, or that of a cluster. Without one, large files are hashed by
            threads, and small ones by forks of a process that has one thread (Linux).

    Raises:
        UnhashableFileError: It holds a FIFO, a socket, a device, a file that can't be
            read, or one that changes meanwhile.
        NotAFolderError: The path is not a folder.
        ArgumentError: There is no such algorithm.
        OSError: The folder can't be listed.
    """
    checked = check_algorithm(algorithm)
    root = _root(path)
    if executor is None:
        return TreeHash(_digests(root, checked)[0])

    from fetch_artifacts.git_tools.spread import hash_spread

    root = os.path.join(os.getcwdb(), root)
    return TreeHash(hash_spread(root, checked, executor))


def verify_directory(path: AnyPath, expected: TreeHash) -> TreeHash:
    """Give the hash of a folder that should have the expected one, for comparison.

    It is `expected` where either Julia's rule or git's rule for links outside ASCII
    leads to it, and else the hash by Julia's rule. No file is read twice.

    Raises:
        UnhashableFileError: It holds what has no git hash, can't be read, or changes.
        NotAFolderError: The path is not a folder.
        OSError: The folder can't be listed.
    """
    digest, git_digest = _digests(_root(path), expected.algorithm)
    return TreeHash(git_digest if git_digest == expected.digest else digest)


def hash_without_modes(path: AnyPath, *, algorithm: Algorithm = "git-sha1") -> TreeHash:
    """Give the hash that a folder would have if no file in it were a program.

    Raises:
        UnhashableFileError: It holds what has no git hash, can't be read, or changes.
        NotAFolderError: The path is not a folder.
        OSError: The folder can't be listed.
    """
    return TreeHash(_digests(_root(path), algorithm, modes=False)[0])


def list_directory(
    path: AnyPath, *, algorithm: Algorithm = "git-sha1"
) -> Iterator[TreeEntry]:
    """Give the mode, path and digest of every file, link and folder in a folder's tree.

    Paths are relative, with slashes. They come folder by folder, the innermost first;
    to sort them as ``git ls-tree -r -t`` does, add a slash to those of folders.

    Raises:
        UnhashableFileError: It holds what has no git hash, can't be read, or changes.
        NotAFolderError: The path is not a folder.
        ArgumentError: There is no such algorithm.
        OSError: The folder can't be listed.
    """
    checked = check_algorithm(algorithm)
    root = _root(path)
    for folder in hash_folders(root, checked):
        inner = folder.path[len(root) :]
        for mode, name, digest in parse_tree(folder.body, checked):
            yield mode, inner + name, digest


def _require_path(given: object) -> None:
    if not isinstance(given, (str, bytes, os.PathLike)):  # a number: an open file's
        msg = f"folder to hash: expected a path, found {given!r}"
        raise ArgumentTypeError(msg)


def _root(path: AnyPath) -> bytes:
    _require_path(path)
    try:
        with os.scandir(path):
            root = os.fsencode(path)
    except (FileNotFoundError, NotADirectoryError):
        found = "something else" if os.path.lexists(path) else "nothing"
        shown = os.fsdecode(path) or "the path ''"
        msg = f"{shown}: expected a folder to hash, found {found}"
        raise NotAFolderError(msg, path=Path(os.fsdecode(path))) from None
    return root if root.endswith(b"/") else root + b"/"


def _digests(root: bytes, algorithm: Algorithm, *, modes: bool = True) -> Digests:
    digests = b"", b""
    for folder in hash_folders(root, algorithm, modes=modes):
        digests = folder.digests
    return digests
