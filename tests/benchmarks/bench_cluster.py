"""The tree hash of 200,000 files, by one process, a process pool and a Dask cluster."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.harness import Contender, compare, memory_folder
from benchmarks.trees import small_files
from fetch_artifacts import tree_hash

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
FILES = 200_000


def main() -> None:
    with memory_folder() as folder, ProcessPoolExecutor(CORES) as pool:
        tree = small_files(folder / "tree", FILES)
        executors: dict[str, Executor] = {f"process pool of {CORES}": pool}
        with dask_executor() as dask:
            if dask is None:
                print("without Dask: distributed is not installed")
            else:
                executors[f"Dask, {CORES} workers"] = dask
            serial = tree_hash(tree)
            for name, executor in executors.items():
                assert tree_hash(tree, executor=executor) == serial, name
            contenders: dict[str, Contender] = {"ours": partial(tree_hash, tree)}
            contenders |= {
                name: partial(hash_with, tree, executor)
                for name, executor in executors.items()
            }
            compare(f"{FILES:,} files of 0.1 to 8 kB", contenders, rounds=3)


def hash_with(tree: Path, executor: Executor) -> None:
    tree_hash(tree, executor=executor)


@contextmanager
def dask_executor() -> Iterator[Executor | None]:
    """The executor of a cluster of this machine; None without distributed."""
    if importlib.util.find_spec("distributed") is None:
        yield None
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=CORES, threads_per_worker=1, dashboard_address=None
        ) as c,
        Client(c) as client,
        client.get_executor() as executor,
    ):
        yield executor
