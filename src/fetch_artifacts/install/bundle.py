"""Reading bundles: a tar that holds a mirror and Artifacts.toml files."""

from __future__ import annotations

import contextlib
import re
import tarfile
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import DownloadError, UnpackError
from fetch_artifacts.files.regular import open_regular
from fetch_artifacts.install.sources import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path
    from typing import IO

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.network.transfer import ByteReport

_ARCHIVE: Final = re.compile(r"artifact/([0-9a-f]{40})")
_TOML: Final = re.compile(r"toml/[0-9a-f]+/(?:Julia)?Artifacts\.toml")
_OF_A_BUNDLE: Final = re.compile(f"{_ARCHIVE.pattern}|{_TOML.pattern}")
_CHUNK: Final = 1 << 18


class BundleReader(contextlib.AbstractContextManager["BundleReader"]):
    """Opens the archives in a bundle; threads may share it.

    Nothing of the bundle is unpacked but what is asked for, and none of its names is
    ever used as a path.

    Args:
        path: The bundle.

    Raises:
        UnpackError: It is not an uncompressed tar, or is damaged, or is no bundle.
        OSError: It can't be opened, or is not a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.is_dir():
            msg = (
                f"{path}: expected a bundle, found a folder; an unpacked bundle is a "
                f"mirror: FETCH_ARTIFACTS_MIRRORS={path.absolute().as_uri()}"
            )
            raise UnpackError(msg)
        with open_regular(path) as file:
            try:
                self._places = dict(_places(file))
            except (tarfile.TarError, OSError, ValueError) as error:
                msg = (
                    f"{path}: expected a bundle, as `fetch-artifacts bundle` writes "
                    f"it, found a damaged tar or none ({error}); copy it again"
                )
                raise UnpackError(msg) from error
        if not any(map(_OF_A_BUNDLE.fullmatch, self._places)):
            found = "other files" if self._places else "no files"
            msg = f"{path}: expected a bundle, found a tar with {found}"
            raise UnpackError(msg)

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""

    def trees(self) -> set[str]:
        """The hashes of the trees whose archives it holds."""
        found = map(_ARCHIVE.fullmatch, self._places)
        return {match[1] for match in found if match}

    def tomls(self) -> dict[Path, bytes]:
        """The Artifacts.toml files that it was made for, by their places in it."""
        names = sorted(filter(_TOML.fullmatch, self._places))
        return {self._path / name: b"".join(self._chunks(name, None)) for name in names}

    def size(self, entry: ArtifactEntry) -> int | None:
        """The bytes of an entry's archive, None where the bundle lacks it."""
        place = self._places.get(f"artifact/{entry.tree_hash}")
        return None if place is None else place[1]

    def sources(self, entry: ArtifactEntry) -> Sequence[Source]:
        """The one place where an entry's archive can be: in the bundle."""
        return [Source(url=f"{self._path}/artifact/{entry.tree_hash}")]

    @contextlib.contextmanager
    def open(
        self,
        source: Source,
        *,
        partials: Folder | None = None,  # noqa: ARG002 - nothing is ever partial
        progress: ByteReport | None = None,
    ) -> Iterator[Iterator[bytes]]:
        """Give the chunks of an archive.

        Raises:
            DownloadError: The bundle lacks it, can't be read, or is cut short.
        """
        name = source.url.removeprefix(f"{self._path}/")
        with contextlib.closing(self._chunks(name, progress)) as chunks:
            yield chunks

    def _chunks(self, name: str, progress: ByteReport | None) -> Generator[bytes]:
        url, done = f"{self._path}/{name}", 0
        if name not in self._places:
            msg = (
                f"{url}: the bundle lacks it; bundle the Artifacts.toml again, for "
                "this platform"
            )
            raise DownloadError(msg, url=url)
        place, size = self._places[name]
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(place)
                while done < size and (chunk := file.read(min(_CHUNK, size - done))):
                    done += len(chunk)
                    if progress:
                        progress(done, size)
                    yield chunk
        except OSError as error:
            raise DownloadError(f"{url}: {error.strerror or error}", url=url) from error
        if done < size:
            msg = f"{url}: expected {size} bytes, the bundle ends after {done}"
            raise DownloadError(msg, url=url)


def _places(file: IO[bytes]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the files in a tar by name, each with where it begins and its bytes.

    Raises:
        tarfile.TarError: It is not a tar, or is cut short.
    """
    with tarfile.open(fileobj=file, mode="r:") as bundle:
        for member in bundle:
            if member.isreg():
                yield member.name, (member.offset_data, member.size)
        file.seek(bundle.offset)
        # A tar of Julia's has no blocks of zeros at its end.
        if file.read(tarfile.BLOCKSIZE) not in {b"", bytes(tarfile.BLOCKSIZE)}:
            msg = "unexpected end of data"
            raise tarfile.ReadError(msg)
