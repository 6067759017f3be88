"""The Artifacts.toml files of an environment: its packages in Python and in Julia."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fetch_artifacts.artifacts_toml.search import (
    ARTIFACTS_TOML_NAMES,
    artifacts_toml_in,
)
from fetch_artifacts.depot.stack import depot_path
from fetch_artifacts.errors import ArtifactsTomlError, DownloadError
from fetch_artifacts.files.regular import read_regular
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.urls import local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_log = logging.getLogger(__name__)

_SLUG_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SLUG_LENGTHS: Final = 5, 4  # the second: Julia 1.0 and older (loading.jl)
_CASTAGNOLI: Final = 0x82F63B78
_HEX: Final = "[0-9A-Fa-f]"
_FACTS: Final = {
    "path": (".+", "a path"),
    "uuid": (f"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}", "a UUID"),
    "git-tree-sha1": (f"{_HEX}{{40}}", "40 hex digits"),
}
"""What an entry of a Manifest may say of its package."""


def distribution_tomls(
    distributions: Iterable[metadata.Distribution] | None = None,
) -> list[Path]:
    """Find the Artifacts.toml files that installed Python packages contain.

    For an editable install, its project's folder is searched, or ``src`` in it.

    Args:
        distributions: The packages; those of this Python unless given.
    """
    found: set[Path] = set()
    for each in metadata.distributions() if distributions is None else distributions:
        project = _edited_project(each)
        if project is not None:
            found.update(_tomls_below(project))
        for file in _files(each):
            if file.name in ARTIFACTS_TOML_NAMES:
                path = Path(str(each.locate_file(file)))
                found.update(_toml_in(path.parent))
    return sorted(found)


def _files(distribution: metadata.Distribution) -> Sequence[metadata.PackagePath]:
    """What a package installed; nothing, with a warning, where that can't be read."""
    try:
        return distribution.files or ()
    except (ValueError, TypeError, csv.Error) as error:
        _log.warning(
            "%s: left out, as its list of files (RECORD) is damaged: %s; install it "
            "again",
            distribution.metadata["Name"],
            error,
        )
        return ()


def _toml_in(folder: Path) -> Iterator[Path]:
    path = artifacts_toml_in(str(folder))
    if path:
        yield Path(path)


def _edited_project(distribution: metadata.Distribution) -> Path | None:
    """The folder of an editable install (PEP 610), None for any other."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return local_path(origin["url"])
    except (ValueError, KeyError, AttributeError, DownloadError):
        pass
    return None


def _tomls_below(project: Path) -> Iterator[Path]:
    sources = project / "src"  # what is beside it is not installed
    for folder, names, files in os.walk(sources if sources.is_dir() else project):
        names[:] = [
            name
            for name in names
            if not name.startswith(".")
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        if not {*ARTIFACTS_TOML_NAMES}.isdisjoint(files):
            yield from _toml_in(Path(folder))


def manifest_tomls(manifest: Path) -> list[Path]:
    """Find the Artifacts.toml files of the packages that a Julia Manifest names.

    Args:
        manifest: A Manifest.toml of any Julia since 1.0. Its packages have to be in a
            depot, as ``Pkg.instantiate()`` puts them there; one that isn't is warned
            of.

    Raises:
        ArtifactsTomlError: It is not a Manifest, or an entry is damaged.
        OSError: It can't be read.
    """
    try:
        table = parse_toml(read_regular(manifest).decode("utf-8"))
    except ValueError as error:
        msg = f"expected a Manifest.toml: {error}"
        raise ArtifactsTomlError(msg, path=manifest) from error
    if isinstance(table.get("manifest_format"), str):
        table = {"deps": {}, **table}["deps"]
    if not isinstance(table, dict):
        raise _damaged("deps", "a table", table, manifest)
    found: set[Path] = set()
    for name, entries in table.items():
        for package in _tables(name, entries, manifest):
            found.update(_package_toml(name, package, manifest))
    return sorted(found)


def _tables(name: str, entries: object, manifest: Path) -> list[dict[str, Any]]:
    """The entries of a package; none for a fact about the file, such as its version."""
    if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
        return entries
    if isinstance(entries, list | dict):
        raise _damaged(name, f"[[{name}]], as in a Manifest.toml", entries, manifest)
    return []


def _damaged(
    context: str, expected: str, found: object, manifest: Path
) -> ArtifactsTomlError:
    shown = "an array" if isinstance(found, list) else repr(found)
    shown = "a table" if isinstance(found, dict) else shown
    msg = f"expected {expected}, found {shown}; Pkg.resolve() writes a Manifest anew"
    return ArtifactsTomlError(msg, path=manifest, context=context)


def _package_toml(
    name: str, package: Mapping[str, Any], manifest: Path
) -> Iterator[Path]:
    """The file of one package; a package of the standard library has no folder."""

    def text(key: str) -> str:
        pattern, expected = _FACTS[key]
        value = package.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _damaged(f"{name}.{key}", expected, value, manifest)
        return value

    if "path" in package:
        yield from _toml_in(manifest.parent / text("path"))
    elif "git-tree-sha1" in package:
        folder = _package_folder(name, text("uuid"), text("git-tree-sha1"))
        if folder is None:
            _log.warning("%s: %s is in no depot; instantiate it first", manifest, name)
        else:
            yield from _toml_in(folder)


def _package_folder(name: str, uuid: str, tree_hash: str) -> Path | None:
    for depot in depot_path():
        for length in _SLUG_LENGTHS:
            slug = version_slug(uuid, tree_hash, length)
            folder = Path(depot, "packages", name, slug)
            if folder.is_dir():
                return folder
    return None


def version_slug(uuid: str, tree_hash: str, length: int = 5) -> str:
    """Name the folder of one version of a package (Base loading.jl `version_slug`)."""
    # _crc32c of a UUID takes its number as it lies in memory.
    rest = _crc32c(UUID(uuid).int.to_bytes(16, "little") + bytes.fromhex(tree_hash))
    slug = ""
    for _ in range(length):
        rest, digit = divmod(rest, len(_SLUG_LETTERS))
        slug += _SLUG_LETTERS[digit]
    return slug


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
