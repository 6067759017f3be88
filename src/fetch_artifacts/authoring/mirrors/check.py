"""Reading all of a static mirror, to find what is wrong with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fetch_artifacts.archive.tree import read_archive
from fetch_artifacts.authoring.mirrors.mirror import ARTIFACTS, EMPTY_SERVER
from fetch_artifacts.authoring.mirrors.store import StoreError
from fetch_artifacts.digests import is_tree_hash
from fetch_artifacts.errors import FetchArtifactsError, PublishError
from fetch_artifacts.parallel.threads import run_all
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.limits import UnpackLimits
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Collection

    from fetch_artifacts.authoring.mirrors.store import Store
    from fetch_artifacts.digests import TreeHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What reading all of a mirror has shown.

    Attributes:
        archives: How many archives it has.
        faults: What is wrong with it, by file.
    """

    archives: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one file of a mirror.

    Attributes:
        name: The file.
        what: What is wrong with it.
    """

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def require(store: Store, place: str) -> None:
    """Check that there is a mirror.

    Args:
        store: The mirror.
        place: How the user named it.

    Raises:
        PublishError: There is none, or it can't be read.
    """
    if not any(map(store.has, EMPTY_SERVER)) and not store.names(ARTIFACTS):
        msg = f"{redacted(place)}: expected a mirror, found none; `mirror` writes one"
        raise PublishError(msg)


def check(
    store: Store, entries: Collection[TreeHash] = (), *, jobs: int | None = None
) -> Checked:
    """Read all of a mirror, and find what is wrong with it.

    Args:
        store: The mirror.
        entries: What it should have at least.
        jobs: How many files are read at once.

    Raises:
        PublishError: The mirror can't be read.
    """
    settings = Settings.from_environ()
    names = store.names(ARTIFACTS)
    done = run_all(
        {name: partial(_fault, store, name, settings) for name in names},
        workers=jobs or settings.concurrent_downloads,
        stopped=threading.Event(),
    )
    found = [done[name].result() for name in names]
    lacking = sorted({str(tree) for tree in entries} - set(names))
    absent = [name for name in EMPTY_SERVER if not store.has(name)]
    none = [*(f"{ARTIFACTS}/{name}" for name in lacking), *absent]
    faults = (
        *(
            Fault(name=f"{ARTIFACTS}/{n}", what=f)
            for n, f in zip(names, found, strict=True)
            if f
        ),
        *(Fault(name=name, what="missing") for name in none),
    )
    return Checked(archives=len(names), faults=faults)


def _fault(store: Store, name: str, settings: Settings) -> str:
    if not is_tree_hash(name):
        return "expected a git-tree-sha1 as its name"
    try:
        tree = read_archive(
            store.chunks(f"{ARTIFACTS}/{name}"), UnpackLimits.of(settings)
        )
    except StoreError as error:
        return error.fault
    except FetchArtifactsError as error:
        return str(error)
    if name not in {str(tree.tree_hash), str(tree.git_hash)}:
        return f"holds the tree {tree.tree_hash}"
    return "" if tree.kind == "gz" else f"expected gzip, found {tree.kind}"
