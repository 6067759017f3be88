"""Uncompressed tar archives, by the rules of Julia's Tar.jl.

Julia: ``Tar.create``, ``Tar.list``, ``Tar.extract``, ``Tar.rewrite`` and
``Tar.tree_hash``. The readers refuse the same archives, except that `tree_hash` takes
some that can't be extracted, as Tar.jl does. A path may be given in place of a
file object. A ``predicate`` says of each member whether it counts; members that can't
be read are refused before it sees them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, overload

from fetch_artifacts.archive.formats import FORMATS
from fetch_artifacts.archive.kind import HEAD_BYTES, sniff
from fetch_artifacts.digests import TreeHash, check_algorithm
from fetch_artifacts.errors import ArgumentTypeError, UnpackError
from fetch_artifacts.files.file_objects import (
    place_of_file,
    read_chunks,
    require_binary,
    write_all,
)
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.files.scratch import kept_folder, naming_the_place
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.git_tools.memory_tree import root_digest
from fetch_artifacts.git_tools.tree_rules import TAR_RULES
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.tar.extract import read_ahead, unpack_members
from fetch_artifacts.tar.limits import NO_LIMITS
from fetch_artifacts.tar.member_tree import HashTree, MemberTree
from fetch_artifacts.tar.reader import read_members
from fetch_artifacts.tar.rewrite import rewritten
from fetch_artifacts.tar.writer import require_folder, require_outside, tar_chunks

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterable, Iterator

    from fetch_artifacts.tar.limits import UnpackLimits
    from fetch_artifacts.tar.member import Buffer, Member

    StrPath: TypeAlias = str | os.PathLike[str]


@overload
def create(
    directory: StrPath,
    fileobj: StrPath | None = None,
    *,
    portable: bool = False,
    predicate: Callable[[Path], bool] | None = None,
) -> Path: ...


@overload
def create(
    directory: StrPath,
    fileobj: IO[bytes],
    *,
    portable: bool = False,
    predicate: Callable[[Path], bool] | None = None,
) -> IO[bytes]: ...


def create(
    directory: StrPath,
    fileobj: IO[bytes] | StrPath | None = None,
    *,
    portable: bool = False,
    predicate: Callable[[Path], bool] | None = None,
) -> Path | IO[bytes]:
    """Write the tar archive of what is in a folder; the same tree gives the same bytes.

    Julia: ``Tar.create``. A file object is left open. A file at a path is replaced once
    the archive is complete; a device or a FIFO is written to.

    Args:
        directory: The folder.
        fileobj: What to write to; a new temporary file unless given.
        portable: Refuse names that Windows can't store.
        predicate: Whether a path below the folder belongs into the archive; where a
            folder doesn't, nothing in it does.

    Returns:
        The path of the archive, or the file object that it was written to.

    Raises:
        ArchiveError: It is not a folder, or the archive would be in it.
        UnhashableFileError: The folder holds something that is neither file nor folder
            nor link, that can't be read, or that changes meanwhile.
        UnportableNameError: A name can't be stored on Windows.
        TypeError: ``fileobj`` is neither a path nor a binary file object.
        DepotError: There is no place for temporary files, or it is full.
        OSError: The archive can't be written.
    """
    require_folder(directory)
    chunks = tar_chunks(Path(directory), portable=portable, predicate=predicate)
    place = _place_of(fileobj)
    if place is not None:
        require_outside(Path(directory), place)
    return _written(chunks, fileobj)


def rewrite(
    fileobj: IO[bytes] | StrPath,
    new: IO[bytes] | StrPath | None = None,
    *,
    portable: bool = False,
    predicate: Callable[[Member], bool] | None = None,
) -> Path | IO[bytes]:
    """Write an archive again in the layout of `create`, without unpacking it.

    Julia: ``Tar.rewrite``. The contents of files pass through a temporary file.

    Args:
        fileobj: The archive.
        new: What to write to; a new temporary file unless given.
        portable: Refuse names that Windows can't store.
        predicate: Whether a member counts.

    Returns:
        The path of the new archive, or the file object that it was written to.

    Raises:
        UnpackError: `extract` would refuse the archive.
        UnportableNameError: A name can't be stored on Windows.
        TypeError: An archive is neither a path nor a binary file object.
        DepotError: There is no place for temporary files, or it is full.
        OSError: The archive can't be written.
    """
    with _archive(fileobj) as chunks, contextlib.ExitStack() as stack:
        with naming_the_place():
            content = stack.enter_context(tempfile.TemporaryFile())
        counted = _counted(read_members(chunks), predicate)
        pieces = rewritten(counted, content, limits=_limits(), portable=portable)
        return _written(pieces, new)


def extract(
    fileobj: IO[bytes] | StrPath,
    directory: StrPath | None = None,
    *,
    copy_symlinks: bool | None = None,
    predicate: Callable[[Member], bool] | None = None,
) -> Path:
    """Unpack a tar archive into a folder, and give the folder.

    Julia: ``Tar.extract``.

    Args:
        fileobj: The archive.
        directory: An empty folder, or one to be made in an existing one; a new
            temporary folder unless given.
        copy_symlinks: Make copies in place of symbolic links; None: only where the
            file system has none.
        predicate: Whether a member counts.

    Raises:
        UnpackError: The archive is damaged, or asks for something that is not allowed.
            Everything is as it was before.
        ArgumentTypeError: An argument is of another type.
        DepotError: There is no place for temporary files, or it is full.
        OSError: The folder is not empty, or can't be written.
    """
    if not isinstance(copy_symlinks, bool | None):
        raise ArgumentTypeError(
            f"copy_symlinks: expected True, False or None, found {copy_symlinks!r}"
        )
    if directory is None:
        with kept_folder() as folder:
            return extract(
                fileobj, folder, copy_symlinks=copy_symlinks, predicate=predicate
            )
    with _archive(fileobj) as chunks, read_ahead(chunks) as found:
        path = Path(directory)
        made = _prepare(path)
        counted = _counted(found, predicate)
        try:
            unpack_members(counted, path, limits=_limits(), copy_symlinks=copy_symlinks)
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
    predicate: Callable[[Member], bool] | None = None,
) -> TreeHash:
    """Hash the tree in a tar archive as git would, with its empty folders.

    Julia: ``Tar.tree_hash``. Artifacts are known by the hash of their folder,
    `fetch_artifacts.tree_hash`, which skips empty folders and whatever is called
    ``.git``, and hashes links outside ASCII differently.

    Args:
        fileobj: The archive.
        algorithm: ``"git-sha1"`` or ``"git-sha256"``.
        skip_empty: Leave out folders with no file at any depth, as git does.
        predicate: Whether a member counts.

    Raises:
        UnpackError: The archive is damaged, or a member is not allowed. A path through
            an earlier file, and a hard link in place of the folder that its file is
            in, are taken, as by Tar.jl; `extract` refuses them.
        ArgumentError: There is no such algorithm (a ValueError).
        TypeError: The archive is neither a path nor a binary file object.
    """
    tree = HashTree(check_algorithm(algorithm), limits=_limits())
    with _archive(fileobj) as chunks:
        for member in _counted(read_members(chunks), predicate):
            tree.add(member)
    rules = TAR_RULES._replace(skip_empty=skip_empty)
    return TreeHash(root_digest(tree.root, tree.algorithm, rules))


def members(fileobj: IO[bytes] | StrPath) -> Iterator[Member]:
    """Give what is in a tar archive, in its order, without unpacking it.

    Julia: ``Tar.list`` with a callback, but this refuses all that `extract` refuses. A
    member's `pieces` can be read once, until the next member is asked for; then they
    are empty, and a list of all members does not hold the archive.

    Raises:
        UnpackError: `extract` would refuse the archive.
        TypeError: The archive is neither a path nor a binary file object.
    """
    tree = _Names(limits=_limits())
    with _archive(fileobj) as chunks:
        for member in read_members(chunks):
            tree.add(member)
            pieces = _Lent(member.pieces)
            yield member._replace(pieces=pieces)
            pieces.take_back()


def list(fileobj: IO[bytes] | StrPath) -> builtins.list[Member]:  # noqa: A001 - Tar's
    """List what is in a tar archive, in its order, without any content.

    Julia: ``Tar.list``; `members` gives them one by one.

    Raises:
        UnpackError: `extract` would refuse the archive.
        TypeError: The archive is neither a path nor a binary file object.
    """
    return [member._replace(pieces=()) for member in members(fileobj)]


def _counted(
    found: Iterable[Member], predicate: Callable[[Member], bool] | None
) -> Iterable[Member]:
    return found if predicate is None else filter(predicate, found)


def _place_of(fileobj: IO[bytes] | StrPath | None) -> Path | None:
    """Give the path that will be written to, None where it isn't known."""
    if isinstance(fileobj, str | os.PathLike):
        return Path(fileobj)
    if fileobj is None:
        return None
    require_binary(fileobj, "write")
    return place_of_file(fileobj)


def _written(
    pieces: Iterable[bytes], fileobj: IO[bytes] | StrPath | None
) -> Path | IO[bytes]:
    """Write an archive to a file object, or to a file that then takes its place."""
    if fileobj is None:
        with naming_the_place():
            handle, name = tempfile.mkstemp(suffix=".tar")
            os.close(handle)
            try:
                return _written(pieces, name)
            except BaseException:
                Path(name).unlink()
                raise
    if isinstance(fileobj, str | os.PathLike):
        with replacing(Path(fileobj)) as file:
            file.writelines(pieces)
        return Path(fileobj)
    require_binary(fileobj, "write")
    for piece in pieces:
        write_all(fileobj, piece)
    return fileobj


class _Lent:
    """The content of a member, which is empty once it has been taken back."""

    def __init__(self, pieces: Iterable[Buffer]) -> None:
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[Buffer]:
        return self

    def __next__(self) -> Buffer:
        return next(self._pieces)

    def take_back(self) -> None:
        self._pieces = iter(())


class _Names(MemberTree):
    """The tree without its contents."""

    def put_file(self, member: Member) -> bytes:
        """Leave the content to whoever gets the member."""
        del member
        return b""


def _limits() -> UnpackLimits:
    """Tar.jl has no limits; here only the number of names, so memory, is limited."""
    names = Settings.from_environ().max_names
    return dataclasses.replace(NO_LIMITS, max_names=names)


def _prepare(path: Path) -> bool:
    """Make sure that a folder is there and empty; return whether it is new."""
    if not os.path.lexists(path):
        path.mkdir()
        return True
    if not path.is_dir():
        found = "a file"
    elif any(path.iterdir()):
        found = "a full one"
    else:
        return False
    msg = f"{path}: expected an empty folder, found {found}; give the name of a new one"
    raise FileExistsError(msg)


@contextlib.contextmanager
def _archive(fileobj: IO[bytes] | StrPath) -> Iterator[Iterator[bytes]]:
    """Give the chunks of an archive; if it is compressed, the error says so."""
    where = ""
    with contextlib.ExitStack() as stack:
        if isinstance(fileobj, str | os.PathLike):
            where = f"{os.fspath(fileobj)}: "
            fileobj = stack.enter_context(open_regular(fileobj))
        require_binary(fileobj, "read")
        chunks = read_chunks(fileobj)
        head = next(chunks, b"")
        try:
            yield itertools.chain((head,), chunks)
        except UnpackError as error:
            # A member at fault shows a tar archive, whatever its first bytes look like.
            if not error.member and (name := _compression_name(head)):
                msg = (
                    f"{where}expected an uncompressed tar archive, found {name} data; "
                    "decompress it first (`fetch-artifacts hash` takes it as it is)"
                )
                raise UnpackError(msg) from error
            raise


def _compression_name(head: bytes) -> str:
    """The name of what an archive is compressed with, "" where it isn't."""
    try:
        kind = sniff(head[:HEAD_BYTES])
    except UnpackError:
        return ""
    return "" if kind == "tar" else FORMATS[kind].name
