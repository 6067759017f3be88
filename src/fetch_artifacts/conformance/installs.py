"""Each source of each entry, installed by Julia and by us in depots of their own."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts import julia_toml
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.conformance.check import Check, answer
from fetch_artifacts.depot.stack import with_artifacts_directory
from fetch_artifacts.errors import FetchArtifactsError, PlatformError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.installer import Installer
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.streams import sha256_of
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.conformance.check import Answer
    from fetch_artifacts.conformance.questions import Julia

_NAME: Final = "artifact"


def compare_installs(julia: Julia, toml: Path) -> Iterator[Check]:
    """Compare what both install, tree by tree and source by source.

    Raises:
        OracleError: Julia crashed.
    """
    for name, entry in _entries(toml):
        platform = _triplet(entry)
        for source in entry.get("download", ()):
            if not isinstance(source, dict):
                continue  # the check of the entry reports it
            with tempfile.TemporaryDirectory(prefix="conform-") as folder:
                theirs, ours = _installed_by_both(julia, Path(folder), entry, source)
            yield Check(
                file=toml,
                what="install",
                name=name,
                platform=platform,
                source=redacted(str(source.get("url", ""))),
                julia=theirs,
                python=ours,
            )


def _installed_by_both(
    julia: Julia, folder: Path, entry: dict[str, Any], source: dict[str, Any]
) -> tuple[Answer, Answer]:
    toml = _bound(folder, entry, source)
    return (
        answer(lambda: _by_julia(julia, folder, toml)),
        answer(lambda: _by_us(folder, toml)),
    )


def listing(folder: Path) -> str:
    """List a tree: its hash, then mode, name, and content or target of each entry."""
    lines = [f"git-tree-sha1 {hash_directory(folder)}"]
    for path in sorted([folder, *_below(folder)]):
        status = path.lstat()
        line = f"{stat.filemode(status.st_mode)} {path.relative_to(folder).as_posix()}"
        if stat.S_ISLNK(status.st_mode):
            line += f" -> {path.readlink()}"
        elif stat.S_ISREG(status.st_mode):
            line += f" {_sha256(path)}"
        lines.append(line)
    return "\n".join(lines)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return str(sha256_of(file))


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place, name)


def _entries(toml: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        table = load_artifacts_toml(toml)
    except FetchArtifactsError:
        return
    for name in sorted(table):
        value = table[name]
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                yield name, entry


def _triplet(entry: dict[str, Any]) -> str:
    """The triplet that an entry is bound for, "" where it names no platform."""
    if not entry.keys() & {"arch", "os"}:
        return ""
    try:
        return Platform.from_entry(entry).triplet
    except PlatformError:  # the check of the entry reports what can't be read
        return "-".join(str(entry[key]) for key in ("arch", "os") if key in entry)


def _bound(folder: Path, entry: dict[str, Any], source: dict[str, Any]) -> Path:
    """An Artifacts.toml that binds one tree, for all platforms, from one source."""
    alone = {key: entry[key] for key in ("git-tree-sha1",) if key in entry}
    toml = folder / "Artifacts.toml"
    text = julia_toml.dumps({_NAME: {**alone, "download": [source]}})
    toml.write_text(text, "utf-8", newline="")
    return toml


def _by_julia(julia: Julia, folder: Path, toml: Path) -> str:
    depot = folder / "julia"
    installed = julia.at(depot).ensure_artifact_installed(_NAME, toml)
    if not installed.is_dir():  # 1.5 logs that the hash is another one, and goes on
        msg = f"Julia installed nothing at {installed}"
        raise FetchArtifactsError(msg)
    return listing(installed)


def _by_us(folder: Path, toml: Path) -> str:
    settings = replace(Settings.from_environ(), pkg_server="")  # from the source alone
    with with_artifacts_directory(folder / "python" / "artifacts"):
        entry = entry_for(_NAME, toml, host_platform)
        with Installer(settings) as installer:
            return listing(installer.ensure(entry))
