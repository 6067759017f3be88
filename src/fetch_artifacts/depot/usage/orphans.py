"""Which installed trees nothing needs any more, and since when.

Julia: ``gc`` of Pkg 1.12 (Pkg.jl API.jl:585). A tree that no live Artifacts.toml names
is an orphan; ``logs/orphaned.toml`` says since when, in local time, and after seven
days it goes. Beyond that, an orphan stays while it is locked, and for an hour after it
was installed; and what is no ``<hash>`` folder in ``artifacts`` is left alone.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fetch_artifacts.depot.overrides import artifact_paths, load_overrides
from fetch_artifacts.depot.usage.entries import open_log
from fetch_artifacts.depot.usage.log import keep_aside
from fetch_artifacts.depot.workspace import LOCK_STALE_AGE
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError
from fetch_artifacts.files.locks.pidlock import is_held
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.julia_toml.reader import loads
from fetch_artifacts.julia_toml.writer import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fetch_artifacts.depot.overrides import Overrides
    from fetch_artifacts.depot.stack import DepotStack
    from fetch_artifacts.depot.usage.references import References, Use
    from fetch_artifacts.files.locks.pidlock import PidLock

ORPHANED_TOML: Final = "orphaned.toml"
COLLECT_DELAY: Final = timedelta(days=7)  # Pkg.jl API.jl:571
NEW_FOR: Final = timedelta(hours=1)
_HASH: Final = re.compile(r"[0-9a-f]{40}")

Fate: TypeAlias = Literal["named", "override", "locked", "new", "waiting", "unwanted"]
"""Why a tree stays; all but the last keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledTree:
    """A tree in a depot, and what becomes of it.

    Attributes:
        path: Its folder.
        tree_hash: Its name.
        age: How long ago it was installed.
        uses: The names that live files bind to it.
        fate: Why it stays, or ``"unwanted"``.
        orphaned: When it was first seen to be an orphan, in local time; None for one
            that is needed.
    """

    path: Path
    tree_hash: TreeHash
    age: timedelta
    uses: tuple[Use, ...]
    fate: Fate
    orphaned: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What trees are judged by.

    Attributes:
        now: The time, local and without a zone.
        collect_delay: How long an orphan stays.
    """

    now: datetime
    collect_delay: timedelta = COLLECT_DELAY


@dataclass(frozen=True, slots=True)
class OrphanLog:
    """What a depot's ``orphaned.toml`` says.

    Attributes:
        since: When each path was first seen to be an orphan, in local time. Some paths
            are not those of trees.
        whole: Whether Julia can read all of it.
    """

    since: Mapping[str, datetime]
    whole: bool = True

    @classmethod
    def read(cls, depot: Path) -> OrphanLog:
        """Read it; what can't be read is left out, as in Julia.

        Raises:
            DepotError: It is not a regular file, or can't be opened.
        """
        path = depot / "logs" / ORPHANED_TOML
        try:
            with open_log(path) as file:
                table = loads(file.read())
        except FileNotFoundError:
            return cls({})
        except (ValueError, RecursionError):
            return cls({}, whole=False)
        except OSError as error:
            msg = f"{path}: can't be read: {error.strerror or error}"
            raise DepotError(msg) from error
        since = {
            key: value.replace(tzinfo=None)
            for key, value in table.items()
            if isinstance(value, datetime)
        }
        return cls(since, whole=len(since) == len(table))

    def update(
        self, depot: Path, trees: Iterable[InstalledTree], lock: PidLock
    ) -> None:
        """Write the log after trees were judged, unless it would not change.

        Lines that are not about the trees of this depot stay: Julia's other orphans.

        Args:
            depot: The depot that has the log.
            trees: All trees of the depot.
            lock: That of the usage log, which must still be ours at the end.

        Raises:
            LockLostError: Another process took the lock.
            OSError: It can't be written.
        """
        artifacts = str(depot / "artifacts")
        since = {
            path: moment
            for path, moment in self.since.items()
            if os.path.dirname(path) != artifacts
            or not _HASH.fullmatch(os.path.basename(path))
        }
        since |= {str(each.path): each.orphaned for each in trees if each.orphaned}
        if since == self.since and self.whole:
            return
        path = depot / "logs" / ORPHANED_TOML
        if not self.whole:
            keep_aside(path)
        with replacing(path, before=lock.require_ours, shared=True) as file:
            file.write(dumps(since).encode())


class Needed:
    """What live files and overrides need, by place.

    A file needs a tree where its override leads, not where it would be without one
    (Artifacts.jl:224-234), so an overridden tree is an orphan.

    Args:
        references: What the live files name.
        stack: All depots.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """

    def __init__(self, references: References, stack: DepotStack) -> None:
        overrides = load_overrides(stack.folders)
        self._uses: dict[str, list[Use]] = {}
        for tree_hash, uses in references.uses.items():
            for path in artifact_paths(tree_hash, stack.folders, overrides):
                self._uses.setdefault(str(path), []).extend(uses)
        self._inside = _overridden_folders(overrides)

    def uses(self, tree: str) -> tuple[Use, ...]:
        """The uses of the tree in a folder."""
        return tuple(dict.fromkeys(self._uses.get(tree, ())))

    def is_target(self, tree: str) -> bool:
        """Whether an override leads to a folder, or to something in it."""
        return tree in self._inside


def _overridden_folders(overrides: Overrides) -> frozenset[str]:
    """The folders that overrides lead to by path, with all folders above them."""
    targets = [
        *overrides.by_hash.values(),
        *(each for names in overrides.by_name.values() for each in names.values()),
    ]
    paths = {absolute(each) for each in targets if isinstance(each, Path)}
    paths |= {os.path.realpath(path) for path in paths}
    return frozenset(
        str(folder) for path in paths for folder in (Path(path), *Path(path).parents)
    )


def installed_trees(artifacts: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the folders in ``artifacts`` that have a tree's name, sorted.

    Links are left out, and so is all that has another name.

    Raises:
        OSError: The folder can't be listed.
    """
    try:
        with os.scandir(artifacts) as entries:
            found = [each for each in entries if _HASH.fullmatch(each.name)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in sorted(found, key=lambda each: each.name):
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode):
            yield artifacts / entry.name, status


def install_time(status: os.stat_result) -> datetime:
    """When a tree was put where it is, in local time."""
    # A rename changes the ctime only, and a copied folder may keep an old mtime.
    moment = max(status.st_mtime, status.st_ctime)
    return datetime.fromtimestamp(moment)  # noqa: DTZ006 - Julia's logs have no zone


def judge_trees(
    artifacts: Path, needed: Needed, orphaned: Mapping[str, datetime], rules: Rules
) -> list[InstalledTree]:
    """Find out what becomes of each tree of a depot.

    Args:
        artifacts: The depot's folder of trees.
        needed: What is needed.
        orphaned: When trees were first seen to be orphans, by path.
        rules: The time, and how long an orphan stays.

    Raises:
        OSError: The folder can't be listed.
    """
    return [
        _judge(path, status, needed, orphaned, rules)
        for path, status in installed_trees(artifacts)
    ]


def _judge(
    path: Path,
    status: os.stat_result,
    needed: Needed,
    orphaned: Mapping[str, datetime],
    rules: Rules,
) -> InstalledTree:
    name = str(path)
    age, uses = rules.now - install_time(status), needed.uses(name)
    fate: Fate = "unwanted"
    since = None
    if uses:
        fate = "named"
    elif needed.is_target(name) or needed.is_target(os.path.realpath(name)):
        fate = "override"
    else:
        since = orphaned.get(name, rules.now)
        if is_locked(path):
            fate = "locked"
        elif age < NEW_FOR:
            fate = "new"
        elif rules.now - since < rules.collect_delay:
            fate = "waiting"
    return InstalledTree(
        path=path,
        tree_hash=TreeHash.parse(path.name),
        age=age,
        uses=uses,
        fate=fate,
        orphaned=since,
    )


def is_locked(tree: Path) -> bool:
    """Whether somebody holds the lock of a tree's installation."""
    return is_held(tree.with_name(f"{tree.name}.pid"), stale_age=LOCK_STALE_AGE)
