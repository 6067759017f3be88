"""Overrides of the names that a package binds, turned into overrides of trees.

Julia: ``process_overrides`` (Artifacts.jl:341-375).
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts import julia_toml
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.search import package_uuid
from fetch_artifacts.depot.overrides import load_overrides
from fetch_artifacts.depot.stack import DepotStack
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import HashParseError, OverrideError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.depot.overrides import Overrides


class PackageOverrides:
    """The packages whose overrides by name apply, and the trees that they bind.

    The overrides of a package apply once its Artifacts.toml was given to `add` or
    `add_file`, for all who use the same object. Any thread may use it.
    """

    def __init__(self) -> None:
        self._bound: dict[str, dict[str, frozenset[TreeHash]]] = {}
        self._lock = Lock()

    def add(
        self,
        package: object,
        table: Mapping[str, Any],
        path: Path | None = None,
        stated: Overrides | None = None,
    ) -> None:
        """Apply a package's overrides by name from now on.

        Args:
            package: The package's UUID.
            table: What its Artifacts.toml says.
            path: The file, for messages.
            stated: What the Overrides.toml say; those of the present depots if None.

        Raises:
            OverrideError: An Overrides.toml can't be followed, or a name that is
                overridden has an entry without a hash.
        """
        if stated is None:
            stated = load_overrides(DepotStack.present().folders)
        uuid = str(package).lower()
        names = stated.by_name.get(uuid, {}).keys() & table.keys()
        bound = {
            name: frozenset(bound_hashes(name, table[name], path)) for name in names
        }
        with self._lock:  # a new mapping each time: others may be reading the old one
            known = self._bound.get(uuid, {})
            joined = {
                name: trees | known.get(name, frozenset())
                for name, trees in bound.items()
            }
            self._bound = {**self._bound, uuid: {**known, **joined}}

    def add_file(self, toml: str, stated: Overrides | None = None) -> None:
        """Apply the overrides of the package that a file belongs to, if any.

        Julia: what ``artifact"name"`` does first (Artifacts.jl:560-565).

        Args:
            toml: The Artifacts.toml, as an absolute path.
            stated: What the Overrides.toml say; those of the present depots if None.

        Raises:
            OverrideError: As for `add`.
            ArtifactsTomlError: The file can't be read.
        """
        if stated is None:
            stated = load_overrides(DepotStack.present().folders)
        uuid = package_uuid(toml) if stated.by_name else None
        if uuid is not None:
            self.add(uuid, load_artifacts_toml(toml), Path(toml), stated)

    def applied_to(self, stated: Overrides) -> Overrides:
        """Add the packages' overrides by name to those by hash."""
        if stated.by_name:
            for package, bound in self._bound.items():
                stated = stated.for_package(package, bound)
        return stated

    def present(self) -> Overrides:
        """What all Overrides.toml say at this moment, packages' names included.

        Raises:
            OverrideError: An Overrides.toml can't be followed.
        """
        return self.applied_to(load_overrides(DepotStack.present().folders))


PROCESS_OVERRIDES: Final = PackageOverrides()
"""What applies to the whole process, as in Julia, unless another object is given."""


def bound_hashes(name: str, value: object, path: Path | None) -> Iterator[TreeHash]:
    """Give the hash of every entry of a name that is overridden, for all platforms.

    Args:
        name: The name.
        value: What it is bound to; what is neither a table nor an array binds nothing.
        path: The Artifacts.toml, for messages.

    Raises:
        OverrideError: An entry has no hash.
    """
    if not isinstance(value, (dict, list)):
        return
    for entry in value if isinstance(value, list) else [value]:
        text = entry.get("git-tree-sha1") if isinstance(entry, dict) else entry
        try:
            yield TreeHash.parse(text)  # type: ignore[arg-type] # it checks the type
        except HashParseError as error:
            where = f"{path or 'Artifacts.toml'}: {julia_toml.dump_key(name)}"
            msg = f"{where}: it is overridden, but one of its entries is wrong: {error}"
            raise OverrideError(msg) from error
