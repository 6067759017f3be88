"""Places in an Artifacts.toml, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.errors import ArtifactsTomlError
from fetch_artifacts.julia_toml.writer import dump_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fetch_artifacts.errors import HashParseError


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands, for error messages.

    Attributes:
        path: The file, None where a table was given instead.
        key: The dotted key, elements of arrays counted from 1.
    """

    path: Path | None
    key: str

    @classmethod
    def of(cls, name: str, path: Path | None) -> Place:
        """The place of an artifact."""
        return cls(path, dump_key(name))

    def __truediv__(self, part: str | int) -> Place:
        tail = f"[{part}]" if isinstance(part, int) else f".{part}"
        return Place(self.path, self.key + tail)

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
        """The error for a value that is no hash."""
        return (self / key).error(error.message.removeprefix(f"{key}: "))
