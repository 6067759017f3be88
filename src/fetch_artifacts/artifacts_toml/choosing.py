"""Choosing the entry of an Artifacts.toml that suits a platform.

Julia: the part of ``Artifacts.jl`` that goes from a name to a hash. Where Julia raises
an error, these functions raise one that names the place; where Julia logs an error and
returns nothing, they log a warning and return None.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
from fetch_artifacts.artifacts_toml.file import FILES
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    HashParseError,
    NoMatchingPlatformError,
    PlatformError,
)
from fetch_artifacts.settings.project import project_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetch_artifacts.artifacts_toml.file import TomlDict
    from fetch_artifacts.errors import ArtifactsTomlError
    from fetch_artifacts.platforms.matching import PlatformChoice
    from fetch_artifacts.platforms.platform import Platform


def artifact_meta(
    name: str, table: Mapping[str, Any], *, platform: Platform, path: Path | None = None
) -> TomlDict | None:
    """Return the table of an artifact that suits a platform, None if there is none.

    Julia: ``artifact_meta`` (Artifacts.jl:389-433).

    Args:
        name: The name it is bound to.
        table: The table of the whole file.
        platform: The platform that it must suit; Julia's default is its host.
        path: The file, for messages.

    Raises:
        ArtifactsTomlError: One of the name's entries can't be read.
    """
    found = _find_meta(name, table, platform, path)
    return None if found is None else found[0]


def _find_meta(
    name: str, table: Mapping[str, Any], platform: Platform, path: Path | None
) -> tuple[TomlDict, Place] | None:
    meta, place = table.get(name), Place.of(name, path)
    if isinstance(meta, list):
        chosen = _choose(meta, platform, place)
        if chosen is None:
            return None
        _, meta, place = chosen
    elif not isinstance(meta, dict):
        if name in table:
            _warn(place.error(f"expected a table, found {meta!r}"))
        return None
    if "git-tree-sha1" not in meta:
        _warn(place.expected("40 hex digits", meta, "git-tree-sha1"))
        return None
    return meta, place


def _warn(fault: ArtifactsTomlError) -> None:
    import logging

    logging.getLogger(__name__).warning("%s", fault)


def artifact_hash(
    name: str, table: Mapping[str, Any], *, platform: Platform, path: Path | None = None
) -> TreeHash | None:
    """Return the tree hash of the entry that suits a platform, None if there is none.

    Julia: ``artifact_hash`` (Artifacts.jl:445-454).

    Raises:
        ArtifactsTomlError: One of the name's entries can't be read, or has no hash.
    """
    found = _find_meta(name, table, platform, path)
    return None if found is None else _tree_hash(*found)


def _tree_hash(meta: TomlDict, place: Place) -> TreeHash:
    try:
        return TreeHash.parse(meta["git-tree-sha1"])
    except HashParseError as error:
        raise place.unparsed("git-tree-sha1", error) from None


def select_downloadable_artifacts(
    table: Mapping[str, Any],
    *,
    platform: Platform,
    include_lazy: bool = False,
    path: Path | None = None,
) -> dict[str, TomlDict]:
    """Return the tables of all artifacts to be downloaded for a platform, by name.

    Julia: ``select_downloadable_artifacts`` (Artifacts.jl:456-497).

    Raises:
        ArtifactsTomlError: An entry of any name can't be read.
    """
    return {
        name: meta
        for name, meta, place in _metas(table, platform, path)
        if "download" in meta and (not _is_lazy(meta, place) or include_lazy)
    }


def extract_all_hashes(
    table: Mapping[str, Any],
    *,
    platform: Platform,
    include_lazy: bool = False,
    path: Path | None = None,
) -> tuple[TreeHash, ...]:
    """Return the tree hash of every artifact that suits a platform.

    Julia: ``extract_all_hashes`` (Pkg.jl Artifacts.jl:619-649).

    Raises:
        ArtifactsTomlError: An entry of any name can't be read.
    """
    return tuple(
        _tree_hash(meta, place)
        for _, meta, place in _metas(table, platform, path)
        if not _is_lazy(meta, place) or include_lazy
    )


def entry_for(
    name: str,
    toml: str | os.PathLike[str] | Mapping[str, Any],
    platform: PlatformChoice,
) -> ArtifactEntry:
    """Return the entry of an artifact that suits a platform.

    Args:
        name: The name it is bound to.
        toml: The file, or its table. For a file the entry is remembered, too.
        platform: The platform that it must suit, or a function that returns it. It
            is called only where there is a choice, since probing this machine may
            start a Julia.

    Raises:
        ArtifactNotFoundError: The name is not in the file.
        NoMatchingPlatformError: The name is there for other platforms only.
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: The file or one of the name's entries can't be read.
    """
    if not isinstance(toml, (str, os.PathLike)):
        return _read_entry(name, toml, platform, None)
    file = FILES.get(os.fspath(toml))
    remembered = file.chosen.get(name)
    if remembered is not None and remembered[0] is platform:
        return remembered[1]
    entry = _read_entry(name, file.table, platform, Path(toml))
    if entry.platform is None or not callable(platform):  # else it may change
        file.chosen[name] = platform, entry
    return entry


def elements_of(value: object, place: Place) -> Iterator[tuple[Any, Place]]:
    """Yield all that a name is bound to: the elements of its array, or its one table.

    Args:
        value: The value of the name in the file.
        place: Its place.
    """
    if isinstance(value, list):
        for number, element in enumerate(value):
            yield element, place / number
    else:
        yield value, place


def entries_of(
    table: Mapping[str, Any], path: Path | None
) -> Iterator[tuple[TomlDict, Place]]:
    """Yield the table of every entry of a file, skipping what is not a table."""
    for name, value in table.items():
        for element, place in elements_of(value, Place.of(name, path)):
            if isinstance(element, dict):
                yield element, place


def platforms_of(
    elements: list[Any], place: Place
) -> Iterator[tuple[Platform, TomlDict, Place]]:
    """Yield the elements of a name's array, each after its platform.

    Julia: ``unpack_platform`` for each (Artifacts.jl:281-303).

    Raises:
        ArtifactsTomlError: An element has no platform that Julia could read.
    """
    for element, here in elements_of(elements, place):
        yield _platform_of(element, here), element, here


def _platform_of(element: object, place: Place) -> Platform:
    # Imported here: most artifacts suit every platform.
    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.platforms.tags import REQUIRED_TAGS

    if not isinstance(element, dict):
        raise place.error(f"expected a table, found {element!r}")
    for key in REQUIRED_TAGS:
        if not isinstance(element.get(key), str):
            raise place.expected("a string", element, key)
    try:
        return Platform.from_entry(element)
    except PlatformError as error:
        raise place.error(str(error)) from error


def _choose(
    elements: list[Any], platform: Platform, place: Place
) -> tuple[Platform, TomlDict, Place] | None:
    from fetch_artifacts.platforms.matching import select_platform

    # Artifacts.jl:408-416: of two elements for equal platforms the later one counts, as
    # the value and as the key; a Python dict would keep the first one's key.
    candidates: dict[Platform, tuple[Platform, TomlDict, Place]] = {}
    for found in reversed(tuple(platforms_of(elements, place))):
        candidates.setdefault(found[0], found)
    try:
        return select_platform(candidates, platform)
    except PlatformError as error:
        raise place.error(str(error)) from error


def _metas(
    table: Mapping[str, Any], platform: Platform, path: Path | None
) -> Iterator[tuple[str, TomlDict, Place]]:
    for name in table:
        found = _find_meta(name, table, platform, path)
        if found is not None:
            yield name, *found


def _is_lazy(meta: TomlDict, place: Place) -> bool:
    lazy = meta.get("lazy", False)
    if not isinstance(lazy, bool):
        raise place.expected("true or false", meta, "lazy")
    return lazy


def find_entry(
    name: str,
    table: Mapping[str, Any],
    platform: PlatformChoice | None,
    path: Path | None,
) -> tuple[TomlDict, Platform | None, Place]:
    """Return the table that suits a platform, what it is built for, and its place.

    Args:
        name: The name it is bound to.
        table: The table of the whole file.
        platform: The platform that it must suit, or a function that returns it;
            None where only one can be meant.
        path: The file, for messages.

    Raises:
        ArtifactNotFoundError: The name is not in the file.
        NoMatchingPlatformError: The name is there for other platforms only.
        ArtifactsTomlError: One of the name's entries can't be read, or there are
            several and no platform was given.
    """
    if name not in table:
        raise _not_found(name, table, path)
    value, place = table[name], Place.of(name, path)
    if isinstance(value, dict):
        return value, None, place
    if not isinstance(value, list):
        raise place.error(f"expected a table or an array of tables, found {value!r}")
    if platform is None:
        candidates = [built_for for built_for, _, _ in platforms_of(value, place)]
        if len(candidates) != 1:
            found = ", ".join(map(str, candidates)) or "none"
            raise place.error(f"expected one platform or a choice, found {found}")
        platform = candidates[0]
    platform = resolve_platform(platform, path)
    chosen = _choose(value, platform, place)
    if chosen is None:
        raise _no_match(name, value, platform, place)
    built_for, entry, place = chosen
    return entry, built_for, place


def resolve_platform(
    platform: PlatformChoice, toml: str | os.PathLike[str] | None
) -> Platform:
    """Give the platform to choose for.

    A function that finds out this machine's goes by what the file's project says.

    Args:
        platform: The platform, or a function that returns it.
        toml: The file to choose from, None where it is not known.
    """
    if not callable(platform):
        return platform
    with project_of(toml) if toml is not None else contextlib.nullcontext():
        return platform()


def _read_entry(
    name: str, table: Mapping[str, Any], platform: PlatformChoice, path: Path | None
) -> ArtifactEntry:
    entry, built_for, place = find_entry(name, table, platform, path)
    return ArtifactEntry.from_entry(name, entry, built_for, place)


def _not_found(
    name: str, table: Mapping[str, Any], path: Path | None
) -> ArtifactNotFoundError:
    from fetch_artifacts.spelling import nearest_name

    names = sorted(table)
    close = nearest_name(name, names)
    msg = f"{path or 'Artifacts.toml'}: expected an artifact {name!r}, found " + (
        ", ".join(map(repr, names)) or "no artifacts at all"
    )
    if close is not None:
        msg += f"; did you mean {close!r}?"
    return ArtifactNotFoundError(msg, name=name, path=path)


def _no_match(
    name: str, elements: list[Any], platform: Platform, place: Place
) -> NoMatchingPlatformError:
    from fetch_artifacts.platforms.matching import first_difference

    lines = [f"{place.path or 'Artifacts.toml'}: {name!r} has no entry for {platform}"]
    candidates = [candidate for candidate, _, _ in platforms_of(elements, place)]
    differences = [first_difference(each, platform) for each in candidates]
    lines += [
        f"  {candidate}: {difference[0]} is {difference[1]}, not {difference[2]}"
        for candidate, difference in zip(candidates, differences, strict=True)
        if difference
    ]
    if not elements:
        lines.append("  it has none for any platform")
    msg = "\n".join(lines)
    return NoMatchingPlatformError(msg, name=name, path=place.path)
