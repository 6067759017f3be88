"""One artifact of an Artifacts.toml for one platform, parsed and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import ArtifactsTomlError, HashParseError
from fetch_artifacts.julia_toml import dump_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fetch_artifacts.platforms import Platform

# The keys that mean the same in every entry; the others are its metadata.
_KNOWN_KEYS: Final = frozenset({"git-tree-sha1", "lazy", "download", "os", "arch"})
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f]+")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadSource:
    """Where an archive can be had.

    Attributes:
        url: Its address.
        sha256: The hash of its bytes.
        size: Their number, None where it is not known. Julia 1.13 writes it, no
            version reads it.
    """

    url: str
    sha256: Sha256
    size: int | None = None

    @classmethod
    def from_entry(cls, source: object, place: Place) -> DownloadSource:
        """Read one element of ``download``.

        Raises:
            ArtifactsTomlError: It has no valid url, sha256 or size.
        """
        if not isinstance(source, dict):
            raise place.error(f"expected a table, found {source!r}")
        url, size = source.get("url"), source.get("size")
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise place.expected(
                "a URL such as https://host/file.tar.gz", source, "url"
            )
        if size is not None and (type(size) is not int or size < 0):
            raise place.expected("a number of bytes", source, "size")
        if "sha256" not in source:
            raise place.expected("64 hex digits", source, "sha256")
        try:
            sha256 = Sha256.parse(source["sha256"])
        except HashParseError as error:
            raise place.unparsed("sha256", error) from None
        return cls(url=url, sha256=sha256, size=size or None)

    def to_entry(self) -> dict[str, str | int]:
        """The element of ``download`` that says this.

        As Julia 1.13, which leaves out a size that is not known.
        """
        entry: dict[str, str | int] = {"sha256": str(self.sha256), "url": self.url}
        return {**entry, "size": self.size} if self.size else entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactEntry:
    """One artifact of an Artifacts.toml for one platform.

    fetch-artifacts 0.1.0 let people write the archive's sha256, or the first 40 digits
    of it, as ``git-tree-sha1``. Julia refuses the first and finds no such tree for the
    second. In such an entry `tree_hash` is None and `archive_sha256` is not; which
    tree it means is known once the archive has been unpacked.

    Attributes:
        name: The name it is bound to.
        git_tree_sha1: The ``git-tree-sha1`` as it is written.
        tree_hash: The hash of its tree, None in an old entry.
        archive_sha256: In an old entry, the sha256 of the archive; None in others.
        lazy: Whether it is installed on first use only.
        platform: What it is built for, None where it suits every platform.
        metadata: All other keys with their values, platform tags but ``os`` and
            ``arch`` among them.
    """

    name: str
    git_tree_sha1: str
    tree_hash: TreeHash | None
    archive_sha256: Sha256 | None
    lazy: bool
    platform: Platform | None
    metadata: Mapping[str, Any]
    _sources: tuple[tuple[object, Place], ...] = field(repr=False)

    @classmethod
    def from_entry(
        cls,
        name: str,
        entry: Mapping[str, Any],
        platform: Platform | None,
        place: Place,
    ) -> ArtifactEntry:
        """Read the table of one entry, all but its sources.

        Raises:
            ArtifactsTomlError: It has no valid ``git-tree-sha1``, or another key that
                is known has a value of another type.
        """
        lazy = entry.get("lazy", False)
        if not isinstance(lazy, bool):
            raise place.expected("true or false", entry, "lazy")
        download = entry.get("download", [])
        if not isinstance(download, list):
            raise place.expected("an array of tables", entry, "download")
        tree_hash, archive_sha256 = _read_hash(entry, place)
        return cls(
            name=name,
            git_tree_sha1=entry["git-tree-sha1"],
            tree_hash=tree_hash,
            archive_sha256=archive_sha256,
            lazy=lazy,
            platform=platform,
            metadata={k: v for k, v in entry.items() if k not in _KNOWN_KEYS},
            _sources=tuple(
                (source, place / "download" / number)
                for number, source in enumerate(download, 1)
            ),
        )

    @property
    def downloads(self) -> tuple[DownloadSource, ...]:
        """Where the archive can be had, best first.

        Read when asked for, as in Julia: an artifact that is installed can be used
        whatever its sources look like.

        Raises:
            ArtifactsTomlError: A source has no valid url, sha256 or size.
        """
        return tuple(DownloadSource.from_entry(*source) for source in self._sources)


def _read_hash(
    entry: Mapping[str, Any], place: Place
) -> tuple[TreeHash | None, Sha256 | None]:
    """The tree hash of an entry, or what stands in its place in an old one."""
    if "git-tree-sha1" not in entry:
        raise place.expected("40 hex digits", entry, "git-tree-sha1")
    text = entry["git-tree-sha1"]
    try:
        archive = _old_hash(text, entry.get("download", ()))
        return (
            (None, Sha256.parse(archive)) if archive else (TreeHash.parse(text), None)
        )
    except HashParseError as error:
        raise place.unparsed("git-tree-sha1", error) from None


def _old_hash(text: object, download: Iterable[object]) -> str:
    """The sha256 of a source that ``git-tree-sha1`` repeats, "" if it repeats none."""
    if not isinstance(text, str) or len(text) not in {40, 64}:
        return ""
    hashes = (s.get("sha256") for s in download if isinstance(s, dict))
    texts = (sha256 for sha256 in hashes if isinstance(sha256, str))
    return next((t for t in texts if t.lower().startswith(text.lower())), "")
