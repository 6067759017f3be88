"""gc beside processes that install, use, remove and bind; two at once; and killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import tomli

from fetch_artifacts import artifact, pkg_artifacts
from fetch_artifacts.depot import gc
from fetch_artifacts.depot.gc import collect_garbage
from fetch_artifacts.depot.usage import orphans
from fetch_artifacts.depot.usage.log import write_usage
from fetch_artifacts.install.clearing import clear
from stress.scene import age_nameless_locks, check, fork
from support.published import Published, publish
from support.trees import Tree, make_tree

PROCESSES = 8
ROUNDS = 200
KILLS = 100
TREES = 12


def main() -> None:
    """Run each of the three in a depot of its own."""
    with mock.patch.object(orphans, "NEW_FOR", timedelta(0)):
        for part in (beside_others, two_at_once, killed):
            with tempfile.TemporaryDirectory(prefix="stress-") as name:
                os.environ["JULIA_DEPOT_PATH"] = str(Path(name, "depot"))
                os.environ["JULIA_PKG_SERVER"] = ""
                os.environ["FETCH_ARTIFACTS_FSYNC"] = "false"
                part(Path(name))


def beside_others(folder: Path) -> None:
    """8 processes work on the same trees while gc deletes at once, again and again."""
    published = [publish_one(folder / f"published{n}", n) for n in range(TREES)]
    done = folder / "done"
    pids = [
        fork(lambda n=n: work(folder / f"user{n}", published, n))  # type: ignore[misc]
        for n in range(PROCESSES)
    ]
    rounds, deleted, began = 0, 0, time.perf_counter()
    running = set(pids)
    failed = 0
    while running or rounds < ROUNDS:
        result = collect_garbage(collect_delay=timedelta(0))
        rounds += 1
        time.sleep(0.01)  # or the others hardly ever get the lock
        deleted += len(result.collected)
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.remove(pid)
                failed += status != 0
    done.touch()
    taken = time.perf_counter() - began
    print(f"  {rounds} gcs deleted {deleted} trees in {taken:.0f} s")
    check("gc had something to do", kept=deleted > PROCESSES)
    check("nothing in use is ever deleted", kept=not failed)
    check_whole(folder / "depot")


def publish_one(folder: Path, number: int) -> Published:
    """An archive of a tree of its own."""
    tree: Tree = {f"{n}/{number}": f"{n} of {number}" * 20 for n in range(15)}
    published = publish(folder, tree=tree)
    tree_hash = str(pkg_artifacts.create_artifact(lambda into: make_tree(into, tree)))
    text = published.toml.read_text("utf-8")
    old = text.split('git-tree-sha1 = "')[1][:40]
    published.toml.write_text(text.replace(old, tree_hash), "utf-8")
    return published


def work(folder: Path, published: list[Published], seed: int) -> None:
    """Bind, install, use and remove; whatever is in use must stay."""
    rng = random.Random(seed)
    folder.mkdir()
    for number in range(ROUNDS):
        toml = folder / f"{number % 5}" / "Artifacts.toml"
        toml.parent.mkdir(exist_ok=True)
        chosen = rng.choice(published)
        if rng.random() < 0.5 or not toml.exists():
            shutil.copy(chosen.toml, folder / "new")
            (folder / "new").replace(toml)
        else:  # bind a tree that may just be going
            tree_hash = chosen.toml.read_text().split('git-tree-sha1 = "')[1][:40]
            source = tomli.loads(chosen.toml.read_text())["Demo"]["download"][0]
            sources = [(source["url"], source["sha256"])]
            pkg_artifacts.bind_artifact(
                toml, "Demo", tree_hash, download_info=sources, force=True
            )
        path = artifact("Demo", toml)
        for _ in range(rng.randrange(1, 6)):
            files = [each for each in path.rglob("*") if each.is_file()]
            if len(files) != 15 or not all(each.read_bytes() for each in files):
                sys.stderr.write(f"{path} of {toml} has {len(files)} files\n")
                os._exit(1)
        if rng.random() < 0.3:
            toml.unlink()
        elif rng.random() < 0.2:
            clear("Demo", str(toml))


def two_at_once(folder: Path) -> None:
    """Two gcs delete the same 600 trees."""
    depot = folder / "depot"
    hashes = fill(depot, folder, 600)
    with mock.patch.object(gc, "_AT_ONCE", 16):
        pids = [fork(lambda: collect_garbage(collect_delay=timedelta(0))) for _ in "12"]
        codes = [os.waitpid(pid, 0)[1] for pid in pids]
    check("both end well", kept=codes == [0, 0])
    check("what is named is kept, the rest is gone", kept=left(depot) == hashes)
    check_whole(depot)


def killed(folder: Path) -> None:
    """gc is killed at random moments; the next one finishes the job."""
    depot, rng = folder / "depot", random.Random(0)
    collect: Callable[[], object]
    collect = lambda: collect_garbage(collect_delay=timedelta(0))  # noqa: E731
    hashes = fill(depot, folder, 60)
    interrupted, longest = 0, 0.5
    for _ in range(KILLS):
        fill(depot, folder, 60)
        pid = fork(collect)
        time.sleep(rng.uniform(0, longest))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        check_logs(depot)
        for tree in (depot / "artifacts").iterdir():
            if tree.is_dir() and len(list(tree.rglob("*"))) != 30:
                check("no half tree is left in artifacts", kept=False)
        early = left(depot) != hashes
        interrupted += early
        # As many before the trees are out as while they are deleted, at any load.
        longest *= 1.15 if early else 1 / 1.15
    print(f"  {KILLS} kills, {interrupted} of them before all trees were out")
    check("kills hit on both sides", kept=KILLS // 5 < interrupted < KILLS - KILLS // 5)
    collect()
    check("the next one finishes the job", kept=left(depot) == hashes)
    check_whole(depot)


def fill(depot: Path, folder: Path, count: int) -> list[str]:
    """Install many trees, of which a file names three; gives those."""
    for number in range(count):
        tree = depot / "artifacts" / f"{number:040x}"
        if not tree.exists():
            staged = folder / "staged"
            make_tree(staged, {f"{n}/file": "x" for n in range(15)})
            tree.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(tree)
    named = [f"{number:040x}" for number in range(3)]
    text = "".join(f'[n{n}]\ngit-tree-sha1 = "{h}"\n' for n, h in enumerate(named))
    toml = folder / "Artifacts.toml"
    toml.write_text(text)
    write_usage(depot, [toml])
    return named


def left(depot: Path) -> list[str]:
    """The trees in a depot."""
    return sorted(p.name for p in (depot / "artifacts").iterdir() if len(p.name) == 40)


def check_logs(depot: Path) -> None:
    """Stop where a log is not whole."""
    for name in ("artifact_usage.toml", "orphaned.toml"):
        log = depot / "logs" / name
        if log.exists():
            tomli.loads(log.read_text("utf-8"))


def check_whole(depot: Path) -> None:
    """Nothing may be left but trees and whole logs."""
    age_nameless_locks(depot)
    collect_garbage(collect_delay=timedelta(0))
    check_logs(depot)
    remains = [
        str(path.relative_to(depot))
        for path in depot.rglob("*")
        if path.name.startswith("jl_") or path.name.endswith((".pid", ".lock"))
    ]
    check(f"the logs are whole, and nothing is left over {remains}", kept=not remains)


if __name__ == "__main__":
    main()
