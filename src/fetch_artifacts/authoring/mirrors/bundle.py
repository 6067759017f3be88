"""Bundles: a mirror in one tar, for a machine without a network."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.search import ARTIFACTS_TOML_NAMES
from fetch_artifacts.authoring.mirrors import mirror
from fetch_artifacts.authoring.mirrors.selection import entries_by_tree
from fetch_artifacts.authoring.mirrors.store import FolderStore
from fetch_artifacts.depot.usage.log import mark_used
from fetch_artifacts.errors import InstallError
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.install.bundle import BundleReader
from fetch_artifacts.install.installer import Installer
from fetch_artifacts.tar.writer import tar_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from fetch_artifacts.platforms.matching import PlatformChoice
    from fetch_artifacts.terminal.progress import Progress


def write_bundle(
    bundle: Path,
    tomls: Iterable[Path],
    platforms: Sequence[PlatformChoice] | None,
    *,
    jobs: int | None = None,
    report: Progress | None = None,
) -> int:
    """Write what some files bind, and the files, into one reproducible tar.

    ``artifact/<hash>``, ``registries`` and ``meta`` are those of a mirror;
    ``toml/<sha256>/Artifacts.toml`` are the files. There are no times, owners or
    paths of this machine in it.

    Args:
        bundle: The tar to write.
        tomls: The files.
        platforms: What to choose entries for; None for all entries.
        jobs: How many downloads may run at once; what the settings say if None.
        report: Called with each step, from several threads.

    Returns:
        How many trees it holds.

    Raises:
        InstallError: An archive could not be had. Nothing was written.
        ArtifactsTomlError: A file can't be read.
        OSError: The bundle can't be written.
    """
    tomls = list(tomls)
    entries = entries_by_tree(tomls, platforms)
    with tempfile.TemporaryDirectory(
        prefix=".bundle-", dir=bundle.absolute().parent
    ) as scratch:
        store = FolderStore(folder=Path(scratch, "bundle"))
        mirror.fill(store, entries, jobs=jobs, report=report)
        for toml in tomls:
            data = toml.read_bytes()
            name = toml.name if toml.name in ARTIFACTS_TOML_NAMES else "Artifacts.toml"
            store.write(f"toml/{hashlib.sha256(data).hexdigest()}/{name}", data)
        with replacing(bundle) as file:
            file.writelines(tar_chunks(store.folder))
    return len(entries)


def install_bundle(
    bundle: Path,
    tomls: Collection[Path],
    platform: PlatformChoice,
    *,
    jobs: int | None = None,
    report: Progress | None = None,
) -> list[tuple[str, Path]]:
    """Install from a bundle, whatever the network is.

    Args:
        bundle: The bundle.
        tomls: The Artifacts.toml files whose artifacts are installed; those in the
            bundle if there are none.
        platform: What to choose entries for.
        jobs: How many archives are unpacked at once.
        report: Called with each step, from several threads.

    Returns:
        The names, each with the folder of its tree.

    Raises:
        UnpackError: It is no bundle.
        InstallError: The bundle lacks an artifact that is not lazy, or has a damaged
            one.
        DepotError: The depot can't be written.
    """
    reader = BundleReader(bundle)
    with tempfile.TemporaryDirectory() as scratch:
        files = list(tomls) or _written(reader.tomls(), Path(scratch))
        entries = entries_by_tree(files, [platform])
    if not files:
        msg = f"{bundle}: expected Artifacts.toml files in it, found none; name one"
        raise InstallError(msg, name="")
    there = reader.trees()
    wanted = [
        entry for tree, entry in entries.items() if str(tree) in there or not entry.lazy
    ]
    for toml in tomls:
        mark_used(str(toml))  # first: until then a gc may delete what is there
    with Installer(progress=report, reader=reader) as installer:
        paths = installer.ensure_trees(wanted, jobs=jobs)
    return [(entry.name, paths[entry.tree_hash]) for entry in wanted]


def _written(tomls: Iterable[bytes], folder: Path) -> list[Path]:
    """Write files that can be read where they are only text so far."""
    paths = []
    for number, data in enumerate(tomls):
        path = folder / str(number) / "Artifacts.toml"
        path.parent.mkdir()
        path.write_bytes(data)
        paths.append(path)
    return paths
