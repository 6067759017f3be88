"""Reading an Artifacts.toml, and remembering it until it changes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fetch_artifacts import julia_toml
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    SpecialFileError,
)
from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.remembered import Remembered

if TYPE_CHECKING:
    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.platforms.matching import PlatformChoice

TomlDict: TypeAlias = dict[str, Any]


class _File:
    __slots__ = ("chosen", "table")

    def __init__(self, table: TomlDict) -> None:
        self.table = table
        # What was chosen last for each name, and for which platform.
        self.chosen: dict[str, tuple[PlatformChoice, ArtifactEntry]] = {}


def parse_artifacts_toml(data: bytes, path: Path) -> TomlDict:
    """Read the bytes of a file.

    Raises:
        ArtifactsTomlError: Julia could not read them.
    """
    try:
        return julia_toml.loads(data)
    except ValueError as error:
        msg = f"expected TOML: {error}"
        raise ArtifactsTomlError(msg, path=path) from error


def read_artifacts_toml(path: Path) -> TomlDict:
    """Read a file as it is now.

    Raises:
        ArtifactsTomlError: Julia could not read it, or it is a FIFO or a device.
        ArtifactsTomlNotFoundError: It is a folder.
        OSError: It can't be read.
    """
    try:
        data = read_regular(path)
    except SpecialFileError as error:
        if path.is_dir():
            raise not_there(path) from None
        raise ArtifactsTomlError(error.problem, path=path) from error
    return parse_artifacts_toml(data, path)


READ_AT: Final[dict[str, float]] = {}
"""When each file was read last, by the monotonic clock; it may have changed then."""


def _read(name: str) -> _File:
    path = Path(name)
    READ_AT[name] = time.monotonic()
    try:
        return _File(read_artifacts_toml(path))
    except (FileNotFoundError, NotADirectoryError):
        raise not_there(path) from None
    except OSError as error:
        msg = f"can't be read: {error.strerror or error}"
        raise ArtifactsTomlError(msg, path=path) from error


def not_there(path: Path) -> ArtifactsTomlNotFoundError:
    """The error for a file that was named and is missing."""
    found = "a folder without one" if path.is_dir() else "no such file"
    msg = f"{path}: expected an Artifacts.toml, found {found}"
    return ArtifactsTomlNotFoundError(msg, searched=[path])


FILES: Final = Remembered(_read)


def load_artifacts_toml(path: str | os.PathLike[str]) -> TomlDict:
    """Read a file; what was read is remembered until the file changes.

    The mapping must not be changed. Julia: ``load_artifacts_toml``.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: It can't be read, or Julia could not read it.
    """
    return FILES.get(os.fspath(path)).table
