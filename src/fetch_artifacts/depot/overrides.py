"""Overrides.toml: which trees are elsewhere.

Each ``artifacts`` folder may hold one. A key that is a tree hash sends that tree to a
folder or to another tree; a table whose key is a package's UUID does so for the names
that the package binds; ``""`` takes back what a later depot says. Julia: the part of
``Artifacts.jl`` from 72 to 216, and ``process_overrides`` (341-375).

Where Julia logs an error and goes on, this logs a warning; where Julia throws, this
raises. Julia reads the files once per process; this reads a changed file again.
"""

from __future__ import annotations

import contextlib
import os
import re
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fetch_artifacts import julia_toml
from fetch_artifacts.digests import TreeHash, is_tree_hash
from fetch_artifacts.errors import HashParseError, OverrideError
from fetch_artifacts.files.regular import read_if_there
from fetch_artifacts.files.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

Target: TypeAlias = "Path | TreeHash"

OVERRIDES_TOML: Final = "Overrides.toml"
_SHOWN: Final = 20  # trees of a circle in a message

# uuid.jl: Julia takes no other form, in upper or lower case.
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Overrides(NamedTuple):
    """What the Overrides.toml of all depots say together.

    Attributes:
        by_hash: Where a tree is, whatever binds it.
        by_name: Where the artifacts of a package are, by the package's UUID in lower
            case and by name.
        files: The files that were read, in the order of the depots.
    """

    by_hash: Mapping[TreeHash, Target]
    by_name: Mapping[str, Mapping[str, Target]]
    files: tuple[str, ...] = ()

    def resolve(self, tree_hash: TreeHash) -> Target | None:
        """Follow the overrides of a tree to their end, None if it has none.

        Julia: ``query_override(hash)`` (Artifacts.jl:195-209).

        Returns:
            A folder, which may be missing, or a tree that is not overridden itself.

        Raises:
            OverrideError: The overrides go round in a circle. Julia's stack overflows.
        """
        target = self.by_hash.get(tree_hash)
        if target is None:
            return None
        seen = {tree_hash: None}  # as a set, but in order
        while isinstance(target, TreeHash):
            if target in seen:
                raise _circle([*seen, target], self.files)
            seen[target] = None
            if target not in self.by_hash:
                return target
            target = self.by_hash[target]
        return target

    def resolve_name(self, package: UUID | str, name: str) -> Target | None:
        """Follow the override of a package's artifact, None if it has none.

        Julia: ``query_override(uuid, name)`` (Artifacts.jl:210-216).

        Args:
            package: The package's UUID, as text or ``uuid.UUID``.
            name: The name that the package binds.

        Raises:
            OverrideError: The overrides go round in a circle.
        """
        target = self.by_name.get(str(package).lower(), {}).get(name)
        if isinstance(target, TreeHash):
            return self.resolve(target) or target
        return target

    def for_package(
        self, package: UUID | str, bound: Mapping[str, Iterable[TreeHash]]
    ) -> Overrides:
        """Add a package's overrides by name to those by hash.

        Julia's ``process_overrides`` changes the table of the whole process; this
        returns a new value.

        Args:
            package: The package's UUID, as text or ``uuid.UUID``.
            bound: The trees that the package binds, by name.
        """
        names = self.by_name.get(str(package).lower(), {})
        added = {
            tree_hash: names[name]
            for name in names.keys() & bound.keys()
            for tree_hash in bound[name]
        }
        if not added:
            return self
        return self._replace(by_hash=MappingProxyType({**self.by_hash, **added}))


def _circle(hashes: Sequence[TreeHash], files: Sequence[str]) -> OverrideError:
    *first, last = map(str, hashes)
    if len(first) > _SHOWN:
        first = [*first[:_SHOWN], "..."]
    stating = (file for file in files if place_of(file, last) != file)
    file = next(stating, OVERRIDES_TOML)
    msg = (
        f"{place_of(file, last)}: expected overrides that end at a folder or at a "
        f"tree, found a circle: {' -> '.join((*first, last))}; "
        f"`{removing(file, last)}` takes one of them back"
    )
    return OverrideError(msg)


def load_overrides(
    artifacts_dirs: Iterable[str | os.PathLike[str]], *, force: bool = False
) -> Overrides:
    """Read the Overrides.toml of all ``artifacts`` folders; the first folder wins.

    The result is remembered until a file is changed, added or removed. Julia:
    ``load_overrides`` (Artifacts.jl:111-192).

    Args:
        artifacts_dirs: The folders.
        force: Whether to read the files even if nothing seems to have changed.

    Raises:
        OverrideError: A file is not TOML, or a package's table holds what is neither
            an absolute path, nor a hash, nor empty. Julia throws there too.
    """
    if force:
        _FILES.forget()
    # Most depots have none; access takes less time than stat to find that out.
    files = [
        file
        for folder in artifacts_dirs
        if os.access(file := f"{os.fspath(folder)}{os.sep}{OVERRIDES_TOML}", os.F_OK)
    ]
    return _merged(*[_FILES.get(file) for file in files])


class _File:
    __slots__ = ("path", "table")

    def __init__(self, path: str, table: dict[str, Any]) -> None:
        self.path = path
        self.table = table


def _read(path: str) -> _File:
    return _File(path, read_overrides_toml(Path(path)))


_FILES: Final = Remembered(_read)


@lru_cache(maxsize=32)
def _merged(*files: _File) -> Overrides:
    by_hash: dict[TreeHash, Target] = {}
    by_name: dict[str, dict[str, Target]] = {}
    for file in reversed(files):
        for key, value in file.table.items():
            if isinstance(value, dict):
                _add_package(by_name, key, value, file.path)
            else:
                _add_hash(by_hash, key, value, file.path)
    return Overrides(
        by_hash=MappingProxyType(by_hash),
        by_name=MappingProxyType(
            {uuid: MappingProxyType(names) for uuid, names in by_name.items()}
        ),
        files=tuple(file.path for file in files),
    )


def read_overrides_toml(path: Path) -> dict[str, Any]:
    """Read one file as it is now; a missing file has no overrides.

    Raises:
        OverrideError: It is not TOML, or can't be read.
    """
    try:
        content = read_if_there(path)
    except OSError as error:
        msg = f"{path}: can't be read: {error.strerror or error}"
        raise OverrideError(msg) from error
    return {} if content is None else parse_overrides_toml(content, path)


def parse_overrides_toml(content: bytes, path: Path) -> dict[str, Any]:
    """Read the bytes of one file.

    Args:
        content: The bytes.
        path: The file, for messages.

    Raises:
        OverrideError: They are not TOML.
    """
    try:
        return julia_toml.loads(content)
    except ValueError as error:
        raise _not_toml(content, path, error) from error


def _not_toml(content: bytes, path: Path, error: ValueError) -> OverrideError:
    stated = re.search(r"at line (\d+)", str(error))
    at = error.start if isinstance(error, UnicodeDecodeError) else len(content.rstrip())
    number = int(stated[1]) if stated else content.count(b"\n", 0, at) + 1
    found = dict(stated_keys(content.decode("utf-8", "replace"))).get(number)
    back = f"take it back: `{removing(path, *found)}`" if found else "delete it"
    return OverrideError(
        f"{path}:{number}: expected TOML: {error}; correct the line, or {back}"
    )


def stated_keys(content: str) -> Iterator[tuple[int, tuple[str, str | None]]]:
    """Find the lines that state an override in a text that need not be TOML.

    Yields:
        The number of the line, from 1; the key, and the package whose name it is.
    """
    package = None
    for number, line in enumerate(content.split("\n"), 1):
        if header := re.match(r"\s*\[(.*)", line):
            uuid = re.match(rf"""\s*["']?({_UUID})["']?\s*\]""", header[1])
            package = uuid[1] if uuid else None
        elif key := re.match(r"""\s*("[^"\\]+"|'[^']+'|[\w-]+)\s*=""", line):
            text = key[1].strip("\"'")
            if package or is_tree_hash(text):
                yield number, (text, package)


def removing(path: str | os.PathLike[str], key: str, package: str | None = None) -> str:
    """Give the command that removes an override from one file, for messages.

    Args:
        path: The file, of any depot.
        key: The hash, or the name.
        package: The UUID of the package whose name it is.
    """
    from shlex import quote

    folder = Path(path).parent
    uuid = f" --uuid {package}" if package else ""
    depot = (
        f" --depot {quote(str(folder.parent))}" if folder.name == "artifacts" else ""
    )
    return f"fetch-artifacts override --remove {quote(key)}{uuid}{depot}"


def parse_target(value: object) -> Target | None:
    """Read the value of an override; None for ``""``, which cancels one.

    Raises:
        OverrideError: It is neither an absolute path, nor a tree hash, nor empty.
    """
    if value == "":
        return None
    if isinstance(value, str) and os.path.isabs(value):
        return Path(value)
    try:
        return TreeHash.parse(value)  # type: ignore[arg-type] # it checks the type
    except HashParseError:
        msg = f"expected an absolute path, 40 hex digits or nothing, found {value!r}"
        raise OverrideError(msg) from None


def parse_uuid(text: str) -> str:
    """Give a UUID in lower case.

    Raises:
        OverrideError: Julia does not accept the text as a UUID.
    """
    if not re.fullmatch(_UUID, text):
        msg = f"expected a package's UUID, found {text!r}"
        raise OverrideError(msg)
    return text.lower()


def place_of(path: str | os.PathLike[str], *keys: str) -> str:
    """Give a file with the number of the line that states an override, for messages.

    Args:
        path: The file.
        keys: The hash; or the package's UUID and a name.

    Returns:
        Only the file, where the line is not found.
    """
    from fetch_artifacts.julia_toml.spans import statements

    wanted = tuple(key.lower() for key in keys)
    with contextlib.suppress(OSError, ValueError):  # it was changed meanwhile
        text = Path(path).read_text("utf-8", "surrogateescape")
        for statement in statements(text):
            for found, (start, _) in statement.values.items():
                if tuple(str(key).lower() for key in found) == wanted:
                    line = text.count("\n", 0, start) + 1
                    return f"{os.fspath(path)}:{line}"
    return os.fspath(path)


def _set(targets: dict[Any, Target], key: object, target: Target | None) -> None:
    if target is None:
        targets.pop(key, None)
    else:
        targets[key] = target


def _add_hash(
    by_hash: dict[TreeHash, Target], key: str, value: object, path: str
) -> None:
    try:
        _set(by_hash, TreeHash.parse(key), parse_target(value))
    except (HashParseError, OverrideError) as error:
        _warn_of_ignored(path, key, error)


def _warn_of_ignored(path: str, key: str, error: Exception) -> None:
    import logging

    logging.getLogger(__name__).warning(
        "%s: %s: %s; ignored", place_of(path, key), julia_toml.dump_key(key), error
    )


def _add_package(
    by_name: dict[str, dict[str, Target]], key: str, names: dict[str, Any], path: str
) -> None:
    try:
        targets = by_name.setdefault(parse_uuid(key), {})
    except OverrideError as error:
        _warn_of_ignored(path, key, error)
        return
    name = ""
    try:
        for name, value in names.items():
            _set(targets, name, parse_target(value))
    except OverrideError as error:
        # Artifacts.jl:170-177: unlike a bad value at the top, this one is not skipped.
        msg = (
            f"{place_of(path, key, name)}: {julia_toml.dump_key(key, name)}: {error}; "
            f"correct the file, or take it back: `{removing(path, name, key)}`"
        )
        raise OverrideError(msg) from None


def artifact_paths(
    tree_hash: TreeHash,
    artifacts_dirs: Sequence[str | os.PathLike[str]],
    overrides: Overrides,
) -> tuple[Path, ...]:
    """List every place where a tree may be, whether or not it is there.

    Julia: ``artifact_paths`` (Artifacts.jl:224-234). An overridden tree has one place.

    Raises:
        OverrideError: The overrides go round in a circle.
    """
    target = overrides.resolve(tree_hash)
    if isinstance(target, Path):
        return (target,)
    name = str(target or tree_hash)
    places = tuple([Path(folder, name) for folder in artifacts_dirs])
    if target is None or not places:
        return places
    # Artifacts.jl:196: of the other tree, the place that has it, or else the first
    return (next((place for place in places if place.is_dir()), places[0]),)
