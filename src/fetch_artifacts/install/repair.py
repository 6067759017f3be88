"""Verifying installed trees against their names, and installing broken ones again."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.artifacts_toml.choosing import elements_of
from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.depot.installed import locate_entry
from fetch_artifacts.depot.override_edits import explain_override_to
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.verification.verify import fault_of
from fetch_artifacts.depot.workspace import Workspace
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    DepotError,
    InstallError,
    OverrideError,
    UnhashableFileError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fetch_artifacts.depot.usage.references import Use
    from fetch_artifacts.install.installer import Installer
    from fetch_artifacts.install.inventory import Installed

_CHUNK: Final = 8  # trees that a process hashes between two reports


@dataclass(frozen=True, slots=True)
class Verified:
    """What hashing a tree has shown.

    Attributes:
        tree: The tree.
        fault: What is wrong with it, "" where it is what its name says.
    """

    tree: Installed
    fault: str


def verify_all(
    trees: Sequence[Installed], *, jobs: int | None = None
) -> Iterator[Verified]:
    """Hash trees, several at once, and yield each as soon as it and those before are.

    Args:
        trees: The trees.
        jobs: How many processes hash them; one for each core unless given.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(trees))
    paths = [str(tree.path) for tree in trees]
    if jobs <= 1:
        yield from map(Verified, trees, map(_fault, paths))
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from map(Verified, trees, pool.map(_fault, paths, chunksize=_CHUNK))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fault(path: str) -> str:
    """What is wrong with the tree in a folder, "" where nothing is."""
    try:
        return fault_of(Path(path), TreeHash.parse(os.path.basename(path)))
    except (UnhashableFileError, OSError) as error:
        return str(error)


def entries_of(uses: Iterable[Use], tree_hash: TreeHash) -> tuple[ArtifactEntry, ...]:
    """Give the entries that name a tree in the files that use it."""
    found = []
    for use in uses:
        with contextlib.suppress(ArtifactsTomlError):
            value = load_artifacts_toml(use.toml)[use.name]
            for element, place in elements_of(value, Place.of(use.name, use.toml)):
                entry = ArtifactEntry.from_entry(use.name, element, None, place)
                if entry.tree_hash == tree_hash and entry.downloads:
                    found.append(entry)
    return tuple(found)


def reinstall(
    tree: Path, entries: Sequence[ArtifactEntry], installer: Installer
) -> Path:
    """Install a tree anew, and delete the one that is there.

    That one is moved aside first, and moved back where nothing gives the tree, or the
    user has stopped it.

    Args:
        tree: Where it is installed.
        entries: What names its sources.
        installer: What installs.

    Returns:
        Where it is now: in the first depot.

    Raises:
        InstallError: No source gave it, or there is none.
        DepotError: A depot can't be written.
    """
    if not entries:
        msg = f"{tree}: no file in use names a source of it"
        raise InstallError(msg, name=tree.name)
    entry = entries[0].joined(entries[1:])
    with _moved_aside(tree):
        return installer.ensure(entry)


def reinstall_entry(
    entry: ArtifactEntry, toml: str | None, installer: Installer
) -> Path:
    """Install the tree of an entry, anew where it is there already.

    Args:
        entry: The entry.
        toml: The Artifacts.toml that it is from, as an absolute path; None where its
            package's overrides already apply.
        installer: What installs.

    Returns:
        The folder of the tree.

    Raises:
        InstallError: No source gave it; what was there is there again.
        OverrideError: It is overridden, so there is nothing to install.
        DepotError: A depot can't be written.
    """
    location = locate_entry(entry, toml=toml)
    if location is not None and location.overridden:
        where, back = explain_override_to(location.path, entry.tree_hash)
        msg = (
            f"{entry.name}: it is overridden to {location.path} by {where}, and left "
            f"as it is; `{back}` takes that back"
        )
        raise OverrideError(msg)
    tree = location.installed() if location else None
    if tree is None:
        return installer.ensure(entry, location=location)
    return reinstall(tree, [entry], installer)


@contextlib.contextmanager
def _moved_aside(tree: Path) -> Iterator[None]:
    """Move a tree out of ``artifacts`` for good, or back where the block fails."""
    artifacts = tree.parent
    depot = artifacts.parent if DepotStack.present().root else None
    with contextlib.ExitStack() as slots:
        with _errors_named(tree):
            workspace = slots.enter_context(Workspace.open(artifacts, depot))
            slot = slots.enter_context(workspace.slot())
        try:
            with _errors_named(tree):
                workspace.move_out(tree.name, slot)
            yield
        except BaseException:  # after Ctrl-C too, or nothing would be there to repair
            if not os.path.lexists(tree):
                with contextlib.suppress(OSError):
                    workspace.folder.rename(slot, workspace.artifacts, tree.name)
            raise


@contextlib.contextmanager
def _errors_named(tree: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{tree}: could not be moved aside: {error.strerror or error}"
        raise DepotError(msg) from error
