"""One artifact of an Artifacts.toml for one platform, parsed and checked."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import HashParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fetch_artifacts.artifacts_toml.place import Place
    from fetch_artifacts.errors import ArtifactsTomlError
    from fetch_artifacts.platforms.platform import Platform

ENTRY_KEYS: Final = frozenset({"git-tree-sha1", "lazy", "download", "os", "arch"})
"""The keys that mean the same in every entry; the others are its metadata."""

_SHA256: Final = r"[0-9A-Fa-f]{64}"
_URL: Final = r"(?:[A-Za-z][A-Za-z0-9+.-]*://|file:)[^\s\x00-\x1f\x7f]+"


class DownloadSource(NamedTuple):
    """A source of an artifact's archive.

    Attributes:
        url: Its address.
        sha256: The hash of its bytes.
        size: Its length in bytes, None where it is not known. Julia 1.13 writes it,
            no version reads it.
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
        for fault in _reading_faults(source, place):
            raise fault
        table = cast("dict[str, Any]", source)  # or there would be a fault
        url: str = table["url"]
        if url.startswith("file:") and place.path is not None:
            from fetch_artifacts.urls import beside

            url = beside(place.path, url)
        return cls(
            url=url,
            sha256=Sha256.parse(table["sha256"]),
            size=table.get("size") or None,
        )

    def to_entry(self) -> dict[str, str | int]:
        """Return the element of ``download`` to write.

        As Julia 1.13, which leaves out a size that is not known.
        """
        entry: dict[str, str | int] = {"sha256": str(self.sha256), "url": self.url}
        return {**entry, "size": self.size} if self.size else entry


class ArtifactEntry(NamedTuple):
    """One artifact of an Artifacts.toml for one platform.

    fetch-artifacts 0.1.0 let people write the archive's sha256, or the first 40 digits
    of it, as ``git-tree-sha1``. Julia refuses the first and finds no such tree for the
    second. In such an entry `tree_hash` is None and `archive_sha256` is not; which
    tree it means is known once the archive has been unpacked.

    Attributes:
        names: The name it is bound to; all of them where entries were joined.
        git_tree_sha1: The ``git-tree-sha1`` as it is written.
        tree_hash: The hash of its tree, None in an old entry.
        archive_sha256: In an old entry, the sha256 of the archive; None in others.
        lazy: Whether it is installed on first use only.
        platform: What it is built for, None where it suits every platform.
        metadata: All other keys with their values, platform tags but ``os`` and
            ``arch`` among them.
        sources: The elements of ``download``, not yet read, with their places.
    """

    names: tuple[str, ...]
    git_tree_sha1: str
    tree_hash: TreeHash | None
    archive_sha256: Sha256 | None
    lazy: bool
    platform: Platform | None
    metadata: Mapping[str, Any]
    sources: tuple[tuple[object, Place], ...]

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
        for fault in entry_faults(entry, place):
            raise fault
        text = entry["git-tree-sha1"]
        archive = archive_hash(entry)
        return cls(
            names=(name,),
            git_tree_sha1=text,
            tree_hash=None if archive else TreeHash.parse(text),
            archive_sha256=archive,
            lazy=entry.get("lazy", False),
            platform=platform,
            metadata={k: v for k, v in entry.items() if k not in ENTRY_KEYS},
            sources=tuple(sources_of(entry, place)),
        )

    @property
    def name(self) -> str:
        """The names in one text, for messages."""
        return ", ".join(self.names)

    @property
    def downloads(self) -> tuple[DownloadSource, ...]:
        """The sources of the archive, best first.

        Read when asked for, as in Julia: an artifact that is installed can be used
        whatever its sources look like.

        Raises:
            ArtifactsTomlError: A source has no valid url, sha256 or size.
        """
        return tuple(DownloadSource.from_entry(*source) for source in self.sources)

    def each_download(self) -> Iterator[DownloadSource | ArtifactsTomlError]:
        """Yield the sources, or for each one that can't be read what is wrong there."""
        for source in self.sources:
            fault = next(_reading_faults(*source), None)
            yield fault or DownloadSource.from_entry(*source)

    def joined(self, others: Iterable[ArtifactEntry]) -> ArtifactEntry:
        """One entry for all names of a tree: it has the sources of each, in order.

        It is lazy where all are.

        Args:
            others: Further entries of the same tree.
        """
        entries = (self, *others)
        names = chain.from_iterable(entry.names for entry in entries)
        sources = [entry.sources for entry in entries]
        return self._replace(
            names=tuple(dict.fromkeys(names)),
            sources=tuple(chain.from_iterable(sources)),
            lazy=all(entry.lazy for entry in entries),
        )


def sources_of(
    entry: Mapping[str, Any], place: Place
) -> Iterator[tuple[object, Place]]:
    """Yield the elements of ``download`` with their places, whatever they are."""
    download, here = entry.get("download"), place / "download"
    for number, source in enumerate(download if isinstance(download, list) else ()):
        yield source, here / number


def archive_hash(entry: Mapping[str, Any]) -> Sha256 | None:
    """The sha256 that an old entry gives as its tree hash; None if it is not old."""
    text = entry["git-tree-sha1"]
    if not isinstance(text, str) or len(text) not in {40, 64}:
        return None
    for source in entry.get("download", ()):
        sha256 = source.get("sha256") if isinstance(source, dict) else None
        if not isinstance(sha256, str) or not re.fullmatch(_SHA256, sha256):
            continue
        if sha256.lower().startswith(text.lower()):
            return Sha256.parse(sha256)
    return None


def entry_faults(
    entry: Mapping[str, Any], place: Place
) -> Iterator[ArtifactsTomlError]:
    """Yield all faults in the table of an entry, except in its platform and sources."""
    if not isinstance(entry.get("lazy", False), bool):
        yield place.expected("true or false", entry, "lazy")
    if not isinstance(entry.get("download", []), list):
        yield place.expected("an array of tables", entry, "download")
        return
    if "git-tree-sha1" not in entry:
        yield place.expected("40 hex digits", entry, "git-tree-sha1")
        return
    try:
        if archive_hash(entry) is None:
            TreeHash.parse(entry["git-tree-sha1"])
    except HashParseError as error:
        yield place.unparsed("git-tree-sha1", error)


def source_faults(source: object, place: Place) -> Iterator[ArtifactsTomlError]:
    """Yield all that is wrong in one element of ``download``.

    Includes URLs that this package can't download from. Reading accepts those, since
    another source may work and Julia supports more kinds of URLs.
    """
    from fetch_artifacts.urls import expected_instead, is_beside, redacted

    url = source.get("url") if isinstance(source, dict) else None
    if isinstance(url, str) and re.fullmatch(_URL, url) and not is_beside(url):
        expected = expected_instead(url)
        if expected:
            yield place.expected(expected, {"url": redacted(url)}, "url")
    yield from _reading_faults(source, place)


def _reading_faults(source: object, place: Place) -> Iterator[ArtifactsTomlError]:
    from fetch_artifacts.urls import redacted

    if not isinstance(source, dict):
        shown = redacted(source) if isinstance(source, str) else source
        yield place.error(f"expected a table, found {shown!r}")
        return
    url, size = source.get("url"), source.get("size", 0)
    if not isinstance(url, str) or not re.fullmatch(_URL, url):
        found = {"url": redacted(url)} if isinstance(url, str) else source
        yield place.expected("a URL such as https://host/file.tar.gz", found, "url")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        yield place.expected("a number of bytes", source, "size")
    if "sha256" not in source:
        yield place.expected("64 hex digits", source, "sha256")
        return
    try:
        Sha256.parse(source["sha256"])
    except HashParseError as error:
        yield place.unparsed("sha256", error)
