"""Uncompressed tar archives, by the rules of Julia's Tar.jl.

Julia: ``Tar.create``, ``Tar.extract``, ``Tar.tree_hash`` and ``Tar.list``. Those that
read refuse the same archives. A path may be given in place of a file object.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.digests import TreeHash, check_algorithm
from fetch_artifacts.disk_tree import Limits
from fetch_artifacts.member_tree import HashTree, MemberTree, hash_tree
from fetch_artifacts.pack import tar_chunks
from fetch_artifacts.tar_reader import read_members
from fetch_artifacts.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from fetch_artifacts.member import Member

    StrPath: TypeAlias = str | os.PathLike[str]

_CHUNK_BYTES: Final = 1 << 18
_NO_LIMITS: Final = Limits(max_size=sys.maxsize, max_members=sys.maxsize)


def create(
    directory: StrPath, fileobj: IO[bytes] | StrPath, *, portable: bool = False
) -> None:
    """Write the tar archive of what is in a folder; the same tree, the same bytes.

    Julia: ``Tar.create``. A file object is left open; a path is removed again when the
    archive can't be completed.

    Args:
        directory: The folder.
        fileobj: What to write to.
        portable: Refuse names that Windows can't store.

    Raises:
        UnhashableFileError: The folder holds something that is neither file nor folder
            nor link, that can't be read, or that changes meanwhile.
        UnportableNameError: A name can't be stored on Windows.
        OSError: The folder is none, or the archive can't be written.
    """
    chunks = tar_chunks(Path(directory), portable=portable)
    if not isinstance(fileobj, str | os.PathLike):
        fileobj.writelines(chunks)
        return
    path = Path(fileobj)
    with path.open("wb") as file:
        try:
            file.writelines(chunks)
        except BaseException:
            path.unlink()
            raise


def extract(
    fileobj: IO[bytes] | StrPath,
    directory: StrPath,
    *,
    copy_symlinks: bool | None = None,
) -> Path:
    """Unpack a tar archive into a folder; gives the folder.

    Julia: ``Tar.extract``.

    Args:
        fileobj: The archive.
        directory: An empty folder, or one to be made in an existing one.
        copy_symlinks: Make copies in place of symbolic links; None: only where the
            file system has none.

    Raises:
        UnpackError: The archive is damaged, or asks for something that is not allowed.
            Everything is as it was before.
        OSError: The folder is not empty, or can't be written.
    """
    path = Path(directory)
    made = not path.is_dir()
    if made:
        path.mkdir()
    elif any(path.iterdir()):
        msg = f"{path}: expected an empty folder; give the name of a new one"
        raise FileExistsError(msg)
    try:
        with contextlib.closing(_chunks(fileobj)) as chunks:
            unpack(chunks, path, limits=_NO_LIMITS, copy_symlinks=copy_symlinks)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):  # the first error says more
                path.rmdir()
        raise
    return path


def tree_hash(
    fileobj: IO[bytes] | StrPath,
    *,
    algorithm: str = "git-sha1",
    skip_empty: bool = False,
) -> TreeHash:
    """Hash the tree in a tar archive as git would, with its empty folders.

    Julia: ``Tar.tree_hash``. What artifacts are known by is the hash of their folder,
    `fetch_artifacts.tree_hash`: that one skips empty folders and whatever is called
    ``.git``, and counts the length of links outside ASCII in another way.

    Args:
        fileobj: The archive.
        algorithm: ``"git-sha1"`` or ``"git-sha256"``.
        skip_empty: Leave out folders with no file at any depth, as git does.

    Raises:
        UnpackError: `extract` would refuse the archive.
        ValueError: There is no such algorithm.
    """
    tree = HashTree(check_algorithm(algorithm))
    with contextlib.closing(_chunks(fileobj)) as chunks:
        for member in read_members(chunks):
            tree.add(member)
    return TreeHash(hash_tree(tree.root, tree.algorithm, skip_empty=skip_empty))


def members(fileobj: IO[bytes] | StrPath) -> Iterator[Member]:
    """Give what is in a tar archive, in its order, without unpacking it.

    Julia: ``Tar.list``, but this refuses all that `extract` refuses.

    Raises:
        UnpackError: `extract` would refuse the archive.
    """
    tree = _Names()
    with contextlib.closing(_chunks(fileobj)) as chunks:
        for member in read_members(chunks):
            tree.add(member)
            yield member


class _Names(MemberTree):
    """The tree without its contents."""

    def put_file(self, member: Member) -> bytes:  # noqa: ARG002
        """Leave the content to whoever gets the member."""
        return b""


def _chunks(fileobj: IO[bytes] | StrPath) -> Generator[bytes, None, None]:
    with contextlib.ExitStack() as stack:
        if isinstance(fileobj, str | os.PathLike):
            fileobj = stack.enter_context(open(fileobj, "rb"))  # noqa: PTH123
        while chunk := fileobj.read(_CHUNK_BYTES):
            yield chunk
