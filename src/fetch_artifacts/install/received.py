"""Whether an archive that has arrived is the promised one, and if not, what it is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from fetch_artifacts.archive.doubts import doubts
from fetch_artifacts.archive.formats import FORMATS, julia_trouble
from fetch_artifacts.digests import require_archive
from fetch_artifacts.errors import NotAnArchiveError, TarballHashMismatchError
from fetch_artifacts.settings.pyproject import accepts_recompressed

if TYPE_CHECKING:
    from fetch_artifacts.archive.formats import ArchiveKind
    from fetch_artifacts.archive.unpack import UnpackedArchive
    from fetch_artifacts.digests import Sha256, TreeHash
    from fetch_artifacts.errors import UnpackError
    from fetch_artifacts.streams import HashedChunks

    class _Tree(Protocol):
        @property
        def tree_hash(self) -> TreeHash: ...
        @property
        def git_hash(self) -> TreeHash: ...
        @property
        def kind(self) -> ArchiveKind: ...


_log = logging.getLogger(__name__)

_DRAINED_AT_MOST: Final = 1 << 26  # bytes of a bad archive still read for its sha256
_RECOMPRESSED: Final = (
    "the tree in it is the right one, so it was compressed anew, as GitHub's source "
    "archives are at times; `fetch-artifacts doctor --fix` writes the new sha256, and "
    "accept-recompressed = true under [tool.fetch-artifacts] in pyproject.toml accepts "
    "whatever holds the right tree"
)


def unpack_failure(
    error: UnpackError, promised: Sha256 | None, hashed: HashedChunks, where: str
) -> UnpackError:
    """Give the error for bytes that can't be unpacked, with where they come from.

    Args:
        error: Why they can't.
        promised: The sha256 that they should have; None promises nothing.
        hashed: What came so far; the rest of it is read unless it is long.
        where: Where it comes from.

    Raises:
        TarballHashMismatchError: They are not the promised bytes, which says more; if
            they are not an archive at all, the message says what came.
    """
    if not hashed.drain(at_most=_DRAINED_AT_MOST):
        return error.at(where)
    note = ""
    if isinstance(error, NotAnArchiveError):
        note = f"received {hashed.size:,} bytes, {error.found}: {error.todo}"
    require_archive(promised, hashed.sha256(), where, note=note)
    return error.at(where, hashed.size)


def require_promised(
    promised: Sha256 | None,
    tree_hash: TreeHash | None,
    hashed: HashedChunks,
    unpacked: _Tree,
    where: str,
) -> None:
    """Make sure that what was unpacked came from the promised bytes.

    Args:
        promised: Their sha256; None promises nothing.
        tree_hash: The tree that they should hold, None where that is not known.
        hashed: All that came.
        unpacked: What it held.
        where: Where it comes from.

    Raises:
        TarballHashMismatchError: They are other bytes, and the project does not accept
            those that hold the right tree.
        SettingsError: What the project says of that can't be understood.
    """
    same_tree = tree_hash is not None and tree_hash in (
        unpacked.tree_hash,
        unpacked.git_hash,
    )
    note = ""
    if same_tree and FORMATS[unpacked.kind].julia is None:
        note = (
            f"the tree in it is the right one, but {julia_trouble(unpacked.kind)}; "
            "perhaps the server, or a proxy, decompresses what it sends"
        )
    elif same_tree:
        note = _RECOMPRESSED
    try:
        require_archive(promised, hashed.sha256(), where, note=note)
    except TarballHashMismatchError:
        if not (same_tree and accepts_recompressed(Path.cwd())):
            raise
        _log.warning(
            "%s: the sha256 is %s, not %s, but the tree is the right one; "
            "accept-recompressed lets it through",
            where,
            hashed.sha256(),
            promised,
        )


def warn_of_content(name: str, unpacked: UnpackedArchive, where: str) -> None:
    """Warn of what Julia can't install, and of doubtful content."""
    if FORMATS[unpacked.kind].julia is None:
        _log.warning(
            "%s: %s is a %s archive, which Julia can't install; publish a .tar.gz",
            name,
            where,
            unpacked.kind,
        )
    for doubt in doubts(unpacked):
        _log.warning("%s: %s: %s", name, where, doubt)
