"""Publishing in a folder that a web server serves, here or in an object store."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fetch_artifacts.authoring.targets.target import Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.urls import join_url, redacted

if TYPE_CHECKING:
    from fetch_artifacts.archive.writer import Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTarget:
    """A folder on this machine, under whose URL its files are served.

    Attributes:
        folder: The folder; it is made if there is none.
        url_base: Its URL.
    """

    folder: Path
    url_base: str

    def upload(self, archive: Archive) -> Upload:
        """Copy an archive there; who downloads meanwhile sees nothing half done.

        Raises:
            PublishError: The folder can't be written.
        """
        target = self.folder / archive.path.name
        url = join_url(self.url_base, target.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if target.exists():
                return Upload(url=url, existed=True)
            with tempfile.TemporaryDirectory(prefix=".", dir=self.folder) as staging:
                shutil.copyfile(archive.path, Path(staging, target.name))
                Path(staging, target.name).replace(target)
        except OSError as error:
            msg = f"{target}: could not be written: {error.strerror or error}"
            raise PublishError(msg) from error
        return Upload(url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class FsspecTarget:
    """A folder of any file system that fsspec knows, such as a bucket of S3.

    Attributes:
        folder: Its address, such as ``s3://bucket/prefix``. Credentials are looked for
            where that file system does.
        url_base: The URL under which its files are served.
    """

    folder: str
    url_base: str

    def upload(self, archive: Archive) -> Upload:
        """Copy an archive there.

        Raises:
            PublishError: fsspec, or what it needs for this address, is not installed,
                or the file system refuses.
        """
        try:
            import fsspec
        except ImportError as error:
            msg = f"{redacted(self.folder)}: install fetch-artifacts[fsspec] first"
            raise PublishError(msg) from error
        name = archive.path.name
        url = join_url(self.url_base, name)
        try:
            system, root = fsspec.core.url_to_fs(self.folder)
            target = f"{root.rstrip('/')}/{name}"
            if system.exists(target):
                return Upload(url=url, existed=True)
            system.makedirs(root, exist_ok=True)
            system.put_file(str(archive.path), target)
        except Exception as error:
            # Each file system has errors of its own.
            msg = f"{redacted(self.folder)}: could not be written: {error}"
            raise PublishError(msg) from error
        return Upload(url=url)
