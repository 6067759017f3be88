"""Which tree an archive holds, for the files that fetch-artifacts 0.1.0 left behind.

Their ``git-tree-sha1`` is the sha256 of the archive, so the tree is known only once the
archive was unpacked. A small file in the depot's logs folder remembers it, so that an
installed tree is found without the network.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from fetch_artifacts.depot.artifacts import log_folders
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import HashParseError
from fetch_artifacts.files.writing import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.digests import Sha256

_LOG: Final = logging.getLogger("fetch_artifacts")
_RECORD: Final = "fetch_artifacts_archives.toml"
_warned: Final[set[Sha256]] = set()


def _read(record: Path) -> dict[str, object]:
    import tomli

    try:
        return tomli.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # a memory aid: what it can't tell is found out again


def recorded_tree(archive: Sha256) -> TreeHash | None:
    """The tree that this archive was seen to hold, None if it was never seen."""
    for folder in log_folders():
        text = _read(folder / _RECORD).get(str(archive))
        if isinstance(text, str):
            try:
                return TreeHash.parse(text)
            except HashParseError:
                continue
    return None


def record_tree(archive: Sha256, tree_hash: TreeHash) -> None:
    """Remember which tree an archive holds, in the first depot.

    Raises:
        OSError: The depot can't be written.
    """
    import tomli_w

    folder = log_folders()[0]
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / _RECORD
    known = _read(record) | {str(archive): str(tree_hash)}
    write_atomically(record, tomli_w.dumps(known))


def warn_of_old_entry(entry: ArtifactEntry, tree_hash: TreeHash) -> None:
    """Tell, once per process, what the entry should say."""
    if entry.archive_sha256 is None or entry.archive_sha256 in _warned:
        return
    _warned.add(entry.archive_sha256)
    _LOG.warning(
        "%s: its git-tree-sha1 %s is the archive's sha256, so Julia can't install it; "
        "`fetch-artifacts doctor --fix` writes the true one, %s, into the file",
        entry.name,
        entry.git_tree_sha1,
        tree_hash,
    )
