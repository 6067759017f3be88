"""What this package keeps in a depot and for a user, and how that stays small.

Unfinished trees and partial downloads are in the `workspace`, copies of the files of
zipped packages and of damaged logs in ``logs``; no gc looks for orphans there. What can
be computed again is in the user's cache.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.installed import forget_trees
from fetch_artifacts.depot.usage.log import DAMAGED
from fetch_artifacts.depot.usage.packages import RECORDS, is_outdated
from fetch_artifacts.depot.verification.records import forget_kept
from fetch_artifacts.depot.workspace import Workspace
from fetch_artifacts.platforms.julia_host import forget_julias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetch_artifacts.depot.stack import DepotStack

_DAY: Final = 24 * 60 * 60.0  # seconds
_COPIES_KEPT_FOR: Final = 90 * _DAY
_CACHES: Final = {"tree-sizes": 90 * _DAY, "mirror": 90 * _DAY, "shipped": 365 * _DAY}
"""How many seconds files in the user's cache stay after they were written."""


def sweep_state(depots: Iterable[Path], stack: DepotStack) -> None:
    """Remove what is no longer of use; what can't be removed stays.

    Args:
        depots: The depots to sweep.
        stack: All depots.
    """
    for depot in depots:
        with (
            contextlib.suppress(OSError),
            Workspace.open(depot / "artifacts", depot) as workspace,
        ):
            workspace.sweep()
        _remove_records(depot / "logs" / RECORDS)
        _remove_copies(depot / "logs")
        forget_kept(depot)
        with contextlib.suppress(OSError):
            forget_trees(
                depot / "logs",
                lambda tree: locate_tree(tree, stack).installed() is None,
            )


def sweep_cache(cache: Path) -> None:
    """Remove from the user's cache what was written long ago.

    Args:
        cache: This package's folder for data that can be computed again.
    """
    forget_julias(cache)
    for name, kept_for in _CACHES.items():
        for folder, _, files in os.walk(cache / name, topdown=False):
            with contextlib.suppress(OSError):
                for file in files:
                    _remove_old(Path(folder, file), kept_for)
                os.rmdir(folder)  # unless something is left in it


def _remove_old(path: Path, kept_for: float) -> None:
    if time.time() - path.lstat().st_mtime > kept_for:
        path.unlink()


def _remove_records(folder: Path) -> None:
    """Remove the copies that stand for packages that are gone."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = folder / name
            if is_outdated(str(path)):
                path.unlink()


def _remove_copies(logs: Path) -> None:
    """Remove the copies of logs that were damaged long ago."""
    with contextlib.suppress(OSError):
        for path in logs.glob(f"*{DAMAGED}*"):
            _remove_old(path, _COPIES_KEPT_FOR)
