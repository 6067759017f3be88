"""Deleting what one file binds, except what another file in use needs."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.depot.disk_usage import measure_tree
from fetch_artifacts.depot.installed import locate_entry, tree_of
from fetch_artifacts.depot.override_edits import explain_override
from fetch_artifacts.depot.stack import DepotStack, artifacts_dirs
from fetch_artifacts.depot.usage.log import USAGE_TOML, locked_log
from fetch_artifacts.depot.usage.references import ReferenceReader
from fetch_artifacts.depot.workspace import Workspace, not_removed
from fetch_artifacts.files.removing import require_removable
from fetch_artifacts.install.inventory import log_choice, override_of
from fetch_artifacts.install.lookup import wanted
from fetch_artifacts.platforms.platform import as_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.depot.override_edits import StatedOverride
    from fetch_artifacts.depot.usage.references import Use
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.install.lookup import AnyPlatform

Outcome = Literal["removed", "missing", "needed", "overridden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What became of an artifact that was to be deleted.

    Attributes:
        name: The name it is bound to.
        outcome: Whether it is gone, was not there, or why it stays.
        paths: The folders that are gone.
        freed: The bytes on disk that they took.
        uses: The names in other live files that need it.
        override: The line that sends it elsewhere.
    """

    name: str
    outcome: Outcome
    paths: tuple[Path, ...] = ()
    freed: int = 0
    uses: tuple[Use, ...] = ()
    override: StatedOverride | None = None

    def __str__(self) -> str:
        match self.outcome:
            case "removed":
                return f"{self.name}: removed {', '.join(map(str, self.paths))}"
            case "needed":
                uses = ", ".join(map(str, self.uses))
                return f"{self.name}: kept, also needed by {uses}"
            case "overridden":
                return f"{self.name}: overridden{self._why()}, so nothing was removed"
            case "missing":
                return f"{self.name}: not installed"

    def _why(self) -> str:
        if self.override is None:
            return ""
        where, back = explain_override(self.override, artifacts_dirs()[0])
        return f" by {where} (`{back}` takes it back)"


def clear(
    name: str,
    toml: str,
    *,
    platform: AnyPlatform = None,
    all_depots: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> Cleared:
    """Delete the tree of an artifact, unless another live file names it as well.

    Args:
        name: The name it is bound to.
        toml: The Artifacts.toml, as an absolute path.
        platform: What to choose the entry for.
        all_depots: Whether it is deleted from all depots that can be written, rather
            than from the first.
        force: Whether it is deleted although other files name it.
        dry_run: Whether to find out what would be deleted, and delete nothing.

    Raises:
        DepotError: A folder could not be deleted.
        FetchArtifactsError: The entry can't be read, or an Overrides.toml.
    """
    stack = DepotStack.present()
    entry = entry_for(name, toml, wanted(platform))
    log_choice([entry], toml, as_platform(platform) if platform else None)
    tree_hash = tree_of(entry, stack)
    location = locate_entry(entry, stack, toml=toml)
    if tree_hash is None or location is None:
        return Cleared(name=name, outcome="missing")
    if location.overridden:
        override = override_of(tree_hash, name, toml)
        return Cleared(name=name, outcome="overridden", override=override)
    folders = stack.folders if all_depots else stack.folders[:1]
    if not any(os.path.isdir(os.path.join(each, str(tree_hash))) for each in folders):
        return Cleared(name=name, outcome="missing")
    with contextlib.ExitStack() as slots, _locked(stack):
        uses = () if force else _other_uses(tree_hash, toml, stack)
        if uses:
            return Cleared(name=name, outcome="needed", uses=uses)
        if dry_run:
            there = [Path(each, str(tree_hash)) for each in folders]
            there = [path for path in there if path.is_dir()]
            freed = sum(measure_tree(path).bytes for path in there)
            return Cleared(
                name=name, outcome="removed", paths=tuple(there), freed=freed
            )
        taken = dict(_take_out(str(tree_hash), folders, stack, slots))
        freed = sum(map(_size, taken.values()))
    return Cleared(
        name=name,
        outcome="removed" if taken else "missing",
        paths=tuple(taken),
        freed=freed,
    )


def _other_uses(tree_hash: TreeHash, toml: str, stack: DepotStack) -> tuple[Use, ...]:
    """The names in other live files that need a tree."""
    references = ReferenceReader(stack, strict=False).read(stack.logs)
    own = os.path.realpath(toml)
    return tuple(
        use
        for use in references.uses.get(tree_hash, ())
        if os.path.realpath(use.toml) != own
    )


@contextlib.contextmanager
def _locked(stack: DepotStack) -> Iterator[None]:
    """Hold the lock of the first usage log, if this user may write there.

    A process that uses a file first logs it under this lock, then looks for the tree.

    Raises:
        LockTimeoutError: It is not free within half a minute.
    """
    logs = stack.logs[0]
    may = stack.root is not None and os.path.isdir(logs) and os.access(logs, os.W_OK)
    with locked_log(Path(logs, USAGE_TOML)) if may else contextlib.nullcontext():
        yield


def _take_out(
    name: str,
    folders: tuple[str, ...],
    stack: DepotStack,
    slots: contextlib.ExitStack,
) -> Iterator[tuple[Path, Path]]:
    """Rename a tree out of each folder that has it; return where it was and is.

    Raises:
        DepotError: That failed, in a depot that can be written.
    """
    for folder in folders:
        artifacts, tree = Path(folder), Path(folder, name)
        if not tree.is_dir() or (folder != folders[0] and not _writable(folder)):
            continue
        depot = artifacts.parent if stack.root else None
        try:
            require_removable(tree)
            workspace = slots.enter_context(Workspace.open(artifacts, depot))
            workspace.sweep()
            slot = slots.enter_context(workspace.slot())
            workspace.move_out(name, slot)
        except OSError as error:
            raise not_removed(tree, error) from error
        yield tree, workspace.folder.path / slot


def _writable(folder: str) -> bool:
    return os.access(folder, os.W_OK)


def _size(place: Path) -> int:
    try:
        return measure_tree(place).bytes
    except OSError:
        return 0
