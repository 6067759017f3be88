"""What is odd about an archive that Julia nevertheless installs without a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.git_tools.objects import tree_digest
from fetch_artifacts.tar.member import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    class _Archive(Protocol):
        @property
        def tree_hash(self) -> TreeHash: ...
        @property
        def sparse(self) -> Sequence[bytes]: ...


_EMPTY: Final = TreeHash(tree_digest([], "git-sha1"))


def doubts(archive: _Archive) -> tuple[str, ...]:
    """Say what is odd about an archive's content, one sentence each."""
    empty = ("the archive holds no files",) if archive.tree_hash == _EMPTY else ()
    return (*empty, *sparse_doubts(archive))


def sparse_doubts(archive: _Archive) -> tuple[str, ...]:
    """Name the first members that are sparse files in GNU's pax format.

    Their content is a map of holes with the data between them, which Tar.jl unpacks as
    it stands.
    """
    if not archive.sparse:
        return ()
    names = ", ".join(map(printable, archive.sparse))
    doubt = (
        f"{names}: a sparse file in GNU's pax format, whose content neither Julia nor "
        "this package restores; make the archive with `fetch-artifacts create`, or "
        "with bsdtar --no-read-sparse"
    )
    return (doubt,)
