"""Records of what a file system keeps of the trees that it can't keep whole.

Where execute bits or symbolic links can't be kept (FAT, exFAT, NTFS, Windows), the hash
of an installed tree differs from its name. Its actual hash is known when it is
unpacked, and is recorded in the logs folder, where no gc looks for orphans: one small
file for each such tree, named ``<hash>``, holds the hash of what is there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Final

from fetch_artifacts.digests import TreeHash
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.tar.file_modes import KeptTree

_log = logging.getLogger(__name__)

_RECORDS: Final = "fetch_artifacts_kept"
_MODES: Final = "with modes"
_NO_MODES: Final = "without modes"
_AT_MOST: Final = 128  # bytes that are read
_NEW_FOR: Final = 24 * 60 * 60.0  # seconds for which a record may wait for its tree


def note_kept(tree: Path, kept: KeptTree | None, logs: str) -> None:
    """Note what a file system keeps of a tree that is to be installed.

    Where that can't be written, `verify` can't tell later whether the tree is intact.

    Args:
        tree: Where it will be.
        kept: What is kept; None for all of it.
        logs: The folder for logs beside it.
    """
    record = Path(logs, _RECORDS, tree.name)
    if kept is None:
        with contextlib.suppress(OSError):
            os.unlink(record)  # it is of an earlier tree, which was not kept whole
        return
    from fetch_artifacts.files.writing import write_atomically

    text = f"{kept.tree_hash} {_MODES if kept.modes else _NO_MODES}\n"
    try:
        os.makedirs(record.parent, exist_ok=True)
        write_atomically(record, text, shared=True)
    except OSError as error:
        _log.warning("%s: can't note what is kept of %s: %s", record, tree, error)


def kept_of(tree: Path) -> KeptTree | None:
    """Give what is noted of an installed tree, None if nothing is.

    Args:
        tree: Its folder, in a depot's ``artifacts`` or in a folder that was chosen.
    """
    for above in (tree.parent.parent, tree.parent):
        with contextlib.suppress(OSError, ValueError):
            content = _read(above / "logs" / _RECORDS, tree.name)
            digits, _, how = content.decode().strip().partition(" ")
            if how in {_MODES, _NO_MODES}:
                return KeptTree(TreeHash.parse(digits), how == _MODES)
    return None


def _read(records: Path, name: str) -> bytes:
    with Folder.hold_shared(records) as folder:
        handle = folder.open_regular(name)
        try:
            return os.read(handle, _AT_MOST)
        finally:
            os.close(handle)


def forget_kept(depot: Path) -> None:
    """Remove what is noted of a depot's trees that are gone.

    What can't be removed stays.
    """
    records = depot / "logs" / _RECORDS
    with contextlib.suppress(OSError):
        for name in os.listdir(records):
            record = records / name
            old = time.time() - record.lstat().st_mtime > _NEW_FOR
            if old and not (depot / "artifacts" / name).is_dir():
                record.unlink()
