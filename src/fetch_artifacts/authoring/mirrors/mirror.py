"""A static mirror: what a package server of Julia serves, as files for any web server.

``artifact/<tree hash>`` is the archive of a tree. What was published with gzip keeps
its bytes; other archives are packed anew, because Julia 1.5 takes what a server sends
for gzip (PlatformEngines.jl of 1.5.3, ``download_verify_unpack``). ``registries`` and
``meta`` are those of a server without registries; Julia gets them from elsewhere then.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from fetch_artifacts.archive.tree import (
    archive_reader,
    read_archive_file,
)
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.archive.writer import archive_directory
from fetch_artifacts.authoring.mirrors.store import FolderStore, store_at
from fetch_artifacts.depot.artifacts import find_artifact
from fetch_artifacts.depot.workspace import LOCK_STALE_AGE
from fetch_artifacts.digests import is_tree_hash, require_tree
from fetch_artifacts.errors import (
    DepotError,
    InstallError,
    PublishError,
    UnpackError,
)
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.files.locks.pidlock import pid_lock
from fetch_artifacts.files.removing import remove_tree
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.install.received import require_promised, unpack_failure
from fetch_artifacts.install.source_reader import SourceReader
from fetch_artifacts.install.sources import first_success, raise_together
from fetch_artifacts.parallel.threads import run_all
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.settings.mirrors import VARIABLE, is_writable, mirrors_of
from fetch_artifacts.settings.pyproject import TABLE
from fetch_artifacts.streams import Arriving, HashedChunks
from fetch_artifacts.tar.limits import NO_LIMITS, UnpackLimits
from fetch_artifacts.terminal.progress import report_bytes, report_on
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from fetch_artifacts.archive.tree import ArchiveTree
    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.authoring.mirrors.store import Store
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.install.sources import Source
    from fetch_artifacts.terminal.progress import Progress

ARTIFACTS: Final = "artifact"
EMPTY_SERVER: Final = {"registries": b"", "meta": b"{}\n"}
_SCRATCH: Final = ".fetch-artifacts"
_CHUNK: Final = 1 << 20


def mirror_name(tree_hash: TreeHash) -> str:
    """Give the name under which a mirror has a tree's archive."""
    return f"{ARTIFACTS}/{tree_hash}"


def fill(
    store: Store,
    entries: Mapping[TreeHash, ArtifactEntry],
    *,
    jobs: int | None = None,
    report: Progress | None = None,
) -> list[TreeHash]:
    """Put into a mirror the archives that it lacks, several at once.

    Each is downloaded and verified as `fetch_artifacts.install` does it; where no
    source gives it and a depot has the tree, it is packed from there. An interrupted
    download is continued the next time. Processes fill one mirror after each other.

    Args:
        store: The mirror.
        entries: What it should have, by tree.
        jobs: How many downloads may run at once; what the settings say if None.
        report: Called with each step, from several threads.

    Returns:
        What was added.

    Raises:
        InstallError: Some archives could not be obtained; all others are there.
        PublishError: The mirror can't be written.
    """
    settings = Settings.from_environ()
    for name, data in EMPTY_SERVER.items():
        store.write(name, data)
    with _scratch(store, settings) as scratch, Folder.hold(scratch) as partials:
        there = {*store.names(ARTIFACTS)}
        missing = {t: each for t, each in entries.items() if str(t) not in there}
        filler = _Filler(
            settings=settings, store=store, partials=partials, report=report
        )
        with filler.reader:
            done = run_all(
                {tree: partial(filler.add, entry) for tree, entry in missing.items()},
                workers=jobs or settings.concurrent_downloads,
                stopped=filler.stopped,
            )
        raise_together([(missing[t].name, each) for t, each in done.items()], "had")
    return list(missing)


@contextlib.contextmanager
def _scratch(store: Store, settings: Settings) -> Iterator[Path]:
    """A folder for what is not complete, on the disk of the mirror where it has one.

    It is locked. If something is missing at the end, parts of files stay in it.
    """
    in_mirror = store.folder if isinstance(store, FolderStore) else None
    folder = in_mirror / _SCRATCH if in_mirror else settings.user_cache / "mirror"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with pid_lock(folder.with_name(f"{folder.name}.pid"), stale_age=LOCK_STALE_AGE):
        folder.mkdir(exist_ok=True)
        is_complete = False
        try:
            yield folder
            is_complete = True
        finally:
            # In the cache may be parts of files for other mirrors.
            remove = remove_tree if in_mirror and is_complete else Path.rmdir
            with contextlib.suppress(OSError):
                remove(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filler:
    settings: Settings
    store: Store
    partials: Folder
    report: Progress | None
    stopped: threading.Event = field(default_factory=threading.Event)
    reader: SourceReader = field(init=False)

    def __post_init__(self) -> None:
        reader = SourceReader(self.settings, self.partials.path, stopped=self.stopped)
        object.__setattr__(self, "reader", reader)

    def add(self, entry: ArtifactEntry) -> None:
        """Put one archive into the mirror."""
        with scratch_folder(self.partials.path) as scratch:
            archive = self._archive(entry, scratch)
            size = archive.stat().st_size
            self.store.take(mirror_name(_tree_of(entry)), archive)
        report_on(self.report, entry.name, "added", size, size)

    def _archive(self, entry: ArtifactEntry, scratch: Path) -> Path:
        """Make the file that the mirror is to have."""
        download = partial(self._download, entry, scratch)
        try:
            return first_success(entry, self.reader.sources(entry), download)
        except InstallError:
            directory = find_artifact(_tree_of(entry), honor_overrides=False)
            if directory is None:
                report_on(self.report, entry.name, "failed")
                raise
            return _packed(directory, scratch, _tree_of(entry))

    def _download(self, entry: ArtifactEntry, scratch: Path, source: Source) -> Path:
        """Download an archive, verify it, and give it as Julia can unpack it.

        Raises:
            DownloadError: It can't be downloaded.
            HashMismatchError: It is another archive, or holds another tree.
            UnpackError: It is damaged, or not an archive.
        """
        where, archive = redacted(source.url), scratch / "archive"

        def tell(done: int, total: int | None, note: str = "") -> None:
            report_bytes(self.report, entry.name, done, total, note)

        with (
            self.reader.open(source, partials=self.partials, progress=tell) as body,
            archive.open("wb") as file,
        ):
            tree = self._verified(entry, source, HashedChunks(_copied(body, file)))
        if tree.kind == "gz":
            return archive
        limits = UnpackLimits.of(self.settings, prove=lambda: True)  # it is verified
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            with archive.open("rb") as packed:
                chunks = iter(partial(packed.read, _CHUNK), b"")
                try:
                    unpack_archive(chunks, Path(folder), limits=limits)
                except UnpackError as error:
                    raise error.at(where) from error
            return _packed(Path(folder), scratch, tree.tree_hash)

    def _verified(
        self, entry: ArtifactEntry, source: Source, hashed: HashedChunks
    ) -> ArchiveTree:
        where = redacted(source.url)
        try:
            with Arriving(hashed, hashed, source.sha256, self._spool) as chunks:
                tree = archive_reader(self.settings)(chunks)
        except UnpackError as error:
            raise unpack_failure(error, source.sha256, hashed, where) from error
        hashed.drain()
        require_promised(source.sha256, entry.tree_hash, hashed, tree, where)
        require_tree(entry.tree_hash, tree.tree_hash, tree.git_hash, where)
        return tree

    def _spool(self) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=self.partials.path)


def _tree_of(entry: ArtifactEntry) -> TreeHash:
    if entry.tree_hash is None:
        msg = f"{entry.name}: expected the hash of a tree, found that of an archive"
        raise InstallError(msg, name=entry.name)
    return entry.tree_hash


def _copied(chunks: Iterable[bytes], file: IO[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        file.write(chunk)
        yield chunk


def _packed(directory: Path, scratch: Path, tree_hash: TreeHash) -> Path:
    """Archive a folder with gzip.

    Raises:
        DepotError: It holds another tree, as a damaged artifact does.
    """
    archive = archive_directory(directory, scratch / "packed", "gz").path
    found = read_archive_file(archive, NO_LIMITS)
    if tree_hash not in {found.tree_hash, found.git_hash}:
        msg = f"{directory}: expected the tree {tree_hash}, found {found.tree_hash}"
        raise DepotError(msg)
    return archive


def writable_mirrors() -> list[str]:
    """Give the mirrors of the settings that can be written to.

    Raises:
        PublishError: There is none.
    """
    mirrors = mirrors_of(Settings.from_environ().environ, Path.cwd())
    writable = [mirror for mirror in mirrors if is_writable(mirror)]
    if not writable:
        found = ", ".join(map(redacted, mirrors)) or "none"
        msg = (
            f"expected a mirror that can be written to, such as s3://bucket/folder, in "
            f"{VARIABLE} or as mirrors of [{TABLE}], found {found}"
        )
        raise PublishError(msg)
    return writable


def push(directories: Mapping[TreeHash, Path]) -> list[str]:
    """Put trees into all mirrors of the settings that can be written to.

    Args:
        directories: Where each tree is.

    Returns:
        The addresses of what was added.

    Raises:
        PublishError: There is no such mirror, or one can't be written.
        DepotError: A folder holds another tree.
    """
    added = []
    for mirror in writable_mirrors():
        store = store_at(mirror)
        there = set(store.names(ARTIFACTS))
        for tree, directory in directories.items():
            if str(tree) in there:
                continue
            with scratch_folder() as scratch:
                store.take(mirror_name(tree), _packed(directory, scratch, tree))
            added.append(f"{redacted(mirror)}/{mirror_name(tree)}")
    return added


def prune(store: Store, keep: Collection[TreeHash]) -> list[str]:
    """Delete the archives of all other trees, and give their names.

    Raises:
        PublishError: The mirror can't be written.
    """
    kept = {str(tree) for tree in keep}
    gone = [
        name
        for name in store.names(ARTIFACTS)
        if is_tree_hash(name) and name not in kept
    ]
    for name in gone:
        store.remove(f"{ARTIFACTS}/{name}")
    return gone
