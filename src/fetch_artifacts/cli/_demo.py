"""The demo: artifacts are made, served, bound, installed and verified locally.

It makes a data set, archives it, serves it on loopback, binds it in a new
Artifacts.toml, installs it into a temporary depot, verifies it and reads a value from
it. The second artifact is a real tree: the installed package folder of requests.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fetch_artifacts._api import artifact
from fetch_artifacts.archive.writer import archive_directory
from fetch_artifacts.artifacts_toml.binding import Binding, bind
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.depot.artifacts import verify_artifact
from fetch_artifacts.depot.stack import with_artifacts_directory
from fetch_artifacts.errors import FetchArtifactsError, JuliaError
from fetch_artifacts.files.scratch import naming_the_place
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.julia_process import run_julia
from fetch_artifacts.parallel.threads import start_thread
from fetch_artifacts.settings.environment import Settings
from fetch_artifacts.terminal.progress import without_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fetch_artifacts.digests import TreeHash

_READINGS: Final = "day,celsius\n1,11.5\n2,12.25\n3,12.75\n"
_SCRIPT: Final = '#!/bin/sh\ntail -n 1 "$(dirname "$0")/../data/readings.csv"\n'

# Julia 1.3 and later; the depot comes as an argument, so no environment is touched.
_ASK_JULIA: Final = """
using Pkg, Pkg.Artifacts
empty!(DEPOT_PATH); push!(DEPOT_PATH, ARGS[1])
for name in ARGS[3:end]
    hash = artifact_hash(name, ARGS[2])
    println(verify_artifact(hash), '\\t', artifact_path(hash))
end
print(VERSION)
"""
_JULIA_SECONDS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoArtifact:
    """One artifact that the demo installed.

    Attributes:
        name: Its name in the Artifacts.toml.
        tree_hash: Its git-tree-sha1.
        path: Where it is installed.
        source: Where its archive was served.
    """

    name: str
    tree_hash: TreeHash
    path: Path
    source: str


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing; the demo has its own output."""


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yield the address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = start_thread(server.serve_forever, name="demo server")
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _make_data(folder: Path) -> Path:
    """A small data set with folders, an executable and a symbolic link."""
    (folder / "data").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "data/readings.csv").write_text(_READINGS, "utf-8", newline="")
    script = folder / "bin/latest.sh"
    script.write_text(_SCRIPT, "utf-8", newline="")
    script.chmod(0o755)
    with contextlib.suppress(OSError):  # Windows, without the right to make links
        (folder / "latest.csv").symlink_to("data/readings.csv")
    return folder


def _real_package() -> tuple[str, Path]:
    """A name for the demo, and an installed package's folder.

    A program that PyInstaller froze has no folder of requests, but one of certifi,
    which requests needs.

    Raises:
        FetchArtifactsError: Neither is there as files.
    """
    for name in ("requests", "certifi"):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin and (folder := Path(spec.origin).parent).is_dir():
            return f"{name.capitalize()}Package", folder
    msg = "requests is not installed as files; reinstall fetch-artifacts"
    raise FetchArtifactsError(msg)


def _copied(package: Path, folder: Path) -> Path:
    """A copy of a package's folder, without compiled files."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder, symlinks=True, ignore=ignore)
    return folder


def _publish(name: str, tree: Path, served: Path, url: str, toml: Path) -> str:
    """Archive a tree where it is served, and bind it; return the archive's URL."""
    archive = archive_directory(tree, served / f"{name}.tar.gz", "gz")
    source = DownloadSource(
        url=f"{url}/{name}.tar.gz", sha256=archive.sha256, size=archive.size
    )
    tree_hash = hash_directory(tree)
    bind(toml, Binding(name=name, tree_hash=tree_hash, downloads=(source,)))
    return source.url


def _ask_julia(julia: Path, depot: Path, toml: Path, names: list[str]) -> list[str]:
    """Ask Pkg.Artifacts; return a line for each name, then Julia's version."""
    arguments = ["-e", _ASK_JULIA, str(depot), str(toml), *names]
    return run_julia(julia, arguments, timeout=_JULIA_SECONDS).splitlines()


def _compare_with_julia(
    depot: Path, toml: Path, artifacts: list[DemoArtifact], say: Callable[[str], None]
) -> None:
    julia = Settings.from_environ().julia
    if julia is None:
        say("Julia: none found on this machine, so nothing was compared.")
        return
    try:
        *lines, version = _ask_julia(
            julia, depot, toml, [one.name for one in artifacts]
        )
    except JuliaError as error:
        say(f"Julia gave no answer, so nothing was compared: {error}")
        return
    expected = [f"true\t{one.path}" for one in artifacts]
    if lines != expected:
        msg = f"Julia {version} disagrees: expected {expected}, found {lines}"
        raise FetchArtifactsError(msg)
    say(f"Julia {version} verifies both trees and gives the same paths.")


def run(
    say: Callable[[str], None], *, keep: Path | None = None
) -> tuple[DemoArtifact, ...]:
    """Run the demo.

    Args:
        say: Called with each line of output.
        keep: An empty folder in which all files are left; None to delete them.

    Raises:
        FetchArtifactsError: A step failed, or Julia disagrees.
        OSError: The folder can't be written.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        return _run_in(keep.resolve(), say)
    with (
        naming_the_place(),
        tempfile.TemporaryDirectory(
            prefix="fetch-artifacts-", ignore_cleanup_errors=True
        ) as folder,
    ):
        artifacts = _run_in(Path(folder).resolve(), say)
    say(f"{folder} is deleted again; --keep DIR keeps everything in DIR.")
    return artifacts


def _run_in(folder: Path, say: Callable[[str], None]) -> tuple[DemoArtifact, ...]:
    served, depot, toml = folder / "served", folder / "depot", folder / "Artifacts.toml"
    served.mkdir(exist_ok=True)
    artifacts: list[DemoArtifact] = []
    with (
        _served(served) as url,
        with_artifacts_directory(depot / "artifacts"),
        without_progress(),
    ):
        package_name, package = _real_package()
        for name, make in (
            ("DemoReadings", _make_data),
            (package_name, functools.partial(_copied, package)),
        ):
            tree = make(folder / "made" / name)
            source = _publish(name, tree, served, url, toml)
            say(f"{name}\n  served at      {source}")
            path = artifact(name, toml_path=str(toml))
            tree_hash = hash_directory(path)
            if not verify_artifact(tree_hash):  # pragma: no cover - never seen
                msg = f"{path}: does not hash to its name"
                raise FetchArtifactsError(msg)
            say(f"  git-tree-sha1  {tree_hash} (verified)\n  installed at   {path}")
            artifacts.append(
                DemoArtifact(name=name, tree_hash=tree_hash, path=path, source=source)
            )
        last = artifact("DemoReadings/data/readings.csv", toml_path=str(toml))
        say(f"Read from the artifact: {last.read_text('utf-8').splitlines()[-1]!r}")
    say(f"Bound in {toml}:\n\n{toml.read_text('utf-8')}")
    _compare_with_julia(depot, toml, artifacts, say)
    return tuple(artifacts)
