"""Four nodes share a depot on NFS; each mounts it itself, in its own network namespace.

The server is this kernel's own, which must run. To it the nodes are as many clients,
each with its own caches and host name.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest import mock

import tomli

from fetch_artifacts import artifact, tree_hash
from fetch_artifacts.depot.gc import collect_garbage
from fetch_artifacts.depot.usage import orphans
from fetch_artifacts.depot.usage.log import write_usage
from stress import stress_file_systems, stress_gc
from stress.scene import check, fork
from stress.stress_nodes import NODES, SERVER, network, node
from support.published import entry, sha256, tar
from support.servers import File, RawServer, serving
from support.trees import Tree, make_tree

VERSIONS = ("4.2", "3")
PROCESSES = 25  # on each node, that ask for one artifact
WRITES = 50  # of each node to the usage log
ROUNDS = 25  # of new trees on each node but the one with gc
FILES = 15  # in each of them
THREADS = Path("/proc/fs/nfsd/threads")
PROGRAMS = ("ip", "unshare", "hostname", "exportfs", "mount.nfs")
TESTS = Path(__file__).parents[1]


def main() -> None:
    """Do it all with each version of the protocol."""
    lacking = [name for name in PROGRAMS if not stress_file_systems.which(name)]
    if sys.platform != "linux" or os.geteuid() != 0:
        lacking.append("root on Linux")
    elif not THREADS.exists() or not int(THREADS.read_text()):
        lacking.append("the kernel's NFS server, running (rpc.nfsd 8)")
    if lacking:
        needed = ", ".join(lacking)
        print(f"  SKIPPED: NFS WAS NOT TRIED, for which this needs {needed}")
        return
    with ExitStack() as stack:
        bridge = stack.enter_context(network())
        names = [stack.enter_context(node(n, bridge)) for n in range(1, NODES + 1)]
        for version in VERSIONS:
            print(f"  NFS {version}:", flush=True)
            for part in (use_alone, crowd, logs, collect_beside, killed):
                with exported() as folder:
                    began = time.monotonic()
                    part([Node(name, version, folder) for name in names])
                    print(f"    {time.monotonic() - began:.0f} s", flush=True)


@contextmanager
def exported() -> Iterator[Path]:
    """A folder that the network may mount; beside it the place to mount it at.

    To version 4 it is the root of all that this server exports.
    """
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        (folder / "export").mkdir()
        (folder / "mount").mkdir()
        client = f"{SERVER}/24:{folder / 'export'}"
        options = "rw,sync,no_root_squash,no_subtree_check,fsid=0"
        subprocess.run(["exportfs", "-i", "-o", options, client], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["exportfs", "-u", client], check=True)


@dataclass(frozen=True, slots=True)
class Node:
    """A client of the server.

    Attributes:
        name: Of its network namespace, and its host name.
        version: The version of NFS.
        folder: What it mounts is ``mount`` in here.
    """

    name: str
    version: str
    folder: Path

    @property
    def mount(self) -> Path:
        return self.folder / "mount"

    def start(self, function: str, *arguments: object) -> subprocess.Popen[str]:
        """Run a function of this module on the node, with the mount as its folder."""
        # Locks of version 3, which nothing here takes, would need a daemon.
        is_3 = self.version == "3"
        options = f"vers={self.version}" + (",nolock" if is_3 else "")
        export = self.folder / "export" if is_3 else "/"
        script = (
            'hostname "$1" && mount -t nfs -o "$2" "$3" "$4" && cd "$4" && shift 4 '
            '&& exec "$@"'
        )
        place = [self.name, options, f"{SERVER}:{export}", self.mount]
        code = f"import sys; from stress.stress_nfs import {function} as run; "
        code += "run(*sys.argv[1:])"
        command = ["ip", "netns", "exec", self.name, "unshare", "--uts", "--mount"]
        command += ["sh", "-c", script, "sh", *map(str, place)]
        command += [sys.executable, "-c", code, *map(str, arguments)]
        paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
        return subprocess.Popen(
            command,
            env={
                **os.environ,
                "JULIA_DEPOT_PATH": str(self.mount / "depot"),
                "JULIA_PKG_SERVER": "",
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "TMPDIR": str(self.folder),
            },
            stdout=subprocess.PIPE,
            text=True,
        )


def use_alone(nodes: list[Node]) -> None:
    """Install, verify, damage, repair and remove on one node."""
    code = nodes[0].start("try_out", nodes[0].folder).wait()
    check("what users do is possible", kept=code == 0)


def try_out(folder: str) -> None:
    """What `use_alone` runs on a node."""
    with Path(folder, "users.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        stress_file_systems.try_out("nfs", Path.cwd(), Path(folder))


def crowd(nodes: list[Node]) -> None:
    """Processes on all nodes ask for one artifact at the same moment."""
    with published(nodes[0].folder, pause=0.02) as (server, expected):
        gate = nodes[0].folder / "gate"
        os.mkfifo(gate)
        running = [each.start("ask", each.folder, PROCESSES) for each in nodes]
        for each in running:
            assert each.stdout is not None
            check("a node is ready", kept=each.stdout.readline() == "ready\n")
        time.sleep(1)  # until the last of its processes is at the gate
        began = time.monotonic()
        gate.open("wb").close()
        codes = [each.wait() for each in running]
        taken, asked = time.monotonic() - began, len(server.requests)
    print(f"  {NODES * PROCESSES} processes: {asked} requests, {taken:.0f} s")
    check("all of them succeed", kept=codes == [0] * NODES)
    check("one request", kept=asked == 1)
    check_installed(nodes[0], expected)


def ask(folder: str, processes: str) -> None:
    """What `crowd` runs on each node; the processes wait for the gate to open."""

    def wait_and_ask() -> None:
        Path(folder, "gate").read_bytes()
        artifact("Demo", Path(folder, "Artifacts.toml"))

    pids = [fork(wait_and_ask) for _ in range(int(processes))]
    print("ready", flush=True)
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    sys.exit(any(codes))


def logs(nodes: list[Node]) -> None:
    """All nodes write to one usage log."""
    users = [nodes[0].folder / each.name for each in nodes]
    names = [user / str(n) / "Artifacts.toml" for user in users for n in range(WRITES)]
    for name in names:
        name.parent.mkdir(parents=True)
        name.touch()
    running = [
        each.start("log_uses", user) for each, user in zip(nodes, users, strict=True)
    ]
    codes = [each.wait() for each in running]
    check("all of them can log", kept=codes == [0] * NODES)
    log = nodes[0].folder / "export" / "depot" / "logs" / "artifact_usage.toml"
    logged = set(tomli.loads(log.read_text("utf-8")))
    check("no entry is lost", kept=logged == set(map(str, names)))


def log_uses(user: str) -> None:
    """What `logs` runs on each node."""
    for toml in Path(user).glob("*/Artifacts.toml"):
        write_usage(Path("depot").absolute(), [toml])


def collect_beside(nodes: list[Node]) -> None:
    """One node collects garbage, while the others install, use, and forget."""
    folder = nodes[0].folder / "export"
    (folder / "depot" / "artifacts").mkdir(parents=True)
    collector = nodes[0].start("collect")
    users = [each.start("use", n, each.folder) for n, each in enumerate(nodes[1:])]
    codes = [each.wait() for each in users]
    (folder / "done").touch()
    deleted = int(collector.communicate()[0].strip() or 0)
    print(f"  gc deleted {deleted} trees")
    check("nothing in use is ever deleted", kept=codes == [0] * (NODES - 1))
    check("gc had something to do", kept=deleted > NODES)
    stress_gc.check_whole(folder / "depot")


def collect() -> None:
    """What `collect_beside` runs on one node, until a file says that all is done."""
    deleted = 0
    with mock.patch.object(orphans, "NEW_FOR", timedelta(0)):
        while Path("done") not in Path().iterdir():
            deleted += len(collect_garbage(collect_delay=timedelta(0)).collected)
            time.sleep(0.05)  # or the others hardly ever get the lock
    print(deleted)


def use(number: str, folder: str) -> None:
    """What `collect_beside` runs on the other nodes.

    No tree comes back that was deleted: for up to a minute a client may take it for
    present, so a `--collect-delay` has to be longer than that.
    """
    user, local = Path.cwd() / f"user{number}", Path(folder, number)
    kept = bind(user / "kept", local / "kept", number)
    for each in range(ROUNDS):
        toml = bind(user / str(each), local / str(each), f"{each} of {number}")
        for path in (artifact("Demo", toml), artifact("Demo", kept)):
            found = [file.read_text() for file in path.iterdir()]
            if len(found) != FILES or not all(found):
                sys.exit(f"{path}: expected {FILES} files, found {found}")
        toml.unlink()


def bind(project: Path, source: Path, text: str) -> Path:
    """Bind a tree of its own to ``Demo`` in the file of a new project; gives that."""
    tree: Tree = {str(number): text for number in range(FILES)}
    data = gzip.compress(tar(tree))
    expected = str(tree_hash(make_tree(source / "tree", tree)))
    archive = source / "demo.tar.gz"
    archive.write_bytes(data)
    project.mkdir(parents=True)
    toml = project / "Artifacts.toml"
    toml.write_text(entry((archive.as_uri(), sha256(data)), tree_hash=expected))
    return toml


def killed(nodes: list[Node]) -> None:
    """A process is killed while it installs; another on its node or elsewhere waits."""
    for other, most in ((nodes[0], 30), (nodes[1], 115)):
        with published(nodes[0].folder, pause=0.2) as (_, expected):
            victim = nodes[0].start("install", nodes[0].folder)
            assert victim.stdout is not None
            check("it begins", kept=victim.stdout.readline() == "begun\n")
            time.sleep(2)
            victim.kill()
            victim.wait()
            began = time.monotonic()
            code = other.start("install", other.folder).wait()
            taken = time.monotonic() - began
        where = "the same node" if other is nodes[0] else "another node"
        print(f"  after a kill, {where} has installed it in {taken:.0f} s")
        check("the next one succeeds", kept=code == 0 and taken < most)
        check_installed(other, expected)
        shutil.rmtree(nodes[0].folder / "export" / "depot")


def install(folder: str) -> None:
    """What `killed` runs."""
    print("begun", flush=True)
    artifact("Demo", Path(folder, "Artifacts.toml"))


@contextmanager
def published(folder: Path, *, pause: float) -> Iterator[tuple[RawServer, str]]:
    """Serve an archive, and bind it; gives the server and the tree hash."""
    rng = random.Random(1)
    tree: Tree = {f"{n % 7}/{n}": rng.randbytes(20_000) for n in range(100)}
    expected = str(tree_hash(make_tree(folder / f"tree{time.monotonic()}", tree)))
    data = gzip.compress(tar(tree), 1)
    with serving(File(data, pause=pause), host=SERVER) as server:
        source = (server.url(host=SERVER), sha256(data))
        text = entry(source, tree_hash=expected)
        (folder / "Artifacts.toml").write_text(text)
        yield server, expected


def check_installed(node: Node, expected: str) -> None:
    """On the server, the tree is right, and no lock is left."""
    depot = node.folder / "export" / "depot"
    check(
        "the tree is right",
        kept=str(tree_hash(depot / "artifacts" / expected)) == expected,
    )
    locks = [path.name for path in depot.rglob("*.pid")]
    check(f"no lock is left {locks}", kept=not locks)
