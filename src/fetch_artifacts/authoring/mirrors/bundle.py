"""Writing bundles: a mirror in one tar, for a machine without a network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.search import ARTIFACTS_TOML_NAMES
from fetch_artifacts.authoring.mirrors import mirror
from fetch_artifacts.authoring.mirrors.selection import entries_by_tree
from fetch_artifacts.authoring.mirrors.store import FolderStore
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.files.writing import replacing
from fetch_artifacts.tar.writer import tar_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

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
        InstallError: An archive could not be obtained. Nothing was written.
        ArtifactsTomlError: A file can't be read.
        OSError: The bundle can't be written.
    """
    tomls = list(tomls)
    entries = entries_by_tree(tomls, platforms)
    with scratch_folder(bundle.absolute().parent) as scratch:
        store = FolderStore(folder=scratch / "bundle")
        mirror.fill(store, entries, jobs=jobs, report=report)
        for toml in tomls:
            data = toml.read_bytes()
            name = toml.name if toml.name in ARTIFACTS_TOML_NAMES else "Artifacts.toml"
            store.write(f"toml/{hashlib.sha256(data).hexdigest()}/{name}", data)
        with replacing(bundle) as file:
            file.writelines(tar_chunks(store.folder))
    return len(entries)
