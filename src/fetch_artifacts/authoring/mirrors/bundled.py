"""Installing from bundles, whatever the network is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.authoring.mirrors.selection import entries_by_tree
from fetch_artifacts.depot.package_overrides import PROCESS_OVERRIDES
from fetch_artifacts.depot.usage.log import mark_used
from fetch_artifacts.errors import ArtifactsTomlError, InstallError
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.install.bundle import BundleReader
from fetch_artifacts.install.installer import Installer
from fetch_artifacts.install.repair import reinstall_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.platforms.matching import PlatformChoice
    from fetch_artifacts.terminal.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledArtifacts:
    """What is to be installed from a bundle.

    Attributes:
        reader: What opens its archives.
        tomls: The files on this machine that bind what is to be installed.
        entries: What is to be installed, one entry for each tree.
        lacking: The lazy entries that are left out, since the bundle lacks them.
    """

    reader: BundleReader
    tomls: tuple[Path, ...]
    entries: tuple[ArtifactEntry, ...]
    lacking: tuple[ArtifactEntry, ...]

    @classmethod
    def choose(
        cls,
        bundle: Path,
        tomls: Collection[Path],
        platform: PlatformChoice,
        *,
        include_lazy: bool = False,
    ) -> BundledArtifacts:
        """Choose from a bundle what some files bind, lazy or not.

        Args:
            bundle: The bundle.
            tomls: The Artifacts.toml files; those in the bundle if there are none.
            platform: What to choose entries for.
            include_lazy: Whether to choose what is lazy even if the bundle lacks it.

        Raises:
            UnpackError: It is not a bundle.
            InstallError: There is no file, neither named nor in it.
            ArtifactsTomlError: A file can't be read.
        """
        reader = BundleReader(bundle)
        inside = {} if tomls else reader.tomls()
        if not tomls and not inside:
            msg = f"{bundle}: expected Artifacts.toml files in it, found none; name one"
            raise InstallError(msg, name="")
        with _written(inside) as files:
            found = entries_by_tree([*tomls, *files], [platform])
        there = reader.trees()
        chosen: list[ArtifactEntry] = []
        lacking: list[ArtifactEntry] = []
        for tree, entry in found.items():
            wanted = str(tree) in there or include_lazy or not entry.lazy
            (chosen if wanted else lacking).append(entry)
        for toml in tomls:
            PROCESS_OVERRIDES.add_file(str(toml))
        return cls(
            reader=reader,
            tomls=tuple(tomls),
            entries=tuple(chosen),
            lacking=tuple(lacking),
        )

    def install(
        self,
        *,
        reinstall: bool = False,
        jobs: int | None = None,
        report: Progress | None = None,
    ) -> list[tuple[str, Path]]:
        """Install it.

        Args:
            reinstall: Whether to install anew what is there already.
            jobs: How many archives are unpacked at once.
            report: Called with each step, from several threads.

        Returns:
            Each name with the folder of its tree.

        Raises:
            InstallError: The bundle lacks an artifact, or has a damaged one.
            OverrideError: One to reinstall is overridden.
            DepotError: The depot can't be written.
        """
        for toml in self.tomls:
            mark_used(str(toml))  # first: until then a gc may delete what is there
        with Installer(progress=report, reader=self.reader) as installer:
            for entry in self.entries if reinstall else ():
                reinstall_entry(entry, None, installer)
            paths = installer.ensure_trees(self.entries, jobs=jobs)
        return [
            (name, paths[entry.tree_hash])
            for entry in self.entries
            for name in entry.names
        ]


@contextlib.contextmanager
def _written(tomls: Mapping[Path, bytes]) -> Iterator[list[Path]]:
    """Write the files of a bundle where they can be read; errors name those in it."""
    with scratch_folder() as scratch:
        places: dict[Path | None, Path] = {}
        for number, (place, data) in enumerate(tomls.items()):
            path = scratch / str(number) / "Artifacts.toml"
            path.parent.mkdir()
            path.write_bytes(data)
            places[path] = place
        try:
            yield [path for path in places if path]
        except ArtifactsTomlError as error:
            if error.path not in places:
                raise
            place = places[error.path]
            raise ArtifactsTomlError(
                error.problem, path=place, context=error.context
            ) from error
