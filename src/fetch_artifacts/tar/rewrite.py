"""An archive in the layout that ``create`` gives, without unpacking it.

Julia: ``Tar.rewrite``. What is refused is what extract refuses.
"""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Final

from fetch_artifacts.git_tools.memory_tree import file_mode, symlink_target
from fetch_artifacts.git_tools.objects import EXECUTABLE
from fetch_artifacts.streams import gathered
from fetch_artifacts.tar.header import file_record, folder_record, link_record
from fetch_artifacts.tar.member import require_portable
from fetch_artifacts.tar.member_tree import MemberTree, whole_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetch_artifacts.git_tools.memory_tree import Folder, Leaf
    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Member

_READ_BYTES: Final = 1 << 20
_PLACE: Final = struct.Struct("<QQ")  # where a content begins, and its length


def rewritten(
    members: Iterable[Member],
    content: IO[bytes],
    *,
    limits: UnpackLimits,
    portable: bool = False,
) -> Iterator[bytes]:
    """Give the archive of members in the layout of ``create``, in pieces.

    Args:
        members: The members of an archive.
        content: An empty file, for the contents of files.
        limits: How much they may hold.
        portable: Refuse names that Windows can't store.

    Raises:
        UnpackError: The members are not allowed.
        UnportableNameError: A name can't be stored on Windows.
    """
    tree = _SpooledTree(content, limits)
    for member in members:
        tree.add(member)
    yield from gathered(_records(tree.root, content, portable=portable))


class _SpooledTree(MemberTree):
    """The tree with the places of the files' contents in place of their digests."""

    def __init__(self, content: IO[bytes], limits: UnpackLimits) -> None:
        super().__init__(limits=limits)
        self._content = content

    def put_file(self, member: Member) -> bytes:
        """Copy a file's content, and give its place.

        Raises:
            UnpackError: There is more of it, or less, than the archive says.
        """
        place = _PLACE.pack(self._content.tell(), member.size)
        self._content.writelines(whole_content(member))
        return place


def _records(root: Folder, content: IO[bytes], *, portable: bool) -> Iterator[bytes]:
    waiting = _children(root, b"")
    if not waiting:
        yield folder_record(b".")
    while waiting:
        path, node = waiting.pop()
        if portable:
            require_portable(path, path)
        if isinstance(node, dict):
            yield folder_record(path)
            waiting += _children(node, path + b"/")
        elif (link := symlink_target(node)) is not None:
            yield link_record(path, link)
        else:
            start, size = _PLACE.unpack(node[1:])
            runs = file_mode(node) == EXECUTABLE
            body = _read(content, start, size)
            yield from file_record(path, size, body, executable=runs)


def _children(folder: Folder, prefix: bytes) -> list[tuple[bytes, Folder | Leaf]]:
    """The paths in a folder with what is there, the last one first."""
    return [(prefix + name, folder[name]) for name in sorted(folder, reverse=True)]


def _read(content: IO[bytes], start: int, size: int) -> Iterator[bytes]:
    content.seek(start)
    while size:
        piece = content.read(min(size, _READ_BYTES))
        size -= len(piece)
        yield piece
