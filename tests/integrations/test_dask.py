"""Artifacts on a Dask cluster of real processes; nox's session "integrations"."""

from __future__ import annotations

import asyncio
import gzip
import os
import pickle
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fetch_artifacts import TreeHash, artifact, errors, tree_hash
from support.published import TREE_HASH, entry, publish, sha256, tar
from support.servers import File, RawServer, Request, answer, serving
from support.trees import Tree, make_tree

pytestmark = pytest.mark.filterwarnings("default")  # theirs are theirs

# Seconds in which a worker starts on the busiest machine; what takes longer hangs.
ENOUGH = 600

needs_distributed = pytest.mark.skipif(
    not find_spec("distributed"),
    reason="NO PLUGIN OF DASK: distributed is not installed",
)
needs_dask = pytest.mark.skipif(
    not find_spec("dask"), reason="NO TOKENS OF DASK: dask is not installed"
)


@pytest.fixture
def _clusters(request: pytest.FixtureRequest) -> None:
    if not find_spec("distributed"):
        pytest.skip("NOT TESTED ON A DASK CLUSTER: distributed is not installed")
    if not request.config.getoption("--clusters"):
        pytest.skip("NOT TESTED ON A DASK CLUSTER: start one with --clusters")


@contextmanager
def published(
    folder: Path,
    count: int,
    pause: float = 0.0,
    before: Callable[[], object] = lambda: None,
) -> Iterator[RawServer]:
    """Serve artifacts A0, A1, ..., which an Artifacts.toml in the folder binds."""
    files: dict[str, File] = {}

    def handle(request: Request, connection: socket.socket) -> None:
        before()
        files.get(request.path, answer(404))(request, connection)

    folder.mkdir()
    with serving(handle) as server:
        entries = []
        for number in range(count):
            tree: Tree = {"number": str(number), "sub/data": os.urandom(1000)}
            data = gzip.compress(tar(tree))
            files[f"/{number}"] = File(data, pause=pause)
            made = make_tree(folder / "trees" / str(number), tree)
            source = (server.url(f"/{number}"), sha256(data))
            text = entry(source, name=f"A{number}", tree_hash=str(tree_hash(made)))
            entries.append(text)
        (folder / "Artifacts.toml").write_text("\n".join(entries))
        yield server


def requests(server: RawServer) -> Counter[int]:
    """How many artifacts were asked for how often."""
    return Counter(Counter(request.path for request in server.requests).values())


@contextmanager
def cluster(*depots: Path, **settings: str) -> Iterator[Any]:
    """A scheduler, and a worker with its nanny for each depot."""
    import dask
    from distributed import Scheduler, SpecCluster

    waits = "deploy.lost-worker-timeout", "comm.timeouts.connect", "comm.timeouts.tcp"
    with (
        # By default Dask gives a killed worker 15 s in all to start anew.
        dask.config.set({f"distributed.{wait}": ENOUGH for wait in waits}),
        SpecCluster(
            scheduler={"cls": Scheduler, "options": {"port": 0, "dashboard": False}},
            workers={n: nanny(depot, **settings) for n, depot in enumerate(depots)},
        ) as running,
    ):
        yield running


def nanny(depot: Path, **settings: str) -> dict[str, Any]:
    from distributed import Nanny

    environment = {"JULIA_DEPOT_PATH": str(depot), "JULIA_PKG_SERVER": "", **settings}
    return {"cls": Nanny, "options": {"nthreads": 1, "env": environment}}


def join(running: Any, depot: Path, **settings: str) -> None:
    """Let one more worker join."""
    running.new_spec = nanny(depot, **settings)
    running.scale(len(running.worker_spec) + 1)


def installed(depot: Path) -> int:
    return sum(1 for path in (depot / "artifacts").iterdir() if path.is_dir())


@pytest.mark.parametrize("shared", [False, True], ids=["separate", "shared"])
@pytest.mark.usefixtures("_clusters")
def test_each_depot_downloads_once(tmp_path: Path, *, shared: bool) -> None:
    from distributed import Client

    from fetch_artifacts.integrations.dask import ArtifactPlugin

    toml = tmp_path / "project" / "Artifacts.toml"
    depots = [tmp_path / ("depot" if shared else f"depot{n}") for n in range(6)]
    different = len(set(depots))
    with (
        published(toml.parent, 50) as server,
        cluster(*depots[:4]) as running,
        Client(running) as client,
    ):
        client.register_plugin(ArtifactPlugin(toml_path=toml))
        assert requests(server) == {min(different, 4): 50}
        assert [installed(depot) for depot in set(depots[:4])] == [50] * min(
            different, 4
        )

        # Two more join while there is work, and one is killed; its nanny starts anew.
        def work(n: int) -> str:
            time.sleep(0.05)
            return artifact(f"A{n % 50}/number", toml).read_text()

        one = min(client.run(os.getpid).values())
        work_done = client.map(work, range(200))
        for number in (4, 5):
            join(running, depots[number])
        os.kill(one, signal.SIGKILL)
        assert client.gather(work_done) == [str(n % 50) for n in range(200)]
        client.wait_for_workers(6, timeout=ENOUGH)
        assert len(client.run(lambda: artifact("A0", toml))) == 6
        assert requests(server) == {different: 50}


@pytest.mark.usefixtures("_clusters")
def test_a_worker_without_the_file_gets_its_text(tmp_path: Path) -> None:
    from distributed import Client

    from fetch_artifacts.integrations.dask import ArtifactPlugin

    toml = tmp_path / "project" / "Artifacts.toml"
    with (
        published(toml.parent, 3) as server,
        cluster(tmp_path / "depot", XDG_CACHE_HOME=str(tmp_path / "cache")) as running,
        Client(running) as client,
    ):
        plugin = ArtifactPlugin(["A0", "A2"], toml)
        shutil.rmtree(toml.parent)
        client.register_plugin(plugin)
        assert installed(tmp_path / "depot") == 2
        by_path = client.submit(lambda: artifact("A0/number", toml).read_text())
        by_folder = client.submit(
            lambda: artifact("A2/number", toml.parent).read_text()
        )
        by_name = client.submit(lambda: artifact("A1/number").read_text())
        assert client.gather([by_path, by_folder, by_name]) == ["0", "2", "1"]
        assert requests(server) == {1: 3}
        # What the node loses, it gets again: when it is asked for, or all at once.
        shutil.rmtree(tmp_path / "depot" / "artifacts")
        by_path = client.submit(lambda: artifact("A0/number", toml).read_text())
        assert by_path.result() == "0"
        assert installed(tmp_path / "depot") == 1
        client.register_plugin(plugin)
        assert installed(tmp_path / "depot") == 2
        # The log of uses names a copy that another process finds too.
        log = (tmp_path / "depot" / "logs" / "artifact_usage.toml").read_text()
        assert str(tmp_path / "cache") in log
        client.unregister_worker_plugin(plugin.name)
        lost = client.submit(lambda: artifact("A0", toml))
        with pytest.raises(errors.ArtifactsTomlNotFoundError):
            lost.result()


@pytest.mark.usefixtures("_clusters")
def test_an_artifact_address_opens_on_a_worker_without_the_file(tmp_path: Path) -> None:
    import fsspec
    from distributed import Client

    from fetch_artifacts.integrations.dask import ArtifactPlugin

    toml = tmp_path / "project" / "Artifacts.toml"
    with (
        published(toml.parent, 1),
        cluster(tmp_path / "depot", XDG_CACHE_HOME=str(tmp_path / "cache")) as running,
        Client(running) as client,
    ):
        plugin = ArtifactPlugin([], toml)
        file = fsspec.open("artifact://A0/number", toml_path=toml)
        shutil.rmtree(toml.parent)
        client.register_plugin(plugin)

        def content(opened: Any) -> bytes:
            with opened as file:
                return bytes(file.read())

        assert client.submit(content, file).result() == b"0"


@pytest.mark.usefixtures("_clusters")
def test_failures_are_the_clients_errors(tmp_path: Path) -> None:
    from distributed import Client

    from fetch_artifacts.integrations.dask import ArtifactPlugin

    toml = tmp_path / "project" / "Artifacts.toml"
    blocked = tmp_path / "blocked"
    blocked.touch()
    with published(toml.parent, 1) as server:
        text = toml.read_text()
        text += entry((server.url("/none"), sha256(b"")), name="Gone")
        toml.write_text(text)
        with pytest.raises(errors.ArtifactNotFoundError, match="did you mean 'Gone'"):
            ArtifactPlugin(["Gane"], toml)
        with cluster(tmp_path / "depot") as running, Client(running) as client:
            with pytest.raises(errors.InstallError, match=r"Gone: .*\n.*404"):
                client.register_plugin(ArtifactPlugin(["A0", "Gone"], toml))
            assert installed(tmp_path / "depot") == 1
            # A worker that joins later and can't install goes on, and its tasks tell.
            join(running, blocked)
            client.wait_for_workers(2, timeout=ENOUGH)
            ((late, _),) = client.run(os.getenv, "JULIA_DEPOT_PATH").items() - {
                (address, str(tmp_path / "depot"))
                for address in client.scheduler_info()["workers"]
            }
            task = client.submit(lambda: artifact("A0", toml), workers=[late])
            with pytest.raises(errors.DepotError, match="blocked"):
                task.result()


@pytest.mark.usefixtures("_clusters")
def test_a_long_install_does_not_cost_the_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import dask
    from distributed import Client

    from fetch_artifacts.integrations.dask import ArtifactPlugin

    toml = tmp_path / "project" / "Artifacts.toml"
    with (
        published(toml.parent, 1, pause=9) as server,
        dask.config.set({"distributed.scheduler.worker-ttl": "2 s"}),
        cluster() as running,
        Client(running) as client,
    ):
        client.register_plugin(ArtifactPlugin(toml_path=toml))
        join(running, tmp_path / "depot")
        found = client.submit(lambda: artifact("A0/number", toml).read_text())
        assert found.result(timeout=ENOUGH) == "0"
        assert requests(server) == {1: 1}
    assert "failed to heartbeat" not in caplog.text


@pytest.mark.usefixtures("_clusters")
def test_a_cluster_hashes_a_tree(tmp_path: Path) -> None:
    from distributed import Client

    tree = make_tree(
        tmp_path / "tree", {f"{n % 7}/{n % 11}/{n}": str(n) for n in range(2000)}
    )
    with (
        cluster(tmp_path / "depot", tmp_path / "depot") as running,
        Client(running) as client,
        client.get_executor() as executor,
    ):
        assert tree_hash(tree, executor=executor) == tree_hash(tree)


class StandInWorker:
    """What the plugin asks of Dask's worker."""

    def __init__(self, folder: Path) -> None:
        self.local_directory = str(folder)
        self.heard_of = threading.Event()

    async def heartbeat(self) -> None:
        self.heard_of.set()


@needs_distributed
def test_a_worker_is_heard_of_while_it_installs_and_forgets_the_file_at_its_end(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fetch_artifacts.integrations import dask

    monkeypatch.setattr(dask, "_HEARTBEAT", 0.01)
    toml = tmp_path / "project" / "Artifacts.toml"
    worker = StandInWorker(tmp_path / "worker")
    with published(toml.parent, 2, before=partial(worker.heard_of.wait, 60)):
        plugin = pickle.loads(pickle.dumps(dask.ArtifactPlugin(["A1"], toml)))
        shutil.rmtree(toml.parent)
        asyncio.run(plugin.setup(worker))
        assert worker.heard_of.is_set()
        assert artifact("A1/number", toml).read_text() == "1"
        assert installed(depot) == 1
        plugin.teardown(worker)
        with pytest.raises(errors.ArtifactsTomlNotFoundError):
            artifact("A1", toml)


@needs_distributed
def test_where_no_cache_can_be_written_the_file_goes_to_the_workers_folder(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fetch_artifacts.integrations.dask import ArtifactPlugin

    blocked = tmp_path / "blocked"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    toml = tmp_path / "project" / "Artifacts.toml"
    worker = StandInWorker(tmp_path / "worker")
    with published(toml.parent, 1):
        plugin = ArtifactPlugin(toml_path=toml)
        shutil.rmtree(toml.parent)
        asyncio.run(plugin.setup(worker))
        assert artifact("A0/number", toml).read_text() == "0"
        plugin.teardown(worker)
    assert [path.name for path in (tmp_path / "worker").rglob("*.toml")] == [toml.name]
    assert installed(depot) == 1


@needs_dask
def test_hashes_have_one_token_wherever_they_come_from() -> None:
    from dask.base import tokenize

    first, second = TreeHash.parse(TREE_HASH), TreeHash.parse(TREE_HASH.upper())
    assert tokenize(first) == tokenize(second)
    assert tokenize(first) == tokenize(pickle.loads(pickle.dumps(first)))
    assert tokenize(first) != tokenize(TreeHash.parse("0" * 40))


@needs_dask
def test_paths_have_the_token_of_their_tree(tmp_path: Path, depot: Path) -> None:
    from dask.base import tokenize

    toml, other = publish(tmp_path / "one").toml, publish(tmp_path / "two").toml
    path = artifact("Demo", toml)
    assert tokenize(path) == tokenize(
        pickle.loads(pickle.dumps(artifact("Demo", other)))
    )
    assert tokenize(path) != tokenize(path.with_name("0" * 40))
