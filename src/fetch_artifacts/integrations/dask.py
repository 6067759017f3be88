"""Artifacts on the workers of a Dask cluster, before work starts."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from distributed.diagnostics.plugin import WorkerPlugin

from fetch_artifacts._api import install_artifacts, resolve_toml
from fetch_artifacts.artifacts_toml import shipped
from fetch_artifacts.files.paths import make_folders
from fetch_artifacts.files.writing import write_atomically
from fetch_artifacts.install import lookup
from fetch_artifacts.pkg_artifacts import load_artifacts_toml
from fetch_artifacts.settings.environment import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from distributed import Worker

    from fetch_artifacts.platforms.platform import Platform
    from fetch_artifacts.terminal.progress import ProgressEvent

    StrPath: TypeAlias = str | os.PathLike[str]

_HEARTBEAT: Final = 1.0  # seconds


class ArtifactPlugin(WorkerPlugin):  # type: ignore[misc]
    """Installs artifacts on the workers of a cluster, and on those that join later.

    ::

        client.register_plugin(ArtifactPlugin(["MyData"], "path/to/Artifacts.toml"))

    A worker that joins takes tasks once its depot has the artifacts. Only the text of
    the file is sent to it; each depot downloads from the file's sources once, however
    many workers and nodes it serves, because of the depot's own locks. Inside a task
    the file is known by the path that it has at the client, and
    `fetch_artifacts.artifact` finds it without a path. What a node has lost is
    installed again when it is asked for.

    Where an install fails, ``register_plugin`` raises the error. A worker that joins
    later logs it and goes on; the task that asks for the artifact raises it.

    Args:
        names: What to install; without it, all that suit the worker's platform and are
            not lazy.
        toml_path: The Artifacts.toml, as for `fetch_artifacts.artifact`.
        platform: As for `fetch_artifacts.artifact`; by default the worker's.
        include_lazy: Whether to install lazy artifacts too, if there are no names.
        jobs: How many downloads a worker may run at once.

    Raises:
        ArtifactNotFoundError: A name is not in the file (a KeyError).
        FetchArtifactsError: As for `fetch_artifacts.artifact`, where the file is not
            found or can't be read.
    """

    def __init__(
        self,
        names: Iterable[str] | None = None,
        toml_path: StrPath | None = None,
        *,
        platform: Platform | str | None = None,
        include_lazy: bool = False,
        jobs: int | None = None,
    ) -> None:
        self.toml_path = resolve_toml(toml_path)
        self.names = None if names is None else tuple(names)
        self._install = functools.partial(
            install_artifacts,
            names=self.names,
            platform=None if platform is None else str(platform),
            include_lazy=include_lazy,
            jobs=jobs,
        )
        known = load_artifacts_toml(self.toml_path)
        for name in self.names or ():
            if name not in known:
                lookup.entries_in(self.toml_path, [name])  # says what there is
        self._text = Path(self.toml_path).read_bytes()
        asked = repr((self.toml_path, self._install.keywords)).encode()
        self.name = f"artifacts-{hashlib.sha256(asked + self._text).hexdigest()[:16]}"
        self._here = ""

    async def setup(self, worker: Worker) -> None:
        """Install them; called by Dask."""
        self._here = self._copied(Path(worker.local_directory))
        shipped.ship(self.toml_path, self._here)
        run = functools.partial(self._install, self._here, progress=_show_nothing)
        done = asyncio.ensure_future(asyncio.to_thread(run))
        while not (await asyncio.wait({done}, timeout=_HEARTBEAT))[0]:
            # Dask begins to send them when all plugins are set up; the scheduler drops
            # a worker that it has not heard of for five minutes.
            await worker.heartbeat()
        await done

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Forget the file; called by Dask. What is installed stays."""
        if self._here:
            shipped.unship(self.toml_path, self._here)

    def _copied(self, folder: Path) -> str:
        """The file, with this text, on this machine."""
        original = Path(self.toml_path)
        if _holds(original, self._text):
            return self.toml_path
        copy = Path("shipped", hashlib.sha256(self._text).hexdigest(), original.name)
        try:
            # Under a lasting name, as the log that Julia's gc reads names it for long.
            name = _written(Settings.from_environ().user_cache / copy, self._text)
            os.utime(name)  # a gc of ours removes it a year after its last use
        except OSError:
            return _written(folder / copy, self._text)
        return name


def _show_nothing(_event: ProgressEvent) -> None:
    """Take the place of bars: workers may share one terminal."""


def _written(path: Path, text: bytes) -> str:
    if not _holds(path, text):
        make_folders(path.parent)
        write_atomically(path, text)
    return str(path)


def _holds(path: Path, text: bytes) -> bool:
    try:
        return path.read_bytes() == text
    except OSError:
        return False
