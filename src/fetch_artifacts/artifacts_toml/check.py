"""Finding what is wrong with an Artifacts.toml.

The findings cover everything that makes Julia or this package fail, and what both
accept although the author can't have meant it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from fetch_artifacts.artifacts_toml.choosing import elements_of
from fetch_artifacts.artifacts_toml.entry import (
    ENTRY_KEYS,
    archive_hash,
    entry_faults,
    source_faults,
    sources_of,
)
from fetch_artifacts.artifacts_toml.file import not_there, read_artifacts_toml
from fetch_artifacts.artifacts_toml.packaged import unpackaged_from
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.artifacts_toml.search import ARTIFACTS_TOML_NAMES
from fetch_artifacts.errors import ArtifactsTomlError, PlatformError
from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.platforms.tags import KNOWN_TAGS, REQUIRED_TAGS
from fetch_artifacts.spelling import misspelt
from fetch_artifacts.urls import FSSPEC_SCHEMES, is_beside

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Iterator, Mapping

_ADVICE: Final = {
    "git-tree-sha1": "write the hash of the folder, from `fetch-artifacts hash FOLDER`",
    "sha256": "write the sha256 of the archive, as `sha256sum` prints it",
    "url": "write the whole address of the archive",
    "size": "write the archive's size, or leave the key out",
    "lazy": "write true, or leave the key out",
    "download": "write a [[NAME.download]] with url and sha256 for each source",
    "os": "write a system such as linux, macos or windows",
    "arch": "write an architecture such as x86_64 or aarch64",
}
_REPAIR: Final = "run `fetch-artifacts doctor --fix`, which finds the true one"
_OTHERWISE: Final = "write what was expected, or remove it"
_IS_A_TAG: Final = "Julia takes this string for a platform tag"
_UNKNOWN: Final = dict.fromkeys(REQUIRED_TAGS, "")
_SPELLINGS: Final = tuple(sorted(ENTRY_KEYS))
_CURLS: Final = ("ftps://", "sftp://", "scp://")
_PUBLISH: Final = (
    "nothing, if only Python is to install it; else add an https source, as "
    "`fetch-artifacts publish --to` does"
)
_NO_TAG: Final = "remove it, or write an array with the string in it"
# Triplets, and so the names of archives, end in such as -cuda+12.9-mpi+mpich.
_TAG_IN_URL: Final = re.compile(r"-([^-+/]+)\+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and how to put it right.

    Attributes:
        path: The file.
        key: The dotted key, elements of arrays counted from 1; "" for the whole file.
        what: What is wrong.
        todo: What to do about it.
        harmless: Whether nothing is wrong, but the author should know of it.
    """

    path: Path
    key: str
    what: str
    todo: str
    harmless: bool = False

    def __str__(self) -> str:
        note = "note: " if self.harmless else ""
        where = f"{self.path}:{self.key}" if self.key else self.path
        return f"{note}{where}: {self.what}: {self.todo}"

    def to_json(self) -> dict[str, object]:
        """What a finding says as JSON has it, with the file's path as ``file``."""
        facts = {"key": self.key, "what": self.what, "todo": self.todo}
        return {"file": str(self.path), **facts, "wrong": not self.harmless}


def check_file(path: str | os.PathLike[str]) -> tuple[Finding, ...]:
    """Return all that is wrong with a file, in the order of the file.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
    """
    path = Path(path)
    try:
        table = read_artifacts_toml(path)
    except FileNotFoundError:
        raise not_there(path) from None
    except ArtifactsTomlError as error:
        return (_finding(error, "correct it; nothing in the file can be read"),)
    findings = [
        *_check_names_of_files(path),
        *_check_packaged(path),
        *_check_encoding(path),
        *_check_slashes(table, path),
    ]
    for name, value in table.items():
        findings += _check_bound(value, Place.of(name, path))
    return tuple(findings)


def check_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Finding]:
    """Yield all that is wrong with several files; an unreadable one is too."""
    for path in map(Path, paths):
        try:
            yield from check_file(path)
        except OSError as error:
            what = error.strerror or "there is no such file"
            todo = "name a file that can be read"
            yield Finding(path=path, key="", what=what, todo=todo)


def _finding(
    error: ArtifactsTomlError, todo: str = "", *, harmless: bool = False
) -> Finding:
    key = error.context.rpartition(".")[2]
    return Finding(
        path=error.path or Path(),
        key=error.context,
        what=error.problem,
        todo=todo or _ADVICE.get(key, _OTHERWISE),
        harmless=harmless,
    )


def _check_packaged(path: Path) -> Iterator[Finding]:
    package = unpackaged_from(path.absolute())
    if package is not None:
        what = f"the wheel will not have it in the package's folder {package}"
        todo = (
            "move it there, or let the build put it there, or the installed package "
            "will not find it"
        )
        yield Finding(path=path, key="", what=what, todo=todo, harmless=True)


def _check_encoding(path: Path) -> Iterator[Finding]:
    content = read_regular(path)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        what = (
            f"line {number} has bytes that are not UTF-8: Julia reads them, but can "
            "write no such string, and other readers of TOML refuse the file"
        )
        todo = "write it in UTF-8, unless nothing else reads the file"
        yield Finding(path=path, key="", what=what, todo=todo, harmless=True)


def _check_names_of_files(path: Path) -> Iterator[Finding]:
    first, second = (path.with_name(name) for name in ARTIFACTS_TOML_NAMES)
    if path in {first, second} and first.is_file() and second.is_file():
        what = f"both {first.name} and {second.name} are here; the second is never read"
        yield Finding(path=path, key="", what=what, todo="remove one of them")


def _check_slashes(names: Iterable[str], path: Path) -> Iterator[Finding]:
    """Yield one note for all names with slashes; Julia's functions take such names."""
    first, *others = [name for name in names if "/" in name or "\\" in name] or [""]
    if first:
        more = f" and {len(others)} more names" if others else ""
        yield Finding(
            path=path,
            key="",
            what=f'{first!r}{more}: Julia\'s artifact"..." takes what follows a slash '
            "for a path inside the artifact; its functions take the whole name",
            todo='nothing, unless the names are meant for artifact"..."',
            harmless=True,
        )


def _check_bound(value: object, place: Place) -> Iterator[Finding]:
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
    first: dict[Platform, Place] = {}
    tags: list[tuple[str, Place]] = []
    # These two are reported where they have the wrong type.
    meant = {*KNOWN_TAGS, "lazy", "download"}
    for element, here in elements_of(elements, place):
        if not isinstance(element, dict):
            yield _finding(here.error(f"expected a table, found {element!r}"))
            continue
        faults = dict(_unreadable_tags(element, here))
        yield from faults.values()
        readable = {key: element[key] for key in element if key not in faults}
        platform = Platform.from_entry({**_UNKNOWN, **readable})
        spelt = {key.lower(): key for key in reversed(element)}
        if faults.keys().isdisjoint(_UNKNOWN):
            yield from _check_support(platform, spelt, here)
        if not faults:
            before = first.setdefault(platform, here)
            if before is not here:
                yield _same_platform(platform, before, here)
        meant |= _tags_in_urls(element, platform.tags)
        tags += [(tag, here / spelt.get(tag, tag)) for tag in platform.tags]
        yield from _check_entry(element, here)
    meant |= _telling_tags(first, meant)
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


def _same_platform(platform: Platform, before: Place, place: Place) -> Finding:
    what = f"it is for the same platform as {before.key}, {platform}"
    return _finding(place.error(what), "remove one; the later one is what counts")


def _check_support(
    platform: Platform, spelt: Mapping[str, str], place: Place
) -> Iterator[Finding]:
    """Yield what no machine has that Julia runs on: the pair, or one tag beside it.

    Args:
        platform: The platform of an element.
        spelt: The keys of the element by their tags; Julia makes them lower case.
        place: Where the element is.
    """
    arch, os, *others = platform.tags.items()
    known = [(tag, value) for tag, value in others if tag in KNOWN_TAGS]
    choices: list[dict[str, Any]] = [{}, *({tag: value} for tag, value in known)]
    for tags in choices:
        try:
            _ = Platform(arch[1], os[1], validate_strict=True, **tags).triplet
        except PlatformError as error:
            where = next((place / spelt.get(tag, tag) for tag in tags), place)
            fault = where.error(str(error))
            yield _finding(fault, "correct it, or no machine will ever choose this")
            if not tags:
                return


def _tags_in_urls(element: Mapping[str, Any], tags: Mapping[str, str]) -> set[str]:
    """Return the tags that a source spells as ``-tag+value``, as the triplet does."""
    download = element.get("download")
    urls = [
        source["url"]
        for source in (download if isinstance(download, list) else ())
        if isinstance(source, dict) and isinstance(source.get("url"), str)
    ]
    spelt = {part for url in urls for part in _TAG_IN_URL.findall(unquote(url).lower())}
    return spelt & tags.keys()


def _telling_tags(platforms: Iterable[Platform], meant: Collection[str]) -> set[str]:
    """Return the tags in doubt that tell apart platforms which agree in all others.

    All are judged together: each of two that always go together would be superfluous
    beside the other.
    """
    alike: dict[frozenset[tuple[str, str]], list[Platform]] = defaultdict(list)
    for platform in platforms:
        certain = frozenset(tag for tag in platform.tags.items() if tag[0] in meant)
        alike[certain].append(platform)
    telling: set[str] = set()
    for group in alike.values():
        counts = Counter(tag for platform in group for tag in platform.tags.items())
        telling |= {tag for (tag, _), count in counts.items() if count < len(group)}
    return telling


def _check_entry(entry: dict[str, Any], place: Place) -> Iterator[Finding]:
    faults = list(entry_faults(entry, place))
    yield from map(_finding, faults)
    if not faults and archive_hash(entry) is not None:
        what = "this is the hash of the archive, not of the folder; Julia refuses it"
        yield _finding((place / "git-tree-sha1").error(what), _REPAIR)
    yield from _check_spelling(entry, place)
    yield from _check_sources(entry, place)


def _check_spelling(entry: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Yield a note for each key that means nothing, but looks like one that does."""
    for key in [key for key in entry if key not in ENTRY_KEYS | KNOWN_TAGS]:
        meant = misspelt(key, _SPELLINGS)
        if meant is not None and meant not in entry:
            fault = (place / key).error("an Artifacts.toml has no such key")
            todo = f"write {meant}, if that is what you mean"
            yield _finding(fault, todo, harmless=True)


def _check_sources(entry: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    judged = [
        (source, here, list(source_faults(source, here)))
        for source, here in sources_of(entry, place)
    ]
    good = [number for number, (_, _, faults) in enumerate(judged) if not faults]
    for_julia = any(not _why_not_julia(judged[number][0]) for number in good)
    for number, (source, here, faults) in enumerate(judged):
        why = _why_not_julia(source)
        if len(faults) == 1 and _is_for_curl(source):
            followed = bool(good) and number < good[-1]
            todo = "nothing, as long as a later source works"
            advice = "only Julia can download it, with curl: add an https source"
            yield _finding(faults[0], todo if followed else advice, harmless=followed)
        elif why and not faults:
            fault = (here / "url").error(why)
            todo = "nothing, as long as another source works" if for_julia else _PUBLISH
            yield _finding(fault, todo, harmless=for_julia)
        else:
            yield from map(_finding, faults)


def _why_not_julia(source: object) -> str:
    """Why Julia can't download from a source that Python can, "" where it can."""
    url = source.get("url") if isinstance(source, dict) else None
    scheme = url.partition(":")[0].lower() if isinstance(url, str) else ""
    if scheme in FSSPEC_SCHEMES:
        return f"Python downloads from {scheme}:// with fsspec, Julia can't"
    if isinstance(url, str) and is_beside(url):
        return (
            "Python takes this for a file beside the Artifacts.toml, Julia refuses it"
        )
    return ""


def _is_for_curl(source: object) -> bool:
    """Whether Julia can download a source, with curl, and this package can't."""
    url = source.get("url") if isinstance(source, dict) else None
    return isinstance(url, str) and url.lower().startswith(_CURLS)
