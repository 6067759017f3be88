"""Installing the tree of an entry, in one pass from the network to the disk.

An archive is hashed, decompressed, unpacked and hashed again as git objects while it
arrives; nothing is read twice. Once both hashes are known to be right, one rename
brings the tree to ``artifacts/<hash>``. Julia: ``ensure_artifact_installed`` and
``download_artifact`` (Pkg.jl Artifacts.jl:324-533).
"""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import CancelledError
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeVar

from fetch_artifacts.archive.doubts import doubts
from fetch_artifacts.archive.unpack import unpack_archive
from fetch_artifacts.depot.installed import (
    locate_entry,
    note_warned,
    remember_tree,
    warn_of_old_entry,
)
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.depot.workspace import LOCK_STALE_AGE
from fetch_artifacts.digests import require_tree
from fetch_artifacts.errors import (
    FetchArtifactsError,
    InstallError,
    TreeHashMismatchError,
    UnpackError,
)
from fetch_artifacts.files.locks.pidlock import pid_lock
from fetch_artifacts.files.writing import free_bytes
from fetch_artifacts.install.received import (
    require_promised,
    unpack_failure,
    warn_of_content,
)
from fetch_artifacts.install.source_reader import SourceReader
from fetch_artifacts.install.sources import first_success, raise_together
from fetch_artifacts.parallel.processes import processes_for
from fetch_artifacts.parallel.threads import run_all, run_one
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.streams import Arriving, HashedChunks, prefetched
from fetch_artifacts.tar.limits import UnpackLimits
from fetch_artifacts.terminal.progress import report_bytes, report_on
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fetch_artifacts.archive.unpack import UnpackedArchive
    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import TreeLocation
    from fetch_artifacts.depot.staging import StagedTree
    from fetch_artifacts.digests import Sha256, TreeHash
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.files.locks.lock_file import LockHolder
    from fetch_artifacts.install.source_reader import Reader
    from fetch_artifacts.install.sources import Source
    from fetch_artifacts.terminal.progress import Progress, ProgressEvent

_log = logging.getLogger(__name__)

_WORTH_A_FORK: Final = 4  # artifacts to install
_PAGES_AN_ARTIFACT: Final = 32_000  # 128 MB, which take a ms to fork
_USED_BY_FORKS: Final = (  # each of them would import these, for 0.1 s
    "fetch_artifacts.archive.codecs.zlib_ng",
    "fetch_artifacts.network.connection",
)

K = TypeVar("K")


class Installer(contextlib.AbstractContextManager["Installer"]):
    """Installs entries into the first depot.

    Args:
        settings: The settings to use; those of the environment unless given.
        progress: Called with each step, from several threads.
        reader: Where archives come from; the network and files unless given.
        toml: The Artifacts.toml that is installed as a whole; see `SourceReader`.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        progress: Progress | None = None,
        reader: Reader | None = None,
        toml: str | None = None,
    ) -> None:
        self._settings = settings or Settings.from_environ()
        self._progress = progress
        # Looked up once, so that all trees go to one depot.
        self._depot = FirstDepot.present()
        self._stopped = threading.Event()
        self._toml = toml
        self._may_fork = reader is None
        self._reader = reader or self._new_reader()

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def _new_reader(self) -> Reader:
        return SourceReader(
            self._settings,
            self._depot.artifacts,
            stopped=self._stopped,
            toml=self._toml,
        )

    def ensure(
        self,
        entry: ArtifactEntry,
        sources: Sequence[Source] | None = None,
        location: TreeLocation | None = None,
    ) -> Path:
        """Give the folder of an entry's tree, and install the tree if it is missing.

        Args:
            entry: The entry.
            sources: Where to get its archive; what the entry says unless given.
            location: Where its tree may be; looked up unless given.

        Raises:
            InstallError: No source gave the tree; the message names each, and why.
            DepotError: The depot can't be written.
            OverrideError: An Overrides.toml can't be followed.
        """
        location = location or locate_entry(entry, self._depot.stack)
        found = location and location.installed()
        if found:
            _log.debug("%s: found in %s", entry.name, found)
            return found
        _log.debug(
            "%s: in none of %s",
            entry.name,
            ", ".join(map(str, self._depot.stack.folders)),
        )
        if location and location.overridden:
            # Julia would download the tree, and then return the missing folder anyhow.
            from fetch_artifacts.depot.override_edits import missing_override

            raise missing_override(entry, location)
        if sources is None:
            sources = self._reader.sources(entry)
        job = partial(self._ensure_locked, entry, sources, location)
        return run_one(job, stopped=self._stopped)

    def _ensure_locked(
        self,
        entry: ArtifactEntry,
        sources: Sequence[Source],
        location: TreeLocation | None,
    ) -> Path:
        with self._locked(entry):
            # The process that held the lock may have learned an old entry's tree.
            location = location or locate_entry(entry, self._depot.stack)
            found = location and location.installed()
            return found or self._install(entry, sources)

    def ensure_all(
        self, entries: Iterable[ArtifactEntry], *, jobs: int | None = None
    ) -> dict[str, Path]:
        """Install many entries at once, in one job for each tree.

        Where several entries have one tree, the sources of all of them are tried.

        Args:
            entries: What to install.
            jobs: How many downloads may run at once; what the settings say if None.

        Returns:
            The folders by name, in the order of the entries.

        Raises:
            InstallError: Some could not be installed; all others are.
            FetchArtifactsError: As for `ensure`, where only one failed.
        """
        entries = tuple(entries)
        paths = self.ensure_trees(entries, jobs=jobs)
        return {entry.name: paths[_tree_key(entry)] for entry in entries}

    def ensure_trees(
        self, entries: Iterable[ArtifactEntry], *, jobs: int | None = None
    ) -> dict[TreeHash | Sha256 | None, Path]:
        """Install as `ensure_all`, and give the folders by tree.

        Several files may bind one name to several trees.
        """
        of_tree: dict[TreeHash | Sha256 | None, list[ArtifactEntry]] = {}
        for entry in entries:
            of_tree.setdefault(_tree_key(entry), []).append(entry)
        joined = {tree: first.joined(rest) for tree, (first, *rest) in of_tree.items()}
        running = self._run(joined, jobs or self._settings.concurrent_downloads)
        for tree, done in running.items():
            if not done.exception():  # else it has warned of nothing
                note_warned(joined[tree])  # perhaps in a fork
        raise_together([(joined[tree].name, done) for tree, done in running.items()])
        return {tree: done.result() for tree, done in running.items()}

    def _run(
        self, entries: Mapping[K, ArtifactEntry], workers: int
    ) -> dict[K, Future[Path]]:
        jobs = {tree: partial(self.ensure, entry) for tree, entry in entries.items()}
        processes = self._processes_for(entries.values(), workers)
        if processes == 1:
            return run_all(jobs, workers=workers, stopped=self._stopped)
        from fetch_artifacts.parallel.forked_jobs import run_in_forks

        for module in _USED_BY_FORKS:
            import_module(module)
        return run_in_forks(
            jobs,
            processes=processes,
            workers=workers,
            stopped=self._stopped,
            begin=self._begin_in_fork,
            hear=self._report,
        )

    def _processes_for(self, entries: Collection[ArtifactEntry], workers: int) -> int:
        if not self._may_fork or self._worthwhile(len(entries)) == 1:
            return 1  # without a look for what is there already
        missing = sum(map(self._is_missing, entries))
        return min(self._worthwhile(missing), workers)

    def _worthwhile(self, artifacts: int) -> int:
        return processes_for(
            artifacts, least=_WORTH_A_FORK, pages_a_piece=_PAGES_AN_ARTIFACT
        )

    def _begin_in_fork(self, send: Progress) -> None:
        self._progress = self._progress and send
        self._reader = self._new_reader()  # connections are not to be shared

    def _report(self, event: ProgressEvent) -> None:
        if self._progress is not None:
            self._progress(event)

    def _is_missing(self, entry: ArtifactEntry) -> bool:
        with contextlib.suppress(FetchArtifactsError):  # told in its job
            location = locate_entry(entry, self._depot.stack)
            return not (location and location.installed())
        return True

    @contextlib.contextmanager
    def _locked(self, entry: ArtifactEntry) -> Iterator[None]:
        """Hold ``<hash>.pid``, as Julia 1.13 does, so that nobody downloads twice."""
        self._depot.prepare()
        lock = self._depot.artifacts / f"{_tree_key(entry)}.pid"

        def tell(_: Path, holder: LockHolder, seconds: float) -> None:
            note = (
                f"for {holder} to install it, {seconds:.0f} s so far; its lock is "
                f"{lock}"
            )
            # Whoever sees the progress reads it there.
            level = logging.INFO if self._progress else logging.WARNING
            _log.log(level, "%s: waiting %s", entry.name, note)
            report_on(self._progress, entry.name, "waiting", note=note)

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(
                    pid_lock(
                        lock,
                        stale_age=LOCK_STALE_AGE,
                        on_wait=tell,
                        stopped=self._stopped,
                        shared=True,
                    )
                )
                _log.debug("%s: locked %s", entry.name, lock)
            except FileExistsError as error:  # a folder, say, is in its place
                fault = f"{error.filename}: {error.strerror}"
                _log.warning("%s; installing without the lock", fault)
            except OSError as error:  # it only prevents a second download
                _log.debug("%s: installing without the lock: %s", lock, error)
            yield

    def _install(self, entry: ArtifactEntry, sources: Sequence[Source]) -> Path:
        try:
            return first_success(
                entry, sources, partial(self._install_in_one_go, entry)
            )
        except InstallError:
            report_on(self._progress, entry.name, "failed")
            raise

    def _install_in_one_go(self, entry: ArtifactEntry, source: Source) -> Path:
        where = redacted(source.url)
        with self._depot.stage() as staged:
            partials = staged.workspace.folder
            with self._open(source, entry.name, partials) as body:
                unpacked, size = self._unpack(source, entry, body, staged)
                report_on(self._progress, entry.name, "verifying", size, size)
                tree_hash = self._checked_tree(entry, unpacked, where)
            path = self._depot.commit(staged, tree_hash, unpacked.kept)
        warn_of_content(entry.name, unpacked, where)
        if entry.archive_sha256 is not None:
            with contextlib.suppress(OSError):  # without it, a later install downloads
                remember_tree(entry.archive_sha256, tree_hash, self._depot.stack)
            warn_of_old_entry(entry, tree_hash)
        report_on(self._progress, entry.name, "installed", size, size)
        return path

    def _open(
        self, source: Source, name: str, partials: Folder
    ) -> AbstractContextManager[Iterator[bytes]]:
        def report(done: int, total: int | None, note: str = "") -> None:
            if self._stopped.is_set():
                raise CancelledError
            report_bytes(self._progress, name, done, total, note)

        return self._reader.open(source, partials=partials, progress=report)

    def _unpack(
        self,
        source: Source,
        entry: ArtifactEntry,
        body: Iterator[bytes],
        staged: StagedTree,
    ) -> tuple[UnpackedArchive, int]:
        """Unpack an archive while it arrives; where that takes much memory, afterwards.

        Returns:
            What was unpacked, and the length of the archive in bytes.
        """
        hashed, where = HashedChunks(body), redacted(source.url)
        spool = staged.workspace.folder.open_temporary
        try:
            with (
                contextlib.closing(prefetched(hashed)) as ahead,
                Arriving(ahead, hashed, source.sha256, spool) as chunks,
            ):
                room = free_bytes(staged.folder.path)
                unpacked = unpack_archive(
                    chunks,
                    staged.folder,
                    read_only=True,
                    limits=UnpackLimits.of(
                        self._settings, room=room, prove=chunks.prove
                    ),
                    copy_symlinks=self._settings.copy_symlinks,
                )
        except UnpackError as error:
            # If the bytes are not the promised ones, that is the error to report.
            raise unpack_failure(error, source.sha256, hashed, where) from error
        hashed.drain()
        require_promised(source.sha256, entry.tree_hash, hashed, unpacked, where)
        return unpacked, hashed.size

    def _checked_tree(
        self, entry: ArtifactEntry, unpacked: UnpackedArchive, where: str
    ) -> TreeHash:
        """The hash to file a tree under: the one that was promised, if any was.

        Raises:
            TreeHashMismatchError: It is another tree, and the settings don't allow it.
        """
        promised = entry.tree_hash
        try:
            note = "; ".join(doubts(unpacked))
            require_tree(
                promised, unpacked.tree_hash, unpacked.git_hash, where, note=note
            )
        except TreeHashMismatchError as error:
            if not self._settings.ignores_hashes():
                raise
            _log.error(
                "%s: %s; JULIA_PKG_IGNORE_HASHES lets it through", entry.name, error
            )
        return promised or unpacked.tree_hash


def _tree_key(entry: ArtifactEntry) -> TreeHash | Sha256 | None:
    """The hash that identifies a tree: its own, or its archive's for an old entry."""
    return entry.tree_hash or entry.archive_sha256
