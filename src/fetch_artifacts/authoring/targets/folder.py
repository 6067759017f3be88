"""Publishing to a folder that a web server serves: a local one or an object store."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts.authoring.mirrors.store import FsspecStore, require_place
from fetch_artifacts.authoring.targets.target import TargetKind, Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.files.flushing import flush_file
from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.urls import expected_instead, join_url, redacted

if TYPE_CHECKING:
    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.targets.target import TargetOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTarget:
    """A folder on this machine that a web server serves.

    Attributes:
        folder: The folder, created if missing.
        url_base: The URL under which it is served.
    """

    folder: Path
    url_base: str

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return f"dir:{self.folder}"

    def upload(self, archive: Archive) -> Upload:
        """Copy an archive into the folder atomically.

        Raises:
            PublishError: The folder can't be written.
        """
        target = self.folder / archive.path.name
        url = join_url(self.url_base, target.name)
        try:
            make_folders(self.folder)
            if target.exists():
                return Upload(url=url, existed=True)
            with scratch_folder(self.folder) as staging:
                copy = staging / target.name
                shutil.copyfile(archive.path, copy)
                with copy.open("rb+") as file:
                    flush_file(file.fileno())
                copy.replace(target)
        except OSError as error:
            msg = f"{target}: could not be written: {error.strerror or error}"
            raise PublishError(msg) from error
        return Upload(url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class FsspecTarget:
    """A folder on any file system of fsspec, such as a bucket on S3.

    Attributes:
        folder: Its address, such as ``s3://bucket/prefix``. The file system finds its
            own credentials.
        url_base: The URL under which it is served.
    """

    folder: str
    url_base: str

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return redacted(self.folder)

    def upload(self, archive: Archive) -> Upload:
        """Copy an archive into the folder.

        Raises:
            PublishError: fsspec or its driver for this address is not installed, or
                the file system refuses.
        """
        store, name = FsspecStore(address=self.folder), archive.path.name
        url = join_url(self.url_base, name)
        if store.has(name):
            return Upload(url=url, existed=True)
        store.take(name, archive.path)
        return Upload(url=url)


def _local_folder(match: re.Match[str], options: TargetOptions) -> FolderTarget:
    url_base, folder = options.require_url_base(match[0]), Path(match[1])
    require_place(folder, match[0])
    return FolderTarget(folder=folder, url_base=url_base)


def _remote_folder(match: re.Match[str], options: TargetOptions) -> FsspecTarget:
    folder = match[0]
    if folder.startswith("file:"):
        # fsspec would take a host for a folder below the working directory.
        expected = expected_instead(folder)
        if expected:
            msg = f"{redacted(folder)}: expected {expected}"
            raise PublishError(msg)
    return FsspecTarget(folder=folder, url_base=options.require_url_base(folder))


KINDS: Final = (
    TargetKind(
        syntax="dir:PATH",
        pattern=re.compile(r"dir:(.+)", re.DOTALL),
        make=_local_folder,
        needs_url_base=True,
    ),
    TargetKind(
        syntax="an fsspec address such as s3://BUCKET/PREFIX",
        pattern=re.compile(r".*://.*", re.DOTALL),
        make=_remote_folder,
        needs_url_base=True,
    ),
)
