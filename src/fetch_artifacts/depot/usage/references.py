"""Which trees the Artifacts.toml files of the usage logs name, and under which names.

Julia: the part of ``gc`` that marks artifacts (Pkg.jl API.jl:585). A file counts as
long as it exists, whenever it was used last, and for every platform that it names.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.artifacts_toml.choosing import elements_of
from fetch_artifacts.artifacts_toml.entry import archive_hash
from fetch_artifacts.artifacts_toml.file import parse_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.depot.installed import known_tree
from fetch_artifacts.depot.usage.entries import UsageEntries, read_all
from fetch_artifacts.depot.usage.log import USAGE_TOML, local_now
from fetch_artifacts.depot.usage.packages import is_outdated
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import ArtifactsTomlError, DepotError, HashParseError
from fetch_artifacts.files.paths import hindrance, look_anew

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fetch_artifacts.depot.stack import DepotStack

_log = logging.getLogger(__name__)

_UNSETTLED: Final = 2_500_000_000  # nanoseconds; FAT keeps times in steps of 2 s
_LARGEST: Final = 1 << 28  # bytes

_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A name that a live Artifacts.toml binds to a tree.

    Attributes:
        toml: The file.
        name: The name.
    """

    toml: Path
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.toml}"


@dataclass(frozen=True, slots=True)
class References:
    """What all live files name.

    Attributes:
        uses: The uses of each tree.
        logs: What each log says, by its path.
        live: The files of the logs that exist, even if they can't be parsed.
    """

    uses: Mapping[TreeHash, tuple[Use, ...]]
    logs: Mapping[Path, UsageEntries]
    live: frozenset[str]


class ReferenceReader:
    """Reads usage logs and the files that they name; parses each file once.

    Args:
        stack: The depots, which know what the entries of fetch-artifacts 0.1.0 mean.
        strict: Whether what can't be read is an error rather than a warning.
    """

    def __init__(self, stack: DepotStack, *, strict: bool = True) -> None:
        self._stack = stack
        self._strict = strict
        self._parsed: dict[str, tuple[_Stamp, tuple[tuple[TreeHash, Use], ...]]] = {}
        self._warned: set[Path] = set()

    def read(self, log_folders: Iterable[str]) -> References:
        """Read the logs in these folders as they are now.

        Raises:
            ArtifactsTomlError: An entry of a file has no tree hash. Julia's gc stops
                there too: what else the file needs is not certain.
            DepotError: A log, or a file that may be live, can't be read.
        """
        logs: dict[Path, UsageEntries] = {}
        uses: dict[TreeHash, dict[Use, None]] = {}
        live = set()
        for folder in log_folders:
            log = Path(folder, USAGE_TOML)
            with self._tolerating(log):
                logs[log] = _read_log(log)
            for name in logs[log].latest if log in logs else ():
                with self._tolerating(Path(name)):
                    stamp = None if name in live else _stamp(name)
                    if stamp is None:
                        continue
                    live.add(name)
                    for tree_hash, use in self._uses(name, stamp):
                        uses.setdefault(tree_hash, {})[use] = None
        return References(
            {tree: tuple(sorted(found)) for tree, found in uses.items()},
            logs,
            frozenset(live),
        )

    @contextlib.contextmanager
    def _tolerating(self, path: Path) -> Iterator[None]:
        """Turn an error about a file into a warning, unless this is strict."""
        try:
            yield
        except (ArtifactsTomlError, DepotError) as error:
            if self._strict:
                raise
            self._warn(path, error)

    def _warn(self, path: Path, error: Exception) -> None:
        if path not in self._warned:
            self._warned.add(path)
            text = str(error).removeprefix(f"{path}: ")
            _log.warning("%s: %s; what it names is not kept", path, text)

    def _uses(self, name: str, stamp: _Stamp) -> tuple[tuple[TreeHash, Use], ...]:
        known = self._parsed.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        found = tuple(self._parse(Path(name)))
        if abs(time.time_ns() - stamp[0]) > _UNSETTLED:
            self._parsed[name] = stamp, found
        return found

    def _parse(self, toml: Path) -> Iterator[tuple[TreeHash, Use]]:
        for name, value in self._table(toml).items():
            for element, place in elements_of(value, Place.of(name, toml)):
                for tree_hash in self._trees(element, place):
                    yield tree_hash, Use(toml, name)

    def _table(self, toml: Path) -> dict[str, Any]:
        """What a file says; nothing, with a warning, if it is not TOML, as in Julia."""
        try:
            if toml.stat().st_size > _LARGEST:
                raise _unknown(toml, f"expected at most {_LARGEST >> 20} MB")
            return parse_artifacts_toml(toml.read_bytes(), toml)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unknown(toml, error) from error
        except (ArtifactsTomlError, RecursionError) as error:
            self._warn(toml, error)
            return {}

    def _trees(self, element: object, place: Place) -> Iterator[TreeHash]:
        if not isinstance(element, dict):
            raise place.error(f"expected a table, found {element!r}")
        if "git-tree-sha1" not in element:
            raise place.expected("40 hex digits", element, "git-tree-sha1")
        text = element["git-tree-sha1"]
        archive = archive_hash(element)
        if archive is not None:  # an entry of fetch-artifacts 0.1.0
            tree = known_tree(archive, self._stack)
            if tree is not None:
                yield tree
            if len(text) != 40:
                return
        try:
            yield TreeHash.parse(text)
        except HashParseError as error:
            raise place.unparsed("git-tree-sha1", error) from error


def _read_log(log: Path) -> UsageEntries:
    try:
        return read_all(log, local_now())
    except OSError as error:
        msg = (
            f"{log}: can't be read, so what is in use is not known: "
            f"{hindrance(log.parent, error)}"
        )
        raise DepotError(msg) from error


def _stamp(name: str) -> _Stamp | None:
    """What changes when a file does; None where there is no file that counts.

    Raises:
        DepotError: There may be one, but its status can't be read.
    """
    try:
        look_anew(os.path.dirname(name))
        status = os.stat(name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise _unknown(name, error) from error
    if not stat.S_ISREG(status.st_mode) or is_outdated(name):
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size


def _unknown(toml: object, error: OSError | str) -> DepotError:
    reason = error if isinstance(error, str) else error.strerror or error
    msg = (
        f"{toml}: what it names is in use, but it can't be read: {reason}; make it "
        "readable, or let a user who can read it do this"
    )
    return DepotError(msg)
