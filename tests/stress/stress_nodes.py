"""1,000 processes on 4 nodes, each its own network and host name, want one artifact."""

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
from pathlib import Path

from fetch_artifacts import tree_hash
from stress.scene import check
from support.published import entry, sha256, tar
from support.servers import File, RawServer, serving
from support.trees import Tree, make_tree

NODES = 4
PROCESSES = 250  # on each node
SERVER = "10.213.77.1"

# A node: forks its processes, which wait for the gate to open, then ask at once. What
# they need is imported before: this is about locks, and a real node has more cores.
NODE = """
import os, sys, time
from pathlib import Path
from fetch_artifacts import artifact
import fetch_artifacts.install.installer, requests
toml, gate, results, count = sys.argv[1:]
pids = []
for number in range(int(count)):
    pid = os.fork()
    if pid == 0:
        with open(gate, "rb") as file:
            file.read()
        began = time.perf_counter()
        path = artifact("Demo", toml)
        taken = time.perf_counter() - began
        Path(results, f"{os.uname().nodename}-{number}").write_text(f"{taken} {path}")
        os._exit(0)
    pids.append(pid)
print("ready", flush=True)
sys.exit(any([os.waitpid(pid, 0)[1] for pid in pids]))
"""


def main() -> None:
    """Run it with a depot on each node, then with one for all of them."""
    needed = [name for name in ("ip", "unshare", "hostname") if not shutil.which(name)]
    if sys.platform != "linux" or os.geteuid() != 0 or needed:
        lacking = ", ".join(needed) or "root on Linux"
        print(f"  SKIPPED: NO NODES WERE MADE, for which this needs {lacking}")
        return
    with ExitStack() as stack:
        bridge = stack.enter_context(network())
        nodes = [
            stack.enter_context(node(number, bridge)) for number in range(1, NODES + 1)
        ]
        for shared in (False, True):
            crowd(nodes, shared=shared)


@contextmanager
def network() -> Iterator[str]:
    """A bridge on which this machine is SERVER; gives its name."""
    name = f"fa{os.getpid()}"
    ip("link", "add", name, "type", "bridge")
    try:
        ip("addr", "add", f"{SERVER}/24", "dev", name)
        ip("link", "set", name, "up")
        yield name
    finally:
        ip("link", "del", name)


@contextmanager
def node(number: int, bridge: str) -> Iterator[str]:
    """A network namespace that is plugged into the bridge; gives its name."""
    name, cable = f"{bridge}-{number}", f"{bridge}.{number}"
    ip("netns", "add", name)
    try:
        ip("link", "add", cable, "type", "veth", "peer", "eth0", "netns", name)
        ip("link", "set", cable, "master", bridge, "up")
        address = SERVER.removesuffix("1") + str(number + 1)
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        yield name
    finally:
        ip("netns", "del", name)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def crowd(nodes: list[str], *, shared: bool) -> None:
    """Let all processes of all nodes ask at one moment."""
    rng = random.Random(1)
    tree: Tree = {f"{n % 7}/{n}": rng.randbytes(50_000) for n in range(200)}
    data = gzip.compress(tar(tree), 1)
    with (
        tempfile.TemporaryDirectory(prefix="stress-") as name,
        serving(File(data, pause=0.02), host=SERVER) as server,
    ):
        folder = Path(name)
        expected = str(tree_hash(make_tree(folder / "tree", tree)))
        source = (server.url(host=SERVER), sha256(data))
        (folder / "Artifacts.toml").write_text(entry(source, tree_hash=expected))
        (folder / "results").mkdir()
        depots = [folder / ("depot" if shared else node) for node in nodes]
        seconds = ask(folder, dict(zip(nodes, depots, strict=True)))
        report(server, len(data), seconds, depots)
        check(
            "the trees are right",
            kept={str(tree_hash(depot / "artifacts" / expected)) for depot in depots}
            == {expected},
        )


def ask(folder: Path, depots: dict[str, Path]) -> list[float]:
    """Start the nodes, open the gate, and give how long each process took."""
    gate, results = folder / "gate", folder / "results"
    os.mkfifo(gate)
    with ExitStack() as stack:
        running = [
            stack.enter_context(start(node, depot, folder))
            for node, depot in depots.items()
        ]
        for each in running:
            assert each.stdout is not None
            check("a node is ready", kept=each.stdout.readline() == b"ready\n")
        time.sleep(1)  # until the last of its processes is at the gate
        gate.open("wb").close()
        codes = [each.wait() for each in running]
    check("all of them succeed", kept=codes == [0] * len(depots))
    lines = [path.read_text().split(" ", 1) for path in results.iterdir()]
    check("all of them ask", kept=len(lines) == NODES * PROCESSES)
    return sorted(float(taken) for taken, _ in lines)


def start(node: str, depot: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a node's program, under a host name of its own."""
    program = ["sh", "-c", 'hostname "$0"; exec "$@"', node, sys.executable, "-c", NODE]
    arguments = [folder / "Artifacts.toml", folder / "gate", folder / "results"]
    return subprocess.Popen(
        [
            *("ip", "netns", "exec", node, "unshare", "--uts"),
            *(*program, *map(str, arguments), str(PROCESSES)),
        ],
        env={**os.environ, "JULIA_DEPOT_PATH": str(depot), "JULIA_PKG_SERVER": ""},
        stdout=subprocess.PIPE,
    )


def report(
    server: RawServer, size: int, seconds: list[float], depots: list[Path]
) -> None:
    """Print the figures, and check the server's log."""
    different, requests = len(set(depots)), len(server.requests)
    asked = sum(request.size for request in server.requests)
    print(
        f"  {len(seconds)} processes on {len(depots)} nodes, {different} depots: "
        f"{requests} requests of {asked / requests:.0f} bytes, "
        f"{requests * size:,} bytes of archives; "
        f"first {seconds[0]:.2f} s, median {seconds[len(seconds) // 2]:.2f} s, "
        f"last {seconds[-1]:.2f} s"
    )
    check("one request for each depot", kept=requests == different)
