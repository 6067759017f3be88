"""The artifacts of one file as a mapping, as fetch-artifacts 0.1.0 had them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.depot.stack import make_folder, with_artifacts_directory
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    NoMatchingPlatformError,
)
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.install import lookup
from fetch_artifacts.platforms.host import host_platform

if TYPE_CHECKING:
    import os

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry

_log = logging.getLogger(__name__)

StrPath: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class DownloadInfo:
    """Where to download an archive.

    Attributes:
        url: Its address.
        sha256: The hash of its bytes, 64 hex digits.
        size: Its length in bytes, None where the file does not say.
    """

    url: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedEntry:
    """One artifact of a file, for this machine.

    Attributes:
        name: The name it is bound to.
        git_tree_sha1: The hash of its tree, as the file has it.
        lazy: Whether Julia installs it on first use only; False unless the file says.
        os: The operating system it is for, None where that does not matter.
        arch: The processor it is for, None where that does not matter.
        metadata: All other keys of the entry, with their values.
    """

    name: str
    git_tree_sha1: str
    lazy: bool
    os: str | None
    arch: str | None
    metadata: dict[str, Any]
    _entry: ArtifactEntry = field(repr=False)

    @classmethod
    def of(cls, entry: ArtifactEntry) -> ManagedEntry:
        """The view of an entry."""
        tags = entry.platform.tags if entry.platform else {}
        return cls(
            name=entry.name,
            git_tree_sha1=entry.git_tree_sha1,
            lazy=entry.lazy,
            os=tags.get("os"),
            arch=tags.get("arch"),
            metadata=dict(entry.metadata),
            _entry=entry,
        )

    @property
    def downloads(self) -> tuple[DownloadInfo, ...]:
        """Where to download the archive, best first.

        Raises:
            ArtifactsTomlError: A source has no valid url, sha256 or size.
        """
        return tuple(
            DownloadInfo(source.url, str(source.sha256), source.size)
            for source in self._entry.downloads
        )


class _Entries(Mapping[str, ManagedEntry]):
    """The entries for this machine by name, as the file is when they are asked for."""

    def __init__(self, toml: Path) -> None:
        self._toml = toml

    def __getitem__(self, name: str) -> ManagedEntry:
        return ManagedEntry.of(self._entry(name))

    def __contains__(self, name: object) -> bool:
        return (
            isinstance(name, str)
            and name in load_artifacts_toml(self._toml)
            and self._suits(name)
        )

    def __iter__(self) -> Iterator[str]:
        return filter(self._suits, load_artifacts_toml(self._toml))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<artifacts of {self._toml}: {', '.join(self)}>"

    def _suits(self, name: str) -> bool:
        try:
            self._entry(name)
        except NoMatchingPlatformError:
            return False
        except ArtifactsTomlError:
            pass  # asking for the entry raises this error
        return True

    def _entry(self, name: str) -> ArtifactEntry:
        return entry_for(name, self._toml, host_platform)


class ArtifactManager(Mapping[str, Path]):
    """The artifacts of one file: ``manager["name"]`` installs what is missing.

    The keys are the names that the file has for this machine. Reading the values, as
    with ``items()``, installs each artifact; listing names, comparing and printing
    managers do not. A changed file is read again. A drop-in for the class of
    fetch-artifacts 0.1.0.

    Args:
        toml_path: The Artifacts.toml.
        cache_dir: Where artifacts go, as ``<cache_dir>/<hash>``; the folder is made. By
            default the depots that Julia uses.
        verbose: Whether to report installs on standard error.

    Attributes:
        artifacts: The entries by name.
        toml_path: The Artifacts.toml.
        verbose: As given.

    Raises:
        ArtifactsTomlNotFoundError: There is no such file.
        ArtifactsTomlError: The file can't be read.
        DepotError: ``cache_dir`` can't be made.
    """

    def __init__(
        self,
        toml_path: StrPath,
        cache_dir: StrPath | None = None,
        verbose: bool = False,
    ) -> None:
        self.toml_path = Path(absolute(toml_path))
        self.verbose = verbose
        self.artifacts: Mapping[str, ManagedEntry] = _Entries(self.toml_path)
        load_artifacts_toml(self.toml_path)
        self._cache_dir = None if cache_dir is None else make_folder(cache_dir)

    @property
    def cache_dir(self) -> Path:
        """The folder that holds, or will hold, new artifacts as ``<hash>`` folders."""
        from fetch_artifacts.depot.staging import FirstDepot

        with self._here():
            return FirstDepot.present().artifacts

    def __getitem__(self, name: str) -> Path:
        return self.get_path(name)

    def __contains__(self, name: object) -> bool:
        return name in self.artifacts

    def __iter__(self) -> Iterator[str]:
        return iter(self.artifacts)

    def __len__(self) -> int:
        return len(self.artifacts)

    def __eq__(self, other: object) -> bool:
        # Mapping's would compare the paths, and install all artifacts to get them.
        if not isinstance(other, ArtifactManager):
            return NotImplemented
        return self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        folder = "" if self._cache_dir is None else f", cache_dir={self._cache_dir!r}"
        return f"{type(self).__name__}({str(self.toml_path)!r}{folder})"

    def _repr_html_(self) -> str:
        """Show what there is as a table, in a notebook; nothing is installed."""
        from html import escape

        rows = [
            (name, entry.git_tree_sha1, "yes" if self.exists(name) else "no")
            for name, entry in self.artifacts.items()
        ]
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        head = "<tr><th>artifact</th><th>git-tree-sha1</th><th>installed</th></tr>"
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        caption = f"<caption>{escape(str(self.toml_path))}</caption>"
        return f"<table>{caption}{head}{body}</table>"

    @property
    def _identity(self) -> tuple[Path, str | None]:
        return self.toml_path, self._cache_dir

    def get_path(
        self,
        name: str,
        download: bool = True,
    ) -> Path:
        """Give the path of an artifact; see `fetch_artifacts.artifact`.

        Raises:
            FetchArtifactsError: As for `fetch_artifacts.artifact`.
        """
        with self._here():
            return lookup.locate(
                name, str(self.toml_path), download=download, verbose=self.verbose
            )

    def exists(self, name: str) -> bool:
        """Whether the artifact is installed; False for a name that is not there.

        Raises:
            FetchArtifactsError: The entry can't be read.
        """
        with self._here():
            return lookup.is_installed(name, str(self.toml_path))

    def clear(self, name: str | None = None, *, force: bool = False) -> None:
        """Delete the artifact, or all of the file; a name that is not there is fine.

        What another Artifacts.toml in use names as well stays, with a warning.

        Args:
            name: The name it is bound to; all names of the file if None.
            force: Whether to delete what others need, too.

        Raises:
            DepotError: A folder could not be deleted.
            FetchArtifactsError: The entry can't be read.
        """
        from fetch_artifacts.install.clearing import clear

        with self._here():
            for each in self.artifacts if name is None else [name]:
                with contextlib.suppress(ArtifactNotFoundError):
                    done = clear(each, str(self.toml_path), force=force)
                    stays = done.outcome in {"needed", "overridden"}
                    _log.log(logging.WARNING if stays else logging.INFO, "%s", done)

    def _here(self) -> contextlib.AbstractContextManager[object]:
        if self._cache_dir is None:
            return contextlib.nullcontext()
        return with_artifacts_directory(self._cache_dir)
