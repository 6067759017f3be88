"""What this package keeps in a depot for itself, and how that stays small.

Trees in the making and partial downloads are in the `workspace`, copies of the files of
zipped packages and of damaged logs in ``logs``: where no gc looks for orphans.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.installed import forget_trees
from fetch_artifacts.depot.usage.log import DAMAGED
from fetch_artifacts.depot.usage.packages import RECORDS, is_outdated
from fetch_artifacts.depot.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.depot.stack import DepotStack

_COPIES_KEPT_FOR: Final = 90 * 24 * 60 * 60.0  # seconds


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
        with contextlib.suppress(OSError):
            forget_trees(
                depot / "logs",
                lambda tree: locate_tree(tree, stack).installed() is None,
            )


def _remove_records(folder: Path) -> None:
    """Remove what stands for packages that are gone."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = folder / name
            if is_outdated(str(path)):
                path.unlink()


def _remove_copies(logs: Path) -> None:
    """Remove the copies of logs that were damaged a season ago."""
    with contextlib.suppress(OSError):
        for path in logs.glob(f"*{DAMAGED}*"):
            if time.time() - path.lstat().st_mtime > _COPIES_KEPT_FOR:
                path.unlink()
