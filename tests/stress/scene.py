"""What the stress scripts share: an artifact, its server, and many processes."""

from __future__ import annotations

import gzip
import logging
import os
import random
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fetch_artifacts.git_tools.tree_hash import hash_directory
from support.published import entry, sha256, tar
from support.trees import Tree, make_tree


@dataclass(frozen=True, slots=True)
class Scene:
    """A depot of its own, and an artifact ``Demo`` on a server of this machine.

    Attributes:
        folder: All of it is in here.
        toml: The Artifacts.toml.
        tree_hash: That of the artifact.
        depot: The only depot.
    """

    folder: Path
    toml: Path
    tree_hash: str
    depot: Path

    @property
    def installed(self) -> Path:
        return self.depot / "artifacts" / self.tree_hash

    def downloads(self) -> int:
        """How many requests the server has had."""
        return len((self.folder / "requests").read_text().splitlines())

    def leftovers(self) -> list[str]:
        """All files in the depot but the artifact's and the log."""
        return [
            str(path.relative_to(self.depot))
            for path in sorted(self.depot.rglob("*"))
            if not path.is_dir() and self.installed not in path.parents
            if path.name not in {"CACHEDIR.TAG", "artifact_usage.toml"}
        ]


@contextmanager
def scene(
    *, files: int, size: int, pause: float, depot: str = "depot"
) -> Iterator[Scene]:
    """Publish an artifact of so many files of so many bytes.

    Args:
        files: How many.
        size: Bytes of each; they can't be compressed.
        pause: Seconds that the server waits before each 64 KiB.
        depot: Where the depot is, from the scene's folder.
    """
    rng = random.Random(1)
    tree: Tree = {f"{n % 7}/{n}": rng.randbytes(size) for n in range(files)}
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        archive = folder / "demo.tar.gz"
        archive.write_bytes(gzip.compress(tar(tree), 1))
        tree_hash = str(hash_directory(make_tree(folder / "tree", tree)))
        (folder / "requests").touch()
        command = [sys.executable, str(Path(__file__).parent / "paced_server.py")]
        command += [str(archive), str(folder / "requests"), str(pause)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            toml = folder / "Artifacts.toml"
            source = (url, sha256(archive.read_bytes()))
            toml.write_text(entry(source, tree_hash=tree_hash))
            os.environ["JULIA_DEPOT_PATH"] = str(folder / depot)
            os.environ["JULIA_PKG_SERVER"] = ""
            logging.getLogger("fetch_artifacts").setLevel(logging.ERROR)
            try:
                yield Scene(folder, toml, tree_hash, folder / depot)
            finally:
                server.stdin.close()


def fork(work: Callable[[], object]) -> int:
    """Do something in a new process, which ends with 0 if that raised nothing."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may get back into the parent
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def age_nameless_locks(depot: Path) -> None:
    """Make old the locks of processes that were killed before they wrote their names.

    The workspace waits a minute for the name.
    """
    for lock in depot.rglob("*.lock"):
        if not lock.stat().st_size:
            os.utime(lock, (0, 0))


def check(promise: str, *, kept: bool) -> None:
    """Say whether a promise was kept, and stop where it was not."""
    print(f"  {'ok' if kept else 'BROKEN'}: {promise}", flush=True)
    if not kept:
        sys.exit(1)
