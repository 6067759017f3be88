"""Deleting what nothing needs any more, from depots that other programs are using.

Julia: the part of ``gc`` that is about artifacts (Pkg.jl API.jl:585 of 1.12). `orphans`
decides what goes; this module deletes it while others install, use and bind:

- The locks of the usage logs are held from before the logs are read until the trees
  have left ``artifacts``. A program that uses a file logs it first, under the same
  lock, and looks for the tree afterwards.
- A tree is taken away by one rename, under the lock of its installation. If a file that
  names it was changed right before, it is renamed back.
- Both logs are written before anything is deleted, each in one step, so what a killed
  gc leaves undone is an orphan for the next one.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.disk_usage import TreeSizes, measure_tree
from fetch_artifacts.depot.stack import DepotStack, no_depot
from fetch_artifacts.depot.state import sweep_cache, sweep_state
from fetch_artifacts.depot.usage.log import (
    USAGE_TOML,
    local_now,
    locked_log,
    replace_log,
)
from fetch_artifacts.depot.usage.orphans import (
    COLLECT_DELAY,
    Needed,
    OrphanLog,
    Rules,
    judge_trees,
)
from fetch_artifacts.depot.usage.references import ReferenceReader
from fetch_artifacts.depot.workspace import LOCK_STALE_AGE, Workspace
from fetch_artifacts.errors import DepotError, LockTimeoutError
from fetch_artifacts.files.folder import outlast_stale
from fetch_artifacts.files.locks.pidlock import LockLostError, pid_lock
from fetch_artifacts.files.paths import hindrance
from fetch_artifacts.files.removing import require_removable
from fetch_artifacts.settings.environment import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from fetch_artifacts.depot.usage.orphans import InstalledTree
    from fetch_artifacts.depot.usage.references import References
    from fetch_artifacts.files.locks.pidlock import PidLock

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 256  # trees that are taken out under one hold of the locks


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What a gc found and did, or would do.

    Attributes:
        trees: All trees of the depots that were searched, by path.
        sizes: The bytes on disk of those that are gone, or would be; of all trees where
            that was asked for.
        failures: Why trees that should be gone are not, by path.
        skipped: The depots that can't be written.
    """

    trees: tuple[InstalledTree, ...]
    sizes: dict[Path, int]
    failures: dict[Path, str]
    skipped: tuple[Path, ...]

    @property
    def freed(self) -> int:
        """The bytes on disk of the trees that are gone, or would be."""
        return sum(self.sizes.get(tree.path, 0) for tree in self.collected)

    @property
    def collected(self) -> tuple[InstalledTree, ...]:
        """The trees that are gone, or would be."""
        return tuple(
            tree
            for tree in self.trees
            if tree.fate == "unwanted" and tree.path not in self.failures
        )


def collect_garbage(
    *,
    collect_delay: timedelta = COLLECT_DELAY,
    all_depots: bool = False,
    dry_run: bool = False,
    sizes: bool = False,
    now: datetime | None = None,
) -> Collection:
    """Delete the trees that no live Artifacts.toml has named for a while.

    Args:
        collect_delay: How long a tree stays after it was first seen to be unneeded.
        all_depots: Whether to search all depots that can be written, rather than only
            the first. The logs of these depots say what is in use.
        dry_run: Whether to decide only, and to change nothing.
        sizes: Whether to measure the trees that stay, too.
        now: The local time, without a zone; the current time unless given.

    Raises:
        DepotError: There is no depot, or what is in use can't be found out.
        ArtifactsTomlError: A live file has an entry without a tree hash.
        OverrideError: An Overrides.toml can't be followed.
    """
    stack = DepotStack.present()
    if stack.root is None:
        raise no_depot()
    depots, skipped = _depots(stack, all_depots=all_depots)
    gc = _Gc(stack, depots, Rules(now=now or local_now(), collect_delay=collect_delay))
    trees = outlast_stale(gc.judge if dry_run else gc.run)
    _measure(trees if sizes else [t for t in trees if t.fate == "unwanted"], gc.sizes)
    return Collection(
        trees=tuple(trees), sizes=gc.sizes, failures=gc.failures, skipped=skipped
    )


def _depots(
    stack: DepotStack, *, all_depots: bool
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The depots to search, and those that can't be written."""
    folders = stack.folders if all_depots else stack.folders[:1]
    there = dict.fromkeys(Path(each).parent for each in folders if os.path.isdir(each))
    can = {path for path in there if os.access(path / "artifacts", os.W_OK)}
    if not all_depots:
        return tuple(there), ()
    return (
        tuple(path for path in there if path in can),
        tuple(path for path in there if path not in can),
    )


def _measure(trees: Iterable[InstalledTree], sizes: dict[Path, int]) -> None:
    """Add the sizes of those trees that are still there."""
    memories: dict[Path, TreeSizes] = {}
    for tree in trees:
        if tree.path not in sizes:
            folder = tree.path.parent
            if folder not in memories:
                memories[folder] = TreeSizes(folder)
            with contextlib.suppress(OSError):  # gone meanwhile
                sizes[tree.path] = memories[folder].of(tree.path).bytes


@dataclass(frozen=True, slots=True)
class _Taken:
    """A tree that was renamed out of ``artifacts``, and where it is now."""

    tree: InstalledTree
    workspace: Workspace
    slot: str

    def size(self) -> int:
        try:
            return measure_tree(self.workspace.folder.path / self.slot).bytes
        except OSError:
            return 0  # it could only be deleted in place

    def put_back(self) -> None:
        """Undo it, unless the tree was installed anew."""
        name = self.tree.path.name
        with contextlib.suppress(OSError):
            self.workspace.folder.rename(self.slot, self.workspace.artifacts, name)


@dataclass(slots=True)
class _Gc:
    """One run over some depots."""

    stack: DepotStack
    depots: Sequence[Path]
    rules: Rules
    sizes: dict[Path, int] = field(default_factory=dict)
    failures: dict[Path, str] = field(default_factory=dict)
    reader: ReferenceReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = ReferenceReader(self.stack)

    def judge(self) -> list[InstalledTree]:
        """Decide what becomes of each tree."""
        return self._judge(self._references())

    def run(self) -> list[InstalledTree]:
        """Decide, write the logs and delete, until nothing unwanted is left."""
        self._references()  # parses the files before anybody has to wait for the locks
        gone: dict[Path, InstalledTree] = {}
        while True:
            with contextlib.ExitStack() as slots:
                trees, taken = self._take_out_some(slots)
                self.sizes |= {each.tree.path: each.size() for each in taken}
            # Leaving the slots has deleted what is in them, without the locks.
            gone |= {each.tree.path: each.tree for each in taken}
            if not taken:
                break
        sweep_state(self.depots, self.stack)
        sweep_cache(Settings.from_environ().user_cache)
        left = {tree.path: tree for tree in trees}
        return sorted({**gone, **left}.values(), key=lambda tree: tree.path)

    def _references(self) -> References:
        return self.reader.read(str(depot / "logs") for depot in self.depots)

    def _judge(self, references: References) -> list[InstalledTree]:
        needed = Needed(references, self.stack)
        trees = []
        for depot in self.depots:
            since = OrphanLog.read(depot).since
            artifacts = depot / "artifacts"
            try:
                trees += judge_trees(artifacts, needed, since, self.rules)
            except OSError as error:
                msg = f"{artifacts}: can't be read: {error.strerror or error}"
                raise DepotError(msg) from error
        for tree in trees:
            _log.debug("%s: %s", tree.path, tree.fate)
        return trees

    def _take_out_some(
        self, slots: contextlib.ExitStack
    ) -> tuple[list[InstalledTree], list[_Taken]]:
        """Write the logs, and take some of the unwanted trees out of ``artifacts``.

        Args:
            slots: Deletes at its end what was taken out.

        Returns:
            All trees, and those that were taken out.
        """
        with self._locked() as locks:
            references = self._references()
            trees = self._judge(references)
            self._write_logs(references, trees, locks)
            unwanted = (
                tree
                for tree in trees
                if tree.fate == "unwanted" and tree.path not in self.failures
            )
            workspaces: dict[Path, Workspace] = {}
            taken = []
            for tree in islice(unwanted, _AT_ONCE):
                found = self._take_out(tree, workspaces, slots)
                if found is not None:
                    taken.append(found)
            return trees, self._still_unwanted(taken)

    def _take_out(
        self,
        tree: InstalledTree,
        workspaces: dict[Path, Workspace],
        slots: contextlib.ExitStack,
    ) -> _Taken | None:
        """Take out one tree; None, and a note in `failures`, where that fails."""
        artifacts = tree.path.parent
        try:
            workspace = workspaces.get(artifacts)
            if workspace is None:
                opened = Workspace.open(artifacts, artifacts.parent)
                workspace = workspaces[artifacts] = slots.enter_context(opened)
            slot = slots.enter_context(workspace.slot())
            lock = artifacts / f"{tree.path.name}.pid"
            with pid_lock(lock, stale_age=LOCK_STALE_AGE, timeout=0):
                require_removable(tree.path)
                workspace.move_out(tree.path.name, slot)
        except LockTimeoutError:
            self.failures[tree.path] = "somebody has just begun to install it"
        except OSError as error:
            self.failures[tree.path] = error.strerror or str(error)
        else:
            _log.debug("%s: moved out, to be deleted", tree.path)
            return _Taken(tree, workspace, slot)
        return None

    def _still_unwanted(self, taken: list[_Taken]) -> list[_Taken]:
        """Put back what a file that was changed meanwhile names; give the others."""
        if not taken:
            return []
        needed = Needed(self._references(), self.stack)
        unwanted = []
        for each in taken:
            path = str(each.tree.path)
            if needed.uses(path) or needed.is_target(path):
                _log.debug("%s: put back, as it is wanted after all", path)
                each.put_back()
            else:
                unwanted.append(each)
        return unwanted

    @contextlib.contextmanager
    def _locked(self) -> Iterator[dict[Path, PidLock]]:
        """Hold the lock of each depot's logs; every gc takes them in the same order."""
        locks = {}
        with contextlib.ExitStack() as held:
            for depot in sorted(self.depots, key=os.path.realpath):
                log = depot / "logs" / USAGE_TOML
                try:
                    locks[depot] = held.enter_context(locked_log(log))
                except OSError as error:
                    msg = f"{log}: can't be locked: {hindrance(log.parent, error)}"
                    raise DepotError(msg) from error
                _log.debug("%s: locked", log)
            yield locks

    def _write_logs(
        self,
        references: References,
        trees: Sequence[InstalledTree],
        locks: Mapping[Path, PidLock],
    ) -> None:
        """Write both logs of each depot, as far as they change.

        Raises:
            DepotError: One can't be written, or its lock was lost.
        """
        for depot in self.depots:
            log = depot / "logs" / USAGE_TOML
            found = references.logs[log]
            latest = {
                path: moment
                for path, moment in found.latest.items()
                if path in references.live or not os.path.isabs(path)
            }
            inside = [tree for tree in trees if tree.path.parent.parent == depot]
            try:
                if latest != found.latest or not found.condensed:
                    replace_log(log, found, latest, locks[depot])
                    _log.debug("%s: rewritten", log)
                OrphanLog.read(depot).update(depot, inside, locks[depot])
            except LockLostError as error:
                msg = f"{error.filename}: {error.strerror}"
                raise DepotError(msg) from error
            except (OSError, ValueError) as error:
                msg = f"{log.parent}: a log can't be written: {error}"
                raise DepotError(msg) from error
