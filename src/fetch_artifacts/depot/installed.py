"""Whether the tree of an entry is installed, and where.

The ``git-tree-sha1`` in files that fetch-artifacts 0.1.0 wrote is the sha256 of the
archive, so the tree of such an entry is known only once the archive was unpacked. A
small file in the depot's logs folder remembers it; an installed tree is then found
without the network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import locate_tree
from fetch_artifacts.depot.package_overrides import PROCESS_OVERRIDES
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.digests import TreeHash, is_tree_hash
from fetch_artifacts.errors import HashParseError
from fetch_artifacts.files.toml_text import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import TreeLocation
    from fetch_artifacts.depot.package_overrides import PackageOverrides
    from fetch_artifacts.digests import Sha256

_KNOWN_ARCHIVES: Final = "fetch_artifacts_archives.toml"
_warned: Final[set[Sha256]] = set()


def tree_of(entry: ArtifactEntry, stack: DepotStack | None = None) -> TreeHash | None:
    """The tree of an entry, None for an old entry that was never installed."""
    if entry.archive_sha256 is None:
        return entry.tree_hash
    tree_hash = known_tree(entry.archive_sha256, stack)
    if tree_hash is not None:
        warn_of_old_entry(entry, tree_hash)
    return tree_hash


def locate_entry(
    entry: ArtifactEntry,
    stack: DepotStack | None = None,
    *,
    toml: str | None = None,
    packages: PackageOverrides = PROCESS_OVERRIDES,
) -> TreeLocation | None:
    """Find out where an entry's tree may be, None where that tree is not known.

    Args:
        entry: The entry.
        stack: Where to look; the present depots unless given.
        toml: The Artifacts.toml that it is from, whose package's overrides apply.
        packages: The packages whose overrides already apply.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    tree_hash = tree_of(entry, stack)
    if tree_hash is None:
        return None
    return locate_tree(tree_hash, stack, toml=toml, packages=packages)


def find_installed(entry: ArtifactEntry, *, toml: str | None = None) -> Path | None:
    """Give the folder of an entry's tree, None where no depot has it.

    Args:
        entry: The entry.
        toml: The Artifacts.toml that it is from, whose package's overrides apply.

    Raises:
        OverrideError: An Overrides.toml can't be followed.
    """
    location = locate_entry(entry, toml=toml)
    return None if location is None else location.installed()


def contents_of(entry: ArtifactEntry, tree: Path) -> Path:
    """Return where the users of an entry look for its files.

    That is the tree. fetch-artifacts 0.1.0 dropped a folder that was alone in its
    archive; for an entry that was written for it, that folder is given.

    Args:
        entry: The entry.
        tree: The folder of its tree.
    """
    if entry.archive_sha256 is None:
        return tree
    with os.scandir(tree) as found:
        inside = list(found)
    if len(inside) != 1 or not inside[0].is_dir(follow_symlinks=False):
        return tree
    return tree / inside[0].name


def known_tree(archive: Sha256, stack: DepotStack | None = None) -> TreeHash | None:
    """The tree that this archive was seen to hold, None if it was never seen."""
    for folder in (stack or DepotStack.present()).logs:
        try:
            content = Path(folder, _KNOWN_ARCHIVES).read_bytes()
            text = _parse(content).get(str(archive))
            return TreeHash.parse(text)  # type: ignore[arg-type] # it checks the type
        except (OSError, HashParseError):
            continue
    return None


def remember_tree(
    archive: Sha256, tree_hash: TreeHash, stack: DepotStack | None = None
) -> None:
    """Note in the first depot which tree an archive holds.

    Args:
        archive: The archive.
        tree_hash: Its tree.
        stack: The depots; the present ones unless given. There must be one.

    Raises:
        OSError: The depot can't be written.
    """
    import tomli_w

    from fetch_artifacts.files.rewriting import rewrite

    folder = (stack or DepotStack.present()).logs[0]
    os.makedirs(folder, exist_ok=True)
    rewrite(
        os.path.join(folder, _KNOWN_ARCHIVES),
        lambda content: tomli_w.dumps(
            _parse(content or b"") | {str(archive): str(tree_hash)}
        ),
        shared=True,
    )


def forget_trees(logs: Path, is_gone: Callable[[TreeHash], bool]) -> None:
    """Drop from a depot's memory the trees that are gone.

    Args:
        logs: The depot's folder of logs.
        is_gone: Whether a tree is.

    Raises:
        OSError: The memory can't be read or written.
    """
    import tomli_w

    from fetch_artifacts.files.rewriting import rewrite

    path = logs / _KNOWN_ARCHIVES
    if not path.is_file():
        return

    def forget(content: bytes | None) -> str | None:
        known = _parse(content or b"")
        kept = {
            archive: text
            for archive, text in known.items()
            if isinstance(text, str) and is_tree_hash(text)
            if not is_gone(TreeHash.parse(text))
        }
        return tomli_w.dumps(kept) if kept != known else None

    rewrite(path, forget, shared=True)


def warn_of_old_entry(entry: ArtifactEntry, tree_hash: TreeHash) -> None:
    """Warn once per process that an entry has the archive's hash, not the tree's."""
    if entry.archive_sha256 is None or entry.archive_sha256 in _warned:
        return
    import logging

    _warned.add(entry.archive_sha256)

    logging.getLogger(__name__).warning(
        "%s: its git-tree-sha1 %s is the archive's sha256, so Julia can't install it; "
        "`fetch-artifacts doctor --fix` writes the true one, %s, into the file",
        entry.name,
        entry.git_tree_sha1,
        tree_hash,
    )


def note_warned(entry: ArtifactEntry) -> None:
    """Warn no more of an old entry that is installed, as a fork has warned of it."""
    if entry.archive_sha256 is not None:
        _warned.add(entry.archive_sha256)


def _parse(content: bytes) -> dict[str, object]:
    try:
        return parse_toml(content.decode("utf-8"))
    except ValueError:
        return {}  # the tree is found out again at the next install
