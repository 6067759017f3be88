"""Artifacts as an fsspec file system: ``artifact://MyData/tables/a.csv``.

What reads through fsspec reads artifacts by name: pandas, dask, xarray, zarr, polars,
duckdb. The file system is read-only; an artifact is installed when something in it is
asked for. fsspec finds it by the entry point ``fsspec.specs``; nothing has to
be imported.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeAlias

from fsspec import AbstractFileSystem
from fsspec.config import apply_config
from fsspec.implementations.local import LocalFileSystem

from fetch_artifacts._api import artifact, resolve_toml
from fetch_artifacts.artifacts_toml.search import artifacts_toml_above
from fetch_artifacts.artifacts_toml.slash import split_artifact_slash
from fetch_artifacts.errors import (
    ArtifactFileNotFoundError,
    ArtifactNotFoundError,
    ReadOnlyArtifactError,
)
from fetch_artifacts.files.paths import absolute
from fetch_artifacts.install import lookup
from fetch_artifacts.pkg_artifacts import load_artifacts_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.platforms.platform import Platform

    Info: TypeAlias = dict[str, Any]
    StrPath: TypeAlias = str | os.PathLike[str]

_BUFFER: Final = 1 << 17
_PACKAGES: Final = re.compile(r".*[/\\](?:site|dist)-packages[/\\]")


class _SettlesTheFile(type(AbstractFileSystem)):  # type: ignore[misc]
    """Settles which file is meant before fsspec looks for an instance that it knows.

    fsspec keeps one instance for equal arguments, pickles the arguments, and compares
    by them: so they must hold what depends on the caller.
    """

    def __call__(
        cls, toml_path: object = None, platform: object = None, **options: object
    ) -> Any:
        given = {"toml_path": toml_path, "platform": platform}
        options.update({key: value for key, value in given.items() if value})
        options = apply_config(cls, options)
        named: Any = options.get("toml_path")
        options["toml_path"] = (not named and _toml_of_caller()) or resolve_toml(named)
        if "platform" in options:
            options["platform"] = str(options["platform"])
        return super().__call__(**options)


class ArtifactFileSystem(AbstractFileSystem, metaclass=_SettlesTheFile):  # type: ignore[misc]
    """The artifacts of one file, read-only; a path is ``name/path/inside``.

    At the top are the names that the file has for the platform. Listing them installs
    nothing; looking into one installs it. Links are followed.

    Args:
        toml_path: The Artifacts.toml, or the folder it is in. Without it: the one found
            from the calling source file upwards, as for `fetch_artifacts.artifact`,
            where libraries between that file and this one (pandas, dask) are skipped;
            else from the working directory upwards.
        platform: A platform or its triplet, to choose the entries for.

    Raises:
        ArtifactsTomlNotFoundError: No Artifacts.toml was found (a FileNotFoundError).
    """

    protocol: ClassVar = "artifact"
    local_file: ClassVar = True  # so that fsspec.open_local gives the paths

    def __init__(
        self,
        toml_path: StrPath | None = None,
        platform: Platform | str | None = None,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.toml_path = str(toml_path)  # both are settled by now
        self.platform = None if platform is None else str(platform)
        self._local = LocalFileSystem()

    def ls(
        self,
        path: str,
        detail: bool = True,  # noqa: FBT001, FBT002 - as in fsspec
        **_: object,
    ) -> list[Any]:
        """List the artifacts, or what is in a folder of one.

        Raises:
            FetchArtifactsError: As for `info`.
        """
        found = list(self._list(self._strip_protocol(path)))
        return found if detail else [each["name"] for each in found]

    def _list(self, path: str) -> Iterator[Info]:
        if not path:
            for entry in lookup.entries_in(
                self.toml_path, platform=self.platform, include_lazy=True
            ):
                yield _folder(entry.name, tree_hash=entry.git_tree_sha1)
            return
        local = self._path(path)
        if not os.path.isdir(local):
            yield self.info(path)
            return
        with os.scandir(local) as found:
            for each in found:
                yield {**self._local.info(each), "name": f"{path}/{each.name}"}

    def info(self, path: str, **_: object) -> Info:
        """Say what is at a path: its name, type, and size in bytes.

        An artifact itself is a directory, which is known without installing it; its
        ``tree_hash`` is the git-tree-sha1 in hex.

        Raises:
            ArtifactFileNotFoundError: The file has no such artifact (a
                FileNotFoundError).
            FileNotFoundError: The artifact has nothing at that path.
            FetchArtifactsError: As for `fetch_artifacts.artifact`.
        """
        path = self._strip_protocol(path)
        if not path:
            return _folder("")
        name, inside = self._split(path)
        if not inside:
            return _folder(path, tree_hash=self._entry(name).git_tree_sha1)
        found: Info = self._local.info(self._path(path))
        return {**found, "name": path}

    def ukey(self, path: str) -> str:
        """Give the tree hash and the path inside, which stand for the content.

        Raises:
            FetchArtifactsError: As for `info`.
        """
        name, inside = self._split(self._strip_protocol(path))
        return f"{self._entry(name).git_tree_sha1}/{inside}"

    checksum = ukey

    def _open(self, path: str, mode: str = "rb", **_: object) -> _ArtifactFile:
        if mode != "rb":
            self._refuse(path, mode=mode)
        return _ArtifactFile(self, path)

    def _refuse(self, path: object = "", *_: object, **__: object) -> NoReturn:
        msg = (
            f"artifact://{path}: expected to read, found a request to write; artifacts "
            "are read-only: copy the folder that artifact() gives, or publish another "
            "artifact"
        )
        raise ReadOnlyArtifactError(msg)

    mkdir = makedirs = rmdir = rm_file = _rm = _refuse
    cp_file = mv = pipe_file = touch = _refuse

    def put_file(self, _: str, rpath: str, **__: object) -> NoReturn:
        """Refuse to write.

        Raises:
            ReadOnlyArtifactError: Always.
        """
        self._refuse(rpath)

    def _split(self, path: str) -> tuple[str, str]:
        """The name of an artifact and the path inside, by the rule of `artifact`."""
        if path in load_artifacts_toml(self.toml_path):
            return path, ""
        name, _ = split_artifact_slash(path)
        return name, path[len(name) + 1 :]

    def _entry(self, name: str) -> ArtifactEntry:
        try:
            (entry,) = lookup.entries_in(self.toml_path, [name], platform=self.platform)
        except ArtifactNotFoundError as error:
            raise _not_found(error) from error
        return entry

    def _path(self, path: str) -> str:
        try:
            return str(artifact(path, self.toml_path, platform=self.platform))
        except ArtifactNotFoundError as error:
            raise _not_found(error) from error


class _ArtifactFile(io.BufferedReader):
    """An open file; pickled, it is the same place in the file on another machine."""

    def __init__(self, fs: ArtifactFileSystem, path: str, position: int = 0) -> None:
        super().__init__(io.FileIO(fs._path(path)), _BUFFER)  # noqa: SLF001 - ours
        self.fs = fs
        self.path = path
        self.size = os.fstat(self.fileno()).st_size
        self.seek(position)

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        return type(self), (self.fs, self.path, self.tell())


def _folder(name: str, **facts: str) -> Info:
    return {"name": name, "size": 0, "type": "directory", **facts}


def _not_found(error: ArtifactNotFoundError) -> ArtifactFileNotFoundError:
    return ArtifactFileNotFoundError(error.message, name=error.name, path=error.path)


def _toml_of_caller() -> str | None:
    """The file of the nearest module on the stack that has one.

    A library may have one in its own folder, but not above the folder of all libraries:
    what is there belongs to whoever uses it.
    """
    frame = sys._getframe(1)
    known: set[str] = set()
    while frame.f_back is not None:
        frame = frame.f_back
        file = frame.f_globals.get("__file__")
        if not isinstance(file, str) or file in known:
            continue
        known.add(file)
        folder = os.path.dirname(absolute(file))
        found = artifacts_toml_above(folder)
        if found is not None and found.startswith(_libraries(folder)):
            return found
    return None


def _libraries(folder: str) -> str:
    """The folder of all libraries that a folder is in, "" for none."""
    packages = _PACKAGES.match(folder)
    if packages:
        return packages[0]
    standard = os.path.dirname(os.__file__) + os.sep
    return standard if folder.startswith(standard) else ""
