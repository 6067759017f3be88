"""All installed trees of the depots, whatever project they are of."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.artifacts_toml.check import Finding
from fetch_artifacts.artifacts_toml.choosing import entries_of
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.search import package_uuid
from fetch_artifacts.depot.disk_usage import TreeSizes
from fetch_artifacts.depot.override_edits import (
    explain_override,
    find_override,
    overrides_in_effect,
)
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.depot.usage.orphans import install_time, installed_trees
from fetch_artifacts.depot.usage.references import ReferenceReader
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import DepotError
from fetch_artifacts.terminal.units import count_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.disk_usage import TreeSize
    from fetch_artifacts.depot.override_edits import StatedOverride
    from fetch_artifacts.depot.usage.references import Use
    from fetch_artifacts.platforms.platform import Platform

_log: Final = logging.getLogger(__name__)


def log_choice(
    entries: Iterable[ArtifactEntry], toml: str, platform: Platform | None = None
) -> None:
    """Log which entries were chosen for which platform, and why that platform.

    Args:
        entries: The entries.
        toml: Their file.
        platform: The platform that was asked for; None for this machine's.
    """
    if not _log.isEnabledFor(logging.DEBUG):
        return
    from fetch_artifacts.platforms.host_facts import host_facts

    if platform is None:
        facts = host_facts()
        why = ", ".join(f"{fact.tag} from {fact.source}" for fact in facts.tags)
        _log.debug("this machine is %s: %s", facts.triplet, why)
    else:
        _log.debug("entries are chosen for %s, as asked", platform.triplet)
    for entry in entries:
        chosen = f"for {entry.platform or 'any platform'}"
        place = f"{toml}: {entry.name}: {entry.git_tree_sha1}"
        sources = count_of(len(entry.downloads), "source")
        _log.debug("%s, %s, %s", place, chosen, sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A tree in a depot.

    Attributes:
        path: Its folder.
        tree_hash: Its name.
        since: When it was installed, in local time.
        uses: The names that live Artifacts.toml files bind to it.
        override: The line that sends all who want it elsewhere, None if none does.
        use_overrides: The lines that send some of the uses elsewhere, by package.
        size: The disk space that it takes; None if not asked for.
    """

    path: Path
    tree_hash: TreeHash
    since: datetime
    uses: tuple[Use, ...]
    override: StatedOverride | None = None
    use_overrides: Mapping[Use, StatedOverride] = field(default_factory=dict)
    size: TreeSize | None = None

    @property
    def is_shared(self) -> bool:
        """Whether more than one file binds it."""
        return len({use.toml for use in self.uses}) > 1


def override_of(tree_hash: TreeHash, name: str, toml: str) -> StatedOverride | None:
    """Find the line that sends an artifact of a file elsewhere, None if none does.

    Args:
        tree_hash: Its tree.
        name: The name it is bound to.
        toml: The Artifacts.toml, as an absolute path.

    Raises:
        OverrideError: An Overrides.toml is not TOML.
    """
    folders = DepotStack.present().folders
    return find_override(tree_hash, folders, package=package_uuid(toml), name=name)


def override_findings(toml: Path) -> Iterator[Finding]:
    """Yield a note for each name of a file that is overridden on this machine.

    Raises:
        OverrideError: An Overrides.toml is not TOML.
        ArtifactsTomlError: The file can't be read.
    """
    folders = DepotStack.present().folders
    stated = overrides_in_effect(folders)
    package = package_uuid(str(toml.absolute())) if stated else None
    for element, place in entries_of(load_artifacts_toml(toml), toml) if stated else ():
        text = str(element.get("git-tree-sha1", "")).lower()
        found = stated.get((package, str(place.keys[0]))) or stated.get((None, text))
        if found is not None:
            where, back = explain_override(found, folders[0])
            yield Finding(
                path=toml,
                key=place.key,
                what=f"overridden to {found.value} by {where}",
                todo=f"`{back}` takes it back",
                harmless=True,
            )


def list_installed(
    *, all_depots: bool = True, sizes: bool = False
) -> tuple[Installed, ...]:
    """List the installed trees of the depots, by depot and hash.

    Args:
        all_depots: Whether to list those of all depots, rather than of the first.
        sizes: Whether to find out how much disk space each takes.

    Raises:
        DepotError: A depot can't be read.
        OverrideError: An Overrides.toml is not TOML.
    """
    stack = DepotStack.present()
    uses = ReferenceReader(stack, strict=False).read(stack.logs).uses
    stated = overrides_in_effect(stack.folders)
    found: list[Installed] = []
    for folder in stack.folders if all_depots else stack.folders[:1]:
        measure = TreeSizes(Path(folder)) if sizes else None
        try:
            for path, status in installed_trees(Path(folder)):
                tree_hash = TreeHash.parse(path.name)
                tree = Installed(
                    path=path,
                    tree_hash=tree_hash,
                    since=install_time(status),
                    uses=uses.get(tree_hash, ()),
                    override=stated.get((None, path.name)),
                    use_overrides=_use_overrides(uses.get(tree_hash, ()), stated),
                    size=measure.of(path) if measure else None,
                )
                found.append(tree)
        except OSError as error:
            where = error.filename or folder
            msg = f"{where}: can't be read: {error.strerror or error}"
            raise DepotError(msg) from error
        if measure:
            measure.save()
        _log.debug("%s: looked into, %d found so far", folder, len(found))
    return tuple(found)


def _use_overrides(
    uses: Sequence[Use], stated: Mapping[tuple[str | None, str], StatedOverride]
) -> dict[Use, StatedOverride]:
    """The lines that send these uses elsewhere since their package says so."""
    if not stated:
        return {}
    lines = {use: stated.get((package_uuid(str(use.toml)), use.name)) for use in uses}
    return {
        use: line for use, line in lines.items() if line is not None and line.package
    }
