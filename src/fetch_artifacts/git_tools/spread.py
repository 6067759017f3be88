"""Hashing one tree with the workers of an executor, each a share of it at a time.

A share is some names in some folders. A job hashes for a moment, lists the folders that
it comes to, and gives back what it has found and what it has left. That is dealt out
anew, so that no folder is too large for one worker, and none is idle for long.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.git_tools.files import hash_file
from fetch_artifacts.git_tools.folders import (
    Listing,
    has_git_files,
    hash_link,
    list_folder,
    list_subfolder,
)
from fetch_artifacts.git_tools.objects import FOLDER, LINK, TreeEntry, tree_digest
from fetch_artifacts.git_tools.tree_rules import is_kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future

    from fetch_artifacts.digests import Algorithm

Share: TypeAlias = list[tuple[bytes, list[bytes]]]
"""Folders, with a slash at the end, and the names in them that are to be hashed."""

Part: TypeAlias = tuple[bytes, bool, list[TreeEntry]]
"""A folder, whether it has a ``.git``, and some of its entries."""

JOB_SECONDS: Final = 0.1
"""A job takes this long, or as long as one large file."""

_SHARES: Final = 8  # what a job has left becomes at most this many jobs


def hash_spread(root: bytes, algorithm: Algorithm, executor: Executor) -> bytes:
    """Hash a tree by the workers of an executor, who must see it under the same path.

    Shares and what comes back are pickled here, each to one piece of bytes: Dask would
    send every name and every digest in a list as a message of its own.

    Args:
        root: The path of a folder, or of a link to one, with a slash at the end.
        algorithm: Which digests to make.
        executor: Its ``submit`` is all that is used.

    Raises:
        UnhashableFileError: Something in it has no git hash, can't be read, or changes.
        OSError: The root is not a folder, or can't be listed.
    """
    import pickle
    from queue import SimpleQueue

    part, left = _split(root, list_folder(root), algorithm)
    tree = _Tree(root, algorithm)
    tree.add(part)
    pending: set[Future[bytes]] = set()
    done: SimpleQueue[Future[bytes]] = SimpleQueue()
    try:
        while True:
            for share in _deal(left):
                job = executor.submit(hash_pickled, pickle.dumps(share), algorithm)
                pending.add(job)
                job.add_done_callback(done.put)
            if not pending:
                return tree.digest()
            job = done.get()
            pending.remove(job)
            parts, left = pickle.loads(job.result())  # noqa: S301 - our own job's
            for part in parts:
                tree.add(part)
    finally:
        for job in pending:
            job.cancel()


def hash_pickled(share: bytes, algorithm: Algorithm) -> bytes:
    """Hash a pickled share, and give what `hash_share` gives pickled as well.

    Raises:
        UnhashableFileError: Something has no git hash, can't be read, or changes.
    """
    import pickle

    return pickle.dumps(hash_share(pickle.loads(share), algorithm))  # noqa: S301 - ours


def hash_share(share: Share, algorithm: Algorithm) -> tuple[list[Part], Share]:
    """Hash a share, or as much of it as a moment allows, and give what is left.

    Raises:
        UnhashableFileError: Something has no git hash, can't be read, or changes.
    """
    deadline = time.monotonic() + JOB_SECONDS
    parts: list[Part] = []
    left = list(share)
    while left:
        path, keys = left.pop()
        entries: list[TreeEntry] = []
        parts.append((path, False, entries))
        for count, key in enumerate(keys, 1):
            if key.endswith(b"/"):
                part, inner = _split(path + key, list_subfolder(path + key), algorithm)
                parts.append(part)
                left += inner
            else:
                mode, digest = hash_file(path + key, algorithm)
                entries.append((mode, key, digest))
            if time.monotonic() > deadline:
                return parts, [*left, (path, keys[count:])]
    return parts, left


def _split(path: bytes, listing: Listing, algorithm: Algorithm) -> tuple[Part, Share]:
    links: list[TreeEntry] = [
        (LINK, name, hash_link(path + name, algorithm)[0]) for name in listing.links
    ]
    keys = [key for key in listing.keys if key not in listing.links]
    return (path, listing.has_git, links), [(path, keys)]


def _deal(left: Share) -> Iterator[Share]:
    size = -(-sum(len(keys) for _, keys in left) // _SHARES)
    share: Share = []
    room = size
    for path, keys in left:
        start = 0
        while start < len(keys):
            taken = keys[start : start + room]
            share.append((path, taken))
            start += len(taken)
            room -= len(taken)
            if not room:
                yield share
                share, room = [], size
    if share:
        yield share


class _Tree:
    """The parts that have been found so far."""

    def __init__(self, root: bytes, algorithm: Algorithm) -> None:
        self._root = root
        self._algorithm = algorithm
        self._entries: dict[bytes, list[TreeEntry]] = {}  # parents before their folders
        self._with_git: set[bytes] = set()

    def add(self, part: Part) -> None:
        path, has_git, entries = part
        self._entries.setdefault(path, []).extend(entries)
        if has_git:
            self._with_git.add(path)

    def digest(self) -> bytes:
        """Hash the folders, the last one first: those inside it are done."""
        while True:
            path, entries = self._entries.popitem()
            digest = tree_digest(entries, self._algorithm)
            if path == self._root:
                return digest
            git = partial(has_git_files, path) if path in self._with_git else None
            if is_kept(entries, git):
                above, _, name = path[:-1].rpartition(b"/")
                self._entries[above + b"/"].append((FOLDER, name, digest))
