"""Finding what is wrong with an Artifacts.toml.

The findings cover everything that makes Julia or this package fail, and what both
accept although the author can't have meant it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts.artifacts_toml.choosing import elements_of
from fetch_artifacts.artifacts_toml.entry import (
    archive_hash,
    entry_faults,
    source_faults,
    sources_of,
)
from fetch_artifacts.artifacts_toml.file import not_there, parse_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.artifacts_toml.search import ARTIFACTS_TOML_NAMES
from fetch_artifacts.errors import ArtifactsTomlError, PlatformError
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.platforms.tags import KNOWN_TAGS, REQUIRED_TAGS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

_ADVICE: Final = {
    "git-tree-sha1": "write the hash of the folder, from `fetch-artifacts hash FOLDER`",
    "sha256": "write the sha256 of the archive, as `sha256sum` prints it",
    "url": "write the whole address of the archive",
    "size": "write the archive's size, or leave the key out",
    "lazy": "write true, or leave the key out",
    "download": "write a [[NAME.download]] with url and sha256 for each source",
    "os": "write such as linux, macos or windows",
    "arch": "write such as x86_64 or aarch64",
}
_REPAIR: Final = "run `fetch-artifacts doctor --fix`, which finds the true one out"
_OTHERWISE: Final = "write what was expected, or take it out"
_IS_A_TAG: Final = "Julia takes this string for a platform tag"
_UNKNOWN: Final = dict.fromkeys(REQUIRED_TAGS, "")
_NO_TAG: Final = "take it out, or write an array with the string in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and how to put it right.

    Attributes:
        path: The file.
        key: The dotted key, elements of arrays counted from 1; "" for the whole file.
        what: What is wrong.
        todo: What to do about it.
    """

    path: Path
    key: str
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.path}:{self.key}: {self.what}: {self.todo}"

    def to_json(self) -> dict[str, str]:
        """The same as a dictionary of strings, with the file's path as ``file``."""
        facts = {"key": self.key, "what": self.what, "todo": self.todo}
        return {"file": str(self.path), **facts}


def check_file(path: str | os.PathLike[str]) -> tuple[Finding, ...]:
    """Return all that is wrong with a file, in the order of the file.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
    """
    path = Path(path)
    try:
        table = parse_artifacts_toml(path.read_bytes(), path)
    except FileNotFoundError:
        raise not_there(path) from None
    except ArtifactsTomlError as error:
        return (_finding(error, "correct it; nothing in the file can be read"),)
    findings = [*_check_names_of_files(path)]
    for name, value in table.items():
        findings += _check_name(name, value, Place.of(name, path))
    return tuple(findings)


def check_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Finding]:
    """Yield all that is wrong with several files; that one can't be read is too."""
    for path in map(Path, paths):
        try:
            yield from check_file(path)
        except OSError as error:
            what = error.strerror or "there is no such file"
            todo = "name a file that can be read"
            yield Finding(path=path, key="", what=what, todo=todo)


def _finding(error: ArtifactsTomlError, todo: str = "") -> Finding:
    key = error.context.rpartition(".")[2]
    return Finding(
        path=error.path or Path(),
        key=error.context,
        what=error.problem,
        todo=todo or _ADVICE.get(key, _OTHERWISE),
    )


def _check_names_of_files(path: Path) -> Iterator[Finding]:
    first, second = (path.with_name(name) for name in ARTIFACTS_TOML_NAMES)
    if path in {first, second} and first.is_file() and second.is_file():
        what = f"both {first.name} and {second.name} are here; the second is never read"
        yield Finding(path=path, key="", what=what, todo="remove one of them")


def _check_name(name: str, value: object, place: Place) -> Iterator[Finding]:
    if "/" in name or "\\" in name:
        what = "what follows the slash is a path inside the artifact to Julia"
        yield _finding(place.error(what), "choose a name without slashes")
    if isinstance(value, dict):
        for key in [key for key in REQUIRED_TAGS if key in value]:
            what = f"a table suits every platform; Julia ignores {value[key]!r} here"
            todo = f"write [[{place.key}]], or take it out"
            yield _finding((place / key).error(what), todo)
        yield from _check_entry(value, place)
    elif isinstance(value, list):
        yield from _check_elements(value, place)
    else:
        what = f"expected a table or an array of tables, found {value!r}"
        yield _finding(place.error(what))


def _check_elements(elements: list[object], place: Place) -> Iterator[Finding]:
    platforms: dict[Place, Platform] = {}
    tags: list[tuple[str, Place]] = []
    for element, here in elements_of(elements, place):
        if not isinstance(element, dict):
            yield _finding(here.error(f"expected a table, found {element!r}"))
            continue
        faults = dict(_unreadable_tags(element, here))
        yield from faults.values()
        readable = {key: element[key] for key in element if key not in faults}
        platform = Platform.from_entry({**_UNKNOWN, **readable})
        if faults.keys().isdisjoint(_UNKNOWN):
            yield from _check_support(platform, element, here)
        if not faults:
            yield from _check_duplicate(platform, platforms, here)
            platforms[here] = platform
        tags += [(tag, here / _spelt(tag, element)) for tag in platform.tags]
        yield from _check_entry(element, here)
    # Of the wrong type, these two are reported as such.
    meant = KNOWN_TAGS | {"lazy", "download"} | _telling_tags(platforms.values())
    for tag, here in tags:
        if tag not in meant:
            yield _finding(here.error(_IS_A_TAG), _NO_TAG)


def _unreadable_tags(
    element: dict[str, object], place: Place
) -> Iterator[tuple[str, Finding]]:
    """Yield the keys that keep Julia from reading the platform of an element."""
    for key in _UNKNOWN:
        if not isinstance(element.get(key), str):
            yield key, _finding(place.expected("a string", element, key))
    for key in [key for key in element if key not in _UNKNOWN]:
        try:
            Platform.from_entry({**_UNKNOWN, key: element[key]})
        except PlatformError as error:
            fault = (place / key).error(f"{_IS_A_TAG}: {error}")
            todo = (
                "correct it, or take it out" if key.lower() in KNOWN_TAGS else _NO_TAG
            )
            yield key, _finding(fault, todo)


def _spelt(tag: str, element: Iterable[str]) -> str:
    """The key that a tag is written as; Julia makes it lowercase."""
    return next((key for key in element if key.lower() == tag), tag)


def _check_duplicate(
    platform: Platform, before: Mapping[Place, Platform], place: Place
) -> Iterator[Finding]:
    others = [other for other, its in before.items() if its == platform]
    if others:
        what = f"it is for the same platform as {others[0].key}, {platform}"
        yield _finding(place.error(what), "remove one; the later one is what counts")


def _check_support(
    platform: Platform, element: Iterable[str], place: Place
) -> Iterator[Finding]:
    """Yield what no machine has that Julia runs on: the pair, or one tag beside it."""
    arch, os, *others = platform.tags.items()
    known = [(tag, value) for tag, value in others if tag in KNOWN_TAGS]
    for tags in ({}, *({tag: value} for tag, value in known)):
        try:
            _ = Platform(arch[1], os[1], validate_strict=True, **tags).triplet
        except PlatformError as error:
            where = next((place / _spelt(tag, element) for tag in tags), place)
            fault = where.error(str(error))
            yield _finding(fault, "correct it, or no machine will ever choose this")
            if not tags:
                return


def _telling_tags(platforms: Iterable[Platform]) -> set[str]:
    """The tags without which two of the platforms would be the same."""
    different = {frozenset(platform.tags.items()) for platform in platforms}
    tags = {tag for each in different for tag, _ in each}
    return {
        tag
        for tag in tags
        if len({frozenset(t for t in each if t[0] != tag) for each in different})
        < len(different)
    }


def _check_entry(entry: dict[str, Any], place: Place) -> Iterator[Finding]:
    faults = list(entry_faults(entry, place))
    yield from map(_finding, faults)
    if not faults and archive_hash(entry) is not None:
        what = "this is the hash of the archive, not of the folder; Julia refuses it"
        yield _finding((place / "git-tree-sha1").error(what), _REPAIR)
    for source, here in sources_of(entry, place):
        yield from map(_finding, source_faults(source, here))
