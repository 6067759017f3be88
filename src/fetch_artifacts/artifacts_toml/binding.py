"""What an Artifacts.toml binds: adding to it, taking from it.

Julia: ``bind_artifact!`` and ``unbind_artifact!`` of Pkg 1.12 (Pkg.jl
Artifacts.jl:203-311). Either the whole file is written anew in Julia's bytes, or, with
``keep_comments``, only the lines that change. Each change is one step for whoever reads
the file, and is made under a lock, so that none gets lost.

Nothing here enters the usage log; that is done by who knows the depot.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.artifacts_toml.choosing import find_entry, platforms_of
from fetch_artifacts.artifacts_toml.editing import change_file
from fetch_artifacts.artifacts_toml.entry import source_faults
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import BindingExistsError
from fetch_artifacts.platforms.matching import platforms_match

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.artifacts_toml.file import TomlDict
    from fetch_artifacts.platforms.platform import Platform


def bind(  # noqa: PLR0913 - Julia's parameters
    path: str | os.PathLike[str],
    name: str,
    tree_hash: TreeHash,
    *,
    platform: Platform | None = None,
    downloads: Iterable[DownloadSource] | None = None,
    lazy: bool = False,
    force: bool = False,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name to a tree; the file is made if there is none.

    Args:
        path: The Artifacts.toml; its folder must exist.
        name: The name.
        tree_hash: The tree.
        platform: What the tree is built for; a name may be bound once for each
            platform. None for every platform.
        downloads: Where its archive can be had, best first. Like Julia, writes
            ``download = []`` for none and leaves the key out for None.
        lazy: Whether it is to be installed on first use only.
        force: Whether an existing binding is replaced.
        keep_comments: Whether all other lines are left as they are. None: in a file
            that Julia, or this package, did not write.

    Raises:
        BindingExistsError: The name is bound already, for this platform or for one
            that it matches; or, even with ``force``, for every platform while
            ``platform`` is given.
        HashParseError: The hash is no git-tree-sha1.
        PlatformError: A platform that the name is bound for has no valid version.
        ArtifactsTomlError: A source is not valid, the file can't be read, or it can't
            be edited in place.
        ArtifactsTomlNotFoundError: The folder does not exist.
    """
    path = Path(path)
    place = Place.of(name, path)
    entry: TomlDict = {"git-tree-sha1": str(TreeHash.parse(str(tree_hash)))}
    if lazy:
        entry["lazy"] = True
    if downloads is not None:
        entry["download"] = [
            _checked(source, place / "download" / number)
            for number, source in enumerate(downloads, 1)
        ]

    def change(table: TomlDict) -> TomlDict:
        existing = table.get(name, [])
        if platform is not None:
            others = _other_elements(path, name, existing, platform, force=force)
            return {**table, name: [*others, {**entry, **platform.to_entry()}]}
        # In Julia too, `name = []` is in nobody's way.
        if existing != [] and not force:
            raise _exists(path, name, "is bound", "force replaces it")
        return {**table, name: entry}

    change_file(path, change, keep_comments=keep_comments, create=True)


def unbind(
    path: str | os.PathLike[str],
    name: str,
    *,
    platform: Platform | None = None,
    keep_comments: bool | None = None,
) -> bool:
    """Remove a name, or its binding for one platform.

    Args:
        path: The Artifacts.toml.
        name: The name.
        platform: The platform, exactly as it is bound; None for all.
        keep_comments: Whether all other lines are left as they are. None: in a file
            that Julia, or this package, did not write.

    Returns:
        Whether there was such a binding.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: The file can't be read or can't be edited in place, or a
            platform is given for a name that is bound for every platform.
    """
    path = Path(path)
    place = Place.of(name, path)

    def change(table: TomlDict) -> TomlDict | None:
        if name not in table:
            return None
        if platform is None:
            return {key: value for key, value in table.items() if key != name}
        value = table[name]
        if not isinstance(value, list):
            msg = f"it is bound for every platform, not for {platform} alone"
            raise place.error(f"{msg}; unbind it without a platform")
        return {**table, name: _without(value, platform, place)}

    return change_file(path, change, keep_comments=keep_comments).binds_else


def add_source(
    path: str | os.PathLike[str],
    name: str,
    source: DownloadSource,
    *,
    platform: Platform | None = None,
    keep_comments: bool | None = None,
) -> None:
    """Add a place where an artifact's archive can be had, as the last one.

    Args:
        path: The Artifacts.toml.
        name: The name of the artifact.
        source: The place.
        platform: Chooses among the platforms that the name is bound for; not needed
            where there is but one.
        keep_comments: Whether all other lines are left as they are. None: in a file
            that Julia, or this package, did not write.

    Raises:
        ArtifactNotFoundError: The name is not in the file.
        NoMatchingPlatformError: The name is there for other platforms only.
        BindingExistsError: The artifact has a source with this URL.
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: The file or the source is not valid, several platforms are
            bound and none was given, or the file can't be edited in place.
    """
    path = Path(path)
    added = _checked(source, Place.of(name, path) / "download")

    def change(table: TomlDict) -> TomlDict:
        entry, _, place = find_entry(name, table, platform, path)
        sources = entry.get("download", [])
        if not isinstance(sources, list):
            raise place.expected("an array of tables", entry, "download")
        if any(isinstance(s, dict) and s.get("url") == source.url for s in sources):
            msg = f"{path}: {name!r} has the source {source.url} already"
            raise BindingExistsError(msg, path=path, name=name)
        longer = {**entry, "download": [*sources, added]}
        value = table[name]
        if isinstance(value, list):
            return {**table, name: [longer if e is entry else e for e in value]}
        return {**table, name: longer}

    change_file(path, change, keep_comments=keep_comments)


def _checked(source: DownloadSource, place: Place) -> dict[str, Any]:
    entry = source.to_entry()
    for fault in source_faults(entry, place):
        raise fault
    return entry


def _other_elements(
    path: Path, name: str, existing: object, platform: Platform, *, force: bool
) -> list[TomlDict]:
    """The elements of a name that stay beside a new one."""
    if not isinstance(existing, list):
        # Artifacts.jl:257: not even with force can Julia make a list of a table.
        hint = "unbind it first, or bind it without a platform"
        raise _exists(path, name, "is bound for every platform", hint)
    place = Place.of(name, path)
    for _, other, _ in platforms_of(existing, place):
        if not force and platforms_match(platform, other):
            problem = f"is bound for {other}, which {platform} fits"
            hint = "force replaces it" if other.tags == platform.tags else "unbind that"
            raise _exists(path, name, problem, hint)
    return _without(existing, platform, place)


def _without(elements: list[Any], platform: Platform, place: Place) -> list[TomlDict]:
    # By tags alone. In Julia what a host can run takes part in the comparison, so that
    # one can't replace or unbind what was bound for `HostPlatform()` (Pkg #3623).
    return [
        element
        for _, other, element in platforms_of(elements, place)
        if other.tags != platform.tags
    ]


def _exists(path: Path, name: str, problem: str, hint: str) -> BindingExistsError:
    msg = f"{path}: {name!r} {problem} already; {hint}"
    return BindingExistsError(msg, path=path, name=name)
