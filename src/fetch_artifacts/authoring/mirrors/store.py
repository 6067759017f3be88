"""Places that hold files by name: a folder, or a file system of fsspec."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from fetch_artifacts.errors import PublishError, SpecialFileError
from fetch_artifacts.files.flushing import flush_file
from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.regular import open_regular, read_regular
from fetch_artifacts.files.remote import file_system, plain_errors, remote_chunks
from fetch_artifacts.files.writing import replacing, write_atomically
from fetch_artifacts.urls import FSSPEC_SCHEMES, local_path, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 20
_OBJECT_STORES: Final = FSSPEC_SCHEMES - {"hdfs", "webhdfs"} | {"s3a"}
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.*", re.DOTALL)


class Store(Protocol):
    """A place for files; their names are paths with ``/``.

    Each method raises a StoreError where the place can't be read or written.
    """

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder, sorted; none where the folder is missing."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def take(self, name: str, file: Path) -> None:
        """Put a file of this machine there in one step; this may move it away."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put a small file there, unless it is there with these bytes."""
        ...

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give the bytes of a file."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file."""
        ...


def store_at(place: str) -> Store:
    """Give the store at a path, or at an address of fsspec.

    Raises:
        PublishError: It is the address of a web server, which takes no files, or the
            path of a file.
    """
    match = _ADDRESS.fullmatch(place)
    if match is None or match[1] == "file":
        folder = local_path(place) if match else Path(place)
        require_place(folder, place)
        return FolderStore(folder=folder)
    if match[1] in {"http", "https", "ftp"}:
        msg = (
            f"{redacted(place)}: expected a folder, or an address that can be written "
            "to, such as s3://BUCKET/PREFIX; a web server takes no files"
        )
        raise PublishError(msg)
    return FsspecStore(address=place)


def require_place(folder: Path, place: str) -> None:
    """Check that nothing else is in the place of a folder.

    Args:
        folder: The folder; it need not be there.
        place: How the user named it.

    Raises:
        PublishError: Something else is there.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        found = "a file" if folder.exists() else "a broken link"
        msg = f"{place}: expected a folder, found {found}; name another place"
        raise PublishError(msg)


class StoreError(PublishError):
    """A file of a mirror, or the mirror itself, could not be used.

    Attributes:
        fault: What went wrong, without the place.
    """

    def __init__(self, place: str, fault: str) -> None:
        super().__init__(f"{redacted(place)}: {fault}")
        self.fault = fault


@contextlib.contextmanager
def _as_store_error(place: str, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if isinstance(error, SpecialFileError):
            why = error.problem
        if isinstance(error, FileNotFoundError) and verb == "written":
            why = "there is no such bucket or folder; make it first"
        raise StoreError(place, f"could not be {verb}: {why}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderStore:
    """A folder on this machine, made when something is put there.

    Attributes:
        folder: The folder.
    """

    folder: Path

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        path = self.folder / folder
        with _as_store_error(str(path), "read"):
            try:
                return sorted(each.name for each in path.iterdir())
            except FileNotFoundError:
                return []

    def has(self, name: str) -> bool:
        """See `Store`."""
        return (self.folder / name).exists()

    def take(self, name: str, file: Path) -> None:
        """See `Store`."""
        target = self.folder / name
        with _as_store_error(str(target), "written"):
            make_folders(target.parent)
            if file.stat().st_dev == target.parent.stat().st_dev:
                with file.open("rb") as taken:
                    flush_file(taken.fileno())
                file.replace(target)
                return
            with file.open("rb") as taken, replacing(target) as copy:
                shutil.copyfileobj(taken, copy, _CHUNK)

    def write(self, name: str, data: bytes) -> None:
        """See `Store`."""
        target = self.folder / name
        with _as_store_error(str(target), "written"):
            with contextlib.suppress(FileNotFoundError):
                if read_regular(target) == data:
                    return
            make_folders(target.parent)
            write_atomically(target, data)

    def chunks(self, name: str) -> Iterator[bytes]:
        """See `Store`."""
        path = self.folder / name
        with _as_store_error(str(path), "read"), open_regular(path) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def remove(self, name: str) -> None:
        """See `Store`."""
        path = self.folder / name
        with _as_store_error(str(path), "deleted"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FsspecStore:
    """A folder on any file system of fsspec, such as a bucket on S3.

    Attributes:
        address: Its address, such as ``s3://bucket/prefix``. The file system finds its
            own credentials.
    """

    address: str

    def _make_folder(self, system: Any, target: str) -> None:
        """Make the folder of a file; object stores have none, and make a bucket."""
        if self.address.partition("://")[0] not in _OBJECT_STORES:
            system.makedirs(target.rpartition("/")[0], exist_ok=True)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        with _as_store_error(self.address, "read"):
            system, root = file_system(self.address)
            path = f"{root.rstrip('/')}/{folder}"
            try:
                with plain_errors(self.address):
                    system.invalidate_cache()
                    found = system.ls(path, detail=False)
            except FileNotFoundError:
                return []
            return sorted(each.rstrip("/").rpartition("/")[2] for each in found)

    def has(self, name: str) -> bool:
        """See `Store`."""
        with _as_store_error(self.address, "read"):
            system, root = file_system(self.address)
            with plain_errors(self.address):
                return bool(system.exists(f"{root.rstrip('/')}/{name}"))

    def take(self, name: str, file: Path) -> None:
        """See `Store`."""
        with _as_store_error(self.address, "written"):
            system, root = file_system(self.address)
            target = f"{root.rstrip('/')}/{name}"
            with plain_errors(self.address):
                self._make_folder(system, target)
                system.put_file(str(file), target)
                system.invalidate_cache()
                found = system.info(target)["size"]  # not all drivers report a failure
            expected = file.stat().st_size
            if found != expected:
                msg = f"expected {expected} bytes of {name} there, found {found}"
                raise OSError(msg)

    def write(self, name: str, data: bytes) -> None:
        """See `Store`."""
        with _as_store_error(self.address, "written"):
            system, root = file_system(self.address)
            target = f"{root.rstrip('/')}/{name}"
            with plain_errors(self.address):
                if not (system.exists(target) and system.cat_file(target) == data):
                    self._make_folder(system, target)
                    system.pipe_file(target, data)

    def chunks(self, name: str) -> Iterator[bytes]:
        """See `Store`."""
        with _as_store_error(self.address, "read"):
            for chunk, _ in remote_chunks(f"{self.address.rstrip('/')}/{name}"):
                yield chunk

    def remove(self, name: str) -> None:
        """See `Store`."""
        with _as_store_error(self.address, "deleted"):
            system, root = file_system(self.address)
            with plain_errors(self.address):
                system.rm_file(f"{root.rstrip('/')}/{name}")
