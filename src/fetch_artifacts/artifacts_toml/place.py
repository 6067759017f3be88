"""Places in an Artifacts.toml: which keys lead there, and how an error names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fetch_artifacts.errors import ArtifactsTomlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fetch_artifacts.errors import HashParseError
    from fetch_artifacts.julia_toml.spans import KeyPath


class Place(NamedTuple):
    """Where in which file something stands.

    Attributes:
        path: The file, None where a table was given instead.
        keys: The keys that lead there; elements of arrays are counted from 0.
    """

    path: Path | None
    keys: KeyPath

    @classmethod
    def of(cls, name: str, path: Path | None) -> Place:
        """The place of an artifact."""
        return cls(path, (name,))

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.path, (*self.keys, key))

    @property
    def key(self) -> str:
        """The dotted key, as people read it: elements of arrays are counted from 1."""
        from fetch_artifacts.julia_toml.writer import dump_key

        name, *others = self.keys
        tails = (
            f"[{key + 1}]" if isinstance(key, int) else f".{dump_key(key)}"
            for key in others
        )
        return dump_key(str(name)) + "".join(tails)

    def error(self, message: str) -> ArtifactsTomlError:
        """The error that names this place."""
        return ArtifactsTomlError(message, path=self.path, context=self.key)

    def expected(
        self, what: str, table: Mapping[str, object], key: str
    ) -> ArtifactsTomlError:
        """The error for a value that is missing or of another type."""
        found = repr(table[key]) if key in table else "nothing"
        return (self / key).error(f"expected {what}, found {found}")

    def unparsed(self, key: str, error: HashParseError) -> ArtifactsTomlError:
        """The error for a value that is not a hash."""
        return (self / key).error(error.message.removeprefix(f"{key}: "))
