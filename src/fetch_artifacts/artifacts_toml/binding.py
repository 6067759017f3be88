"""Adding bindings to an Artifacts.toml, extending them and removing them.

Julia: ``bind_artifact!`` and ``unbind_artifact!`` of Pkg 1.12 (Pkg.jl
Artifacts.jl:203-311). Nothing here writes to the usage log: callers that know the depot
do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch_artifacts.artifacts_toml.choosing import find_entry, platforms_of
from fetch_artifacts.artifacts_toml.editing import change_file
from fetch_artifacts.artifacts_toml.entry import source_faults
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import BindingExistsError
from fetch_artifacts.platforms.matching import platforms_match
from fetch_artifacts.urls import has_login, redacted

if TYPE_CHECKING:
    import os

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.artifacts_toml.file import TomlDict
    from fetch_artifacts.platforms.platform import Platform


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A name and the tree that it is bound to.

    Attributes:
        name: The name.
        tree_hash: The tree.
        downloads: The sources of its archive, best first. As in Julia, an empty tuple
            is written as ``download = []``; for None the key is left out.
        platform: What the tree is built for; a name may be bound once for each
            platform. None for every platform.
        lazy: Whether it is to be installed on first use only.
    """

    name: str
    tree_hash: TreeHash
    downloads: tuple[DownloadSource, ...] | None = None
    platform: Platform | None = None
    lazy: bool = False

    def to_entry(self, path: Path | None) -> TomlDict:
        """Return the entry to write. Julia: ``bind_artifact!``.

        Args:
            path: The file that errors name.

        Raises:
            HashParseError: The hash is not a git-tree-sha1.
            ArtifactsTomlError: A source is not valid.
        """
        entry: TomlDict = {"git-tree-sha1": str(TreeHash.parse(str(self.tree_hash)))}
        if self.lazy:
            entry["lazy"] = True
        if self.downloads is not None:
            place = Place.of(self.name, path) / "download"
            entry["download"] = [
                _checked(source, place / number)
                for number, source in enumerate(self.downloads)
            ]
        return entry if self.platform is None else {**entry, **self.platform.to_entry()}


def bind(
    path: str | os.PathLike[str],
    binding: Binding,
    *,
    force: bool = False,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name to a tree; the file is made if there is none.

    Args:
        path: The Artifacts.toml; its folder must exist.
        binding: The name, the tree and the rest of the entry.
        force: Whether an existing binding is replaced.
        keep_comments: As for `change_file`.

    Raises:
        BindingExistsError: As `check_free`.
        HashParseError: The hash is not a git-tree-sha1.
        PlatformError: A platform that the name is bound for has no valid version.
        ArtifactsTomlError: A source is not valid, the file can't be read, or it can't
            be edited in place.
        ArtifactsTomlNotFoundError: The folder does not exist.
    """
    path = Path(path)
    name, platform, entry = binding.name, binding.platform, binding.to_entry(path)

    def change(table: TomlDict) -> TomlDict:
        kept = _kept(path, name, table.get(name, []), platform, force=force)
        return {**table, name: entry if platform is None else [*kept, entry]}

    change_file(path, change, keep_comments=keep_comments, create=True)


def check_free(
    path: str | os.PathLike[str], name: str, platform: Platform | None, *, force: bool
) -> None:
    """Make sure that `bind` would bind a name, before any work is done for it.

    Args:
        path: The Artifacts.toml, which may be missing.
        name: The name.
        platform: What it is to be bound for, None for every platform.
        force: Whether an existing binding is to be replaced.

    Raises:
        BindingExistsError: The name is bound already, for this platform or for one
            that it matches; or, even with ``force``, for every platform while
            ``platform`` is given.
        PlatformError: A platform that the name is bound for has no valid version.
        ArtifactsTomlError: The file can't be read.
    """
    path = Path(path)
    if path.exists():
        existing = load_artifacts_toml(path).get(name, [])
        _kept(path, name, existing, platform, force=force)


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
        keep_comments: As for `change_file`.

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

    return change_file(path, change, keep_comments=keep_comments).changes_meaning


def add_source(
    path: str | os.PathLike[str],
    name: str,
    source: DownloadSource,
    *,
    platform: Platform | None = None,
    keep_comments: bool | None = None,
) -> None:
    """Append a download source to an artifact.

    Args:
        path: The Artifacts.toml.
        name: The name of the artifact.
        source: The source.
        platform: Chooses among the platforms that the name is bound for; not needed
            where there is but one.
        keep_comments: As for `change_file`.

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
            msg = f"{path}: {name!r} has the source {redacted(source.url)} already"
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
    if has_login(source.url):
        _log.warning(
            "%s: the login in this URL goes into the Artifacts.toml, for all to read; "
            "take it out, and keep it in ~/.netrc",
            redacted(source.url),
        )
    return entry


def _kept(
    path: Path, name: str, existing: object, platform: Platform | None, *, force: bool
) -> list[TomlDict]:
    """The elements of a name that stay beside a new one, if it may be bound at all."""
    if platform is None:
        # In Julia, too, `name = []` counts as unbound.
        if existing != [] and not force:
            raise _exists(path, name, "is bound", "force=True replaces it")
        return []
    if not isinstance(existing, list):
        # Artifacts.jl:257: not even with force can Julia make a list of a table.
        hint = "unbind it first, or bind it without a platform"
        raise _exists(path, name, "is bound for every platform", hint)
    for other, _, _ in platforms_of(existing, Place.of(name, path)):
        if not force and platforms_match(platform, other):
            problem = f"is bound for {other}, which {platform} fits"
            hint = (
                "force=True replaces it"
                if other.tags == platform.tags
                else "unbind that"
            )
            raise _exists(path, name, problem, hint)
    return _without(existing, platform, Place.of(name, path))


def _without(elements: list[Any], platform: Platform, place: Place) -> list[TomlDict]:
    # By tags alone. Julia also compares the strategies, so there a binding made for
    # `HostPlatform()` can't be replaced or removed (Pkg #3623).
    return [
        element
        for other, element, _ in platforms_of(elements, place)
        if other.tags != platform.tags
    ]


def _exists(path: Path, name: str, problem: str, hint: str) -> BindingExistsError:
    msg = f"{path}: {name!r} already exists: it {problem}; {hint}"
    return BindingExistsError(msg, path=path, name=name)
