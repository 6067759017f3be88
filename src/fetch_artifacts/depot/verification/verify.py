"""Finding out whether a folder is still the tree that its name promises."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

from fetch_artifacts.depot.verification.records import kept_of
from fetch_artifacts.files.folder import Folder, outlast_stale
from fetch_artifacts.git_tools.files import unreadable
from fetch_artifacts.git_tools.tree_hash import hash_without_modes, verify_directory
from fetch_artifacts.tar.file_modes import FileModes

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.digests import TreeHash


def fault_of(tree: Path, expected: TreeHash) -> str:
    """Say what is wrong with an installed tree, "" where nothing is.

    Where the file system keeps no execute bits or links, it is compared with the record
    that was made when it was installed.

    Args:
        tree: Its folder.
        expected: Its name.

    Raises:
        UnhashableFileError: It holds what has no git hash, can't be read, or changes.
        NotAFolderError: The path is not a folder.
    """
    try:
        return outlast_stale(lambda: _fault_of(tree, expected))
    except OSError as error:
        raise unreadable(os.fsencode(tree), error) from error


def _fault_of(tree: Path, expected: TreeHash) -> str:
    kept = kept_of(tree)
    if kept is not None and not kept.modes and not _keeps_modes(tree.parent):
        found = hash_without_modes(tree, algorithm=expected.algorithm)
        if found == kept.tree_hash:
            return ""
        expectation = f"expected {kept.tree_hash} without execute bits"
        return f"{expectation}, which this file system doesn't keep, found {found}"
    found = verify_directory(tree, expected)
    if found == expected or (kept is not None and kept == (found, True)):
        return ""
    fault = f"expected {expected}, found {found}"
    if kept is None and not _keeps_modes(tree.parent):
        fault += (
            "; this file system keeps no execute bits, and there is no record of which "
            "files had one, so it may be undamaged"
        )
    return fault


@lru_cache(maxsize=32)
def _keeps_modes(artifacts: Path) -> bool:
    """Whether a file system keeps execute bits, tried out with a file.

    Where no file can be made, the records of its trees decide.
    """
    try:
        with Folder.hold_shared(artifacts) as folder:
            return FileModes.probe(folder, name=f"jl_{secrets.token_hex(8)}").kept
    except OSError:
        return False
