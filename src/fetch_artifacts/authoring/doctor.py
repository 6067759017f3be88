"""Faults of an Artifacts.toml and of its downloads, with repairs.

Each source is downloaded once. If one of its two hashes in the file is right, the other
can be repaired. If both are wrong, something else is served now, and only the author
knows what it should be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.archive.formats import FORMATS, julia_trouble
from fetch_artifacts.artifacts_toml.check import Finding, check_file
from fetch_artifacts.artifacts_toml.choosing import entries_of, platforms_of
from fetch_artifacts.artifacts_toml.editing import Fix
from fetch_artifacts.artifacts_toml.entry import archive_hash, sources_of
from fetch_artifacts.artifacts_toml.file import read_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.authoring.evidence import Contents, Evidence, collect_evidence
from fetch_artifacts.digests import Sha256
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    DownloadError,
    PlatformError,
    UnpackError,
)
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.platforms.matching import select_platform
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fetch_artifacts.terminal.progress import Progress

_FIXED: Final = "`fetch-artifacts doctor --fix` writes it"
_USUAL_PLATFORMS: Final = (
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-w64-mingw32",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A fault, or a note for the author.

    Attributes:
        finding: The fault, and what to do about it.
        fix: The repair, None unless it is certain.
    """

    finding: Finding
    fix: Fix | None = None

    @property
    def harmless(self) -> bool:
        """Whether it is a note and no fault."""
        return self.finding.harmless

    def being_fixed(self, *, dry_run: bool) -> Diagnosis:
        """The same while its repair is written, so that nobody is told to do it."""
        if self.fix is None:
            return self
        todo = "would be corrected" if dry_run else "corrected"
        return replace(self, finding=replace(self.finding, todo=todo))

    def __str__(self) -> str:
        return str(self.finding)

    def to_json(self) -> dict[str, object]:
        """Give the finding, whether it is a fault, and the repaired value."""
        certain = self.fix.new if self.fix else None
        return {**self.finding.to_json(), "fix": certain}


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the file says of an entry or of one of its sources, and where."""

    table: Mapping[str, Any]
    place: Place

    def says(self, key: str) -> str:
        """Give a hash of the file in lower case, "" if it is not a string."""
        value = self.table.get(key)
        return value.lower() if isinstance(value, str) else ""

    @property
    def sha256(self) -> Sha256 | None:
        """The archive's hash, None where the file has none that can be read."""
        try:
            return Sha256.parse(self.says("sha256"))
        except ValueError:
            return None

    def fix(self, key: str, value: str | int) -> Fix:
        """Give the repair of one value."""
        return Fix(keys=(*self.place.keys, key), old=self.table.get(key), new=value)


def diagnose(
    path: Path, *, offline: bool = False, report: Progress | None = None
) -> tuple[Diagnosis, ...]:
    """Find the faults of a file.

    Args:
        path: The Artifacts.toml.
        offline: Whether to skip checks that need a download.
        report: Called with the progress of the downloads.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
    """
    read = [Diagnosis(finding=finding) for finding in check_file(path)]
    try:
        table = read_artifacts_toml(path)
    except ArtifactsTomlError:
        return tuple(read)
    settings = Settings.from_environ()
    entries = [_Stated(*found) for found in entries_of(table, path)]
    skipped = offline or settings.offline
    seen = {} if skipped else _download_all(entries, settings, report)
    found = [each for entry in entries for each in _check_entry(entry, seen)]
    found += _missing_platforms(table, path)
    # A finding from a download replaces the one from the file alone.
    better = {each.finding.key for each in found if not each.harmless}
    return (*(each for each in read if each.finding.key not in better), *found)


def _download_all(
    entries: Iterable[_Stated], settings: Settings, report: Progress | None
) -> dict[str, Evidence | DownloadError]:
    """Give what each URL serves."""
    stated: dict[str, Sha256 | None] = {}
    for entry in entries:
        for source in _sources(entry):
            stated.setdefault(source.table["url"], source.sha256)
    with HttpFetcher(settings) as fetcher:
        return {
            url: collect_evidence(fetcher, url, settings, report, promised=sha256)
            for url, sha256 in stated.items()
        }


def _sources(entry: _Stated) -> Iterator[_Stated]:
    """Give the sources with a URL; `check_file` reports the others."""
    for source, place in sources_of(entry.table, entry.place):
        if isinstance(source, dict) and isinstance(source.get("url"), str):
            yield _Stated(source, place)


def _found(
    place: Place,
    what: str,
    todo: str,
    *,
    fix: Fix | None = None,
    harmless: bool = False,
) -> Diagnosis:
    finding = Finding(
        path=place.path or Path(),
        key=place.key,
        what=what,
        todo=todo,
        harmless=harmless,
    )
    return Diagnosis(finding=finding, fix=fix)


def _check_entry(
    entry: _Stated, seen: Mapping[str, Evidence | DownloadError]
) -> Iterator[Diagnosis]:
    """Check the sources of an entry, and the entry against them."""
    if not entry.table.get("download"):
        what, todo = "nobody else can install it", "add a [[NAME.download]]"
        yield _found(entry.place / "download", what, todo, harmless=True)
    trusted: dict[str, Contents] = {}
    for source in _sources(entry):
        if source.table.get("size") is None:
            what, todo = "the archive's size is not given", "add it, or leave it"
            yield _found(source.place / "size", what, todo, harmless=True)
        evidence = seen.get(source.table["url"])
        if isinstance(evidence, DownloadError):
            what = f"it can't be downloaded: {evidence}"
            yield _found(source.place / "url", what, "put it back, or replace the url")
        elif evidence is not None:
            yield from _check_source(source, evidence, entry)
            contents = evidence.contents
            if isinstance(contents, Contents) and _fits(source, entry, evidence):
                trusted[str(contents.tree_hash)] = contents
    yield from _check_tree(entry, trusted)


def _check_source(
    source: _Stated, evidence: Evidence, entry: _Stated
) -> Iterator[Diagnosis]:
    if evidence.moved:
        what = f"it has moved permanently to {redacted(evidence.moved)}"
        yield _found(source.place / "url", what, "write that address", harmless=True)
    contents = evidence.contents
    vouched = source.says("sha256") == str(evidence.sha256)
    if isinstance(contents, UnpackError):
        sha256 = "" if vouched else f", and has the sha256 {evidence.sha256}"
        what = f"it can't be unpacked: {contents}{sha256}"
        yield _found(source.place, what, "publish the archive again")
        return
    yield from _check_archive(source, contents, entry)
    if not _fits(source, entry, evidence):
        what = (
            f"something else is served: the archive has the sha256 {evidence.sha256}, "
            f"its tree the git-tree-sha1 {contents.tree_hash}"
        )
        todo = "find out why; `fetch-artifacts add --force` binds what is there now"
        yield _found(source.place / "sha256", what, todo)
        return
    if not vouched:
        what = f"the archive's sha256 is {evidence.sha256}; its tree is the right one"
        fix = source.fix("sha256", str(evidence.sha256))
        yield _repair(source.place / "sha256", what, contents, fix)
    size = source.table.get("size")
    if size is not None and size != evidence.size:
        what = f"the archive has {evidence.size} bytes, not {size}"
        fix = source.fix("size", evidence.size)
        yield _repair(source.place / "size", what, contents, fix)


def _repair(place: Place, what: str, contents: Contents, fix: Fix) -> Diagnosis:
    """A fault that is repaired, if the archive is one that Julia can install."""
    if contents.bindable:
        return _found(place, what, _FIXED, fix=fix)
    todo = (
        "it stays as it is, since Julia can't install what this URL sends; find out "
        "whether the server, or a proxy, decompresses it, or publish a .tar.gz"
    )
    return _found(place, what, todo)


def _fits(source: _Stated, entry: _Stated, evidence: Evidence) -> bool:
    """Whether one of the two hashes in the file is that of what a source sends."""
    contents = evidence.contents
    return source.says("sha256") == str(evidence.sha256) or (
        isinstance(contents, Contents)
        and entry.says("git-tree-sha1") == str(contents.tree_hash)
    )


def _check_archive(
    source: _Stated, contents: Contents, entry: _Stated
) -> Iterator[Diagnosis]:
    trouble = julia_trouble(contents.kind)
    if trouble:
        todo = "publish it as .tar.gz, which `fetch-artifacts create` makes"
        # A format that some Julia can unpack is no fault.
        harmless = FORMATS[contents.kind].julia is not None
        yield _found(source.place, trouble, todo, harmless=harmless)
    for doubt in contents.doubts:
        todo = "publish another archive"
        yield _found(source.place, doubt, todo, harmless=not contents.sparse)
    if contents.top_folder is not None:
        what = f"all of it is in the folder {contents.top_folder!r}"
        todo = "mind that the folder is part of each path, as in Julia"
        if entry.says("git-tree-sha1") and archive_hash(entry.table) is not None:
            name = entry.place.keys[0]
            todo = (
                "once the git-tree-sha1 is the true one, artifact() gives the folder "
                f"around it, as Julia does: write {name}/{contents.top_folder} then"
            )
        yield _found(source.place, what, todo, harmless=True)


def _check_tree(entry: _Stated, trusted: Mapping[str, Contents]) -> Iterator[Diagnosis]:
    """Compare the tree hash with those of archives that fit the file."""
    stated = entry.says("git-tree-sha1")
    others = {tree: it for tree, it in trusted.items() if tree != stated}
    if not others:
        return
    place = entry.place / "git-tree-sha1"
    if len(trusted) > 1:
        what = f"its sources hold different trees: {', '.join(trusted)}"
        yield _found(place, what, "remove those that hold another one")
        return
    [(true, contents)] = others.items()
    mistake = contents.mistakes.get(stated)
    reason = f"it is {mistake}" if mistake else "it is not the hash of the tree"
    fix = entry.fix("git-tree-sha1", true)
    yield _repair(place, f"{reason}; the true one is {true}", contents, fix)


def _missing_platforms(table: Mapping[str, Any], path: Path) -> Iterator[Diagnosis]:
    for name, value in table.items():
        if not isinstance(value, list):
            continue
        place = Place.of(name, path)
        try:
            platforms = {found[0]: True for found in platforms_of(value, place)}
            lacking = [
                triplet
                for triplet in _USUAL_PLATFORMS
                if not select_platform(platforms, Platform.parse(triplet))
            ]
        except (ArtifactsTomlError, PlatformError):
            continue  # check_file reports it
        if lacking:
            what = f"nothing is bound for {', '.join(lacking)}"
            yield _found(place, what, "bind more, if there is more", harmless=True)
