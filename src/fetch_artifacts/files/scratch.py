"""Temporary folders and files; errors name the place, and the next run cleans up."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import DepotError, FetchArtifactsError
from fetch_artifacts.files.locks.lock_file import hold_by_system, may_be_alive
from fetch_artifacts.files.removing import OPEN_FOLDER, remove_tree
from fetch_artifacts.files.writing import OF_SPACE, naming_what_is_full

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = ".fetch-artifacts-{host}-{pid}-{random}"
_OF_WRITES: Final = OF_SPACE | {errno.EIO, errno.EROFS}
_PID: Final = re.compile(r"([0-9]{1,10})-[0-9a-f]{16}")


@contextlib.contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give an empty folder that is removed at the end, or else by the next run.

    A fork of this process that gets to the end leaves it alone.

    Args:
        parent: Where it is made; where the system has temporary files unless given.

    Raises:
        DepotError: There is no place for temporary files, or it is full.
        OSError: The folder can't be made in the one given, or that is full.
    """
    if parent is None:
        with naming_the_place() as place, scratch_folder(place) as folder:
            yield folder
        return
    prefix = _NAME.partition("{pid}")[0].format(host=socket.gethostname())
    _sweep(parent, prefix)
    pid = os.getpid()
    folder = parent / f"{prefix}{pid}-{os.urandom(8).hex()}"
    folder.mkdir(0o700)
    lock = os.open(folder, OPEN_FOLDER) if os.name != "nt" else -1
    try:
        if lock >= 0:
            hold_by_system(lock)
        with naming_what_is_full(parent):
            yield folder
    finally:
        if os.getpid() == pid:
            with contextlib.suppress(OSError):
                remove_tree(folder)
        if lock >= 0:
            os.close(lock)


@contextlib.contextmanager
def kept_folder(prefix: str = "tmp") -> Iterator[Path]:
    """Give a new temporary folder that stays, unless the block fails.

    Args:
        prefix: What its name begins with.

    Raises:
        DepotError: There is no place for temporary files, or it is full.
    """
    import tempfile

    with naming_the_place():
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            yield folder
        except BaseException:
            with contextlib.suppress(OSError):
                remove_tree(folder)
            raise


@contextlib.contextmanager
def naming_the_place() -> Iterator[Path]:
    """Give the folder for temporary files, and let errors in the block name it.

    Raises:
        DepotError: There is none, or it is full, or can't be written.
    """
    import tempfile

    place = ""
    try:
        place = tempfile.gettempdir()
        yield Path(place)
    except FetchArtifactsError:
        raise
    except OSError as error:
        if place and not _is_of(place, error):
            raise
        reason = error.strerror or str(error)
        hint = "free some space there, or set TMPDIR to a folder that you can write"
        where = place or "the folder for temporary files"
        msg = f"{where}: no temporary file can be written: {reason}; {hint}"
        raise DepotError(msg) from error


def _is_of(place: str, error: OSError) -> bool:
    """Whether an error is about a folder, a file in it, or a write to some file."""
    if error.filename is None:
        return error.errno in _OF_WRITES
    folder = os.path.join(place, "")
    names = (error.filename, error.filename2)
    return any(os.path.join(str(name), "").startswith(folder) for name in names)


def _sweep(parent: Path, prefix: str) -> None:
    """Remove what dead processes of this host left in a folder."""
    with contextlib.suppress(OSError):
        for name in os.listdir(parent):
            pid = _PID.fullmatch(name.removeprefix(prefix))
            if not name.startswith(prefix) or pid is None:
                continue
            if not may_be_alive(int(pid[1]), ""):
                with contextlib.suppress(OSError):
                    _remove_abandoned(parent / name)


def _remove_abandoned(folder: Path) -> None:
    if os.name == "nt":
        shutil.rmtree(folder)
        return
    lock = os.open(folder, OPEN_FOLDER | os.O_NOFOLLOW)
    try:  # another container has other process numbers
        if os.fstat(lock).st_uid == os.geteuid() and hold_by_system(lock) is not False:
            remove_tree(folder)
    finally:
        os.close(lock)
