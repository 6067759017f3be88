"""Three of a hundred system calls about files fail with ESTALE, as NFS lets them.

1,000 runs install, look up, bind, verify and collect garbage in turn, each from a
sound depot.
"""

from __future__ import annotations

import errno
import logging
import os
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch_artifacts import FetchArtifactsError, artifact, pkg_artifacts
from fetch_artifacts.depot.gc import collect_garbage
from fetch_artifacts.depot.usage import log
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import check
from support.published import TREE_HASH, publish

RUNS = 1_000
RATE = 0.03
CALLS = (
    "chmod close fchmod fstat fsync link listdir lstat mkdir open read readlink rename "
    "replace rmdir scandir stat symlink unlink utime write"
)
# Nothing is wrong with what was downloaded, and no error may say so.
BLAME = re.compile(r"damage|corrupt|truncated|incomplete|ends|expected|sha256")
HASH = TreeHash.parse(TREE_HASH)


def main() -> None:
    """Do it all, and look at what is there after each run."""
    logging.getLogger("fetch_artifacts").setLevel(logging.CRITICAL)
    results: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot")
        os.environ["JULIA_PKG_SERVER"] = ""
        toml, bound = publish(folder / "published").toml, folder / "Bound.toml"
        work: dict[str, Callable[[], object]] = {
            "install": lambda: artifact("Demo", toml),
            "look-up": lambda: artifact("Demo", toml),
            "bind": lambda: pkg_artifacts.bind_artifact(bound, "New", HASH),
            "verify": lambda: pkg_artifacts.verify_artifact(HASH),
            "gc": collect_garbage,
        }
        rng = random.Random(1)
        for run in range(RUNS):
            what = list(work)[run % len(work)]
            start_afresh(folder)
            if what != "install":
                artifact("Demo", toml)
            log._seen.clear()
            with stale_files(rng):
                said = outcome(work[what])
            results[f"{what} {'refused' if said else 'done'}"] += 1
            messages[said.replace(name, "")] += 1
            look_at(folder, what, said)
    for what, count in sorted(results.items()):
        print(f"  {what}: {count}")
    del messages[""]
    for said, count in messages.most_common():
        print(f"    {count} said {said}")
    check("nothing half or wrong is there", kept=True)  # else it would have stopped
    check("no error blames the archive", kept=not any(map(BLAME.search, messages)))


def start_afresh(folder: Path) -> None:
    """Remove what the last run left."""
    shutil.rmtree(folder / "depot", ignore_errors=True)
    for left in folder.glob("*Bound.toml*"):
        left.unlink()


@contextmanager
def stale_files(rng: random.Random) -> Iterator[None]:
    """Let calls fail at random."""
    kinds = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks)
    real = {name: getattr(os, name) for name in CALLS.split()}
    for name, call in real.items():
        unsound = unreliable(call, rng)
        setattr(os, name, unsound)
        for kind in kinds:
            if call in kind:
                kind.add(unsound)
    try:
        yield
    finally:
        for name, call in real.items():
            for kind in kinds:
                kind.discard(getattr(os, name))
            setattr(os, name, call)


def unreliable(
    call: Callable[..., object], rng: random.Random
) -> Callable[..., object]:
    """A system call that now and then no longer finds its file."""

    def fail_or_call(*args: object, **options: object) -> object:
        if rng.random() >= RATE:
            return call(*args, **options)
        if call.__name__ == "close":
            call(*args, **options)  # which closes it nevertheless
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    return fail_or_call


def outcome(work: Callable[[], object]) -> str:
    """What an error of ours says, "" where there is none; others end the script."""
    try:
        done = work()
    except FetchArtifactsError as error:
        return str(error)
    if done is False:
        check("what is sound is called sound", kept=False)
    return ""


def look_at(folder: Path, what: str, said: str) -> None:
    """Stop where something is there that should not be, or lacks."""
    tree = folder / "depot" / "artifacts" / TREE_HASH
    bound = folder / "Bound.toml"
    if tree.exists():
        assert hash_directory(tree) == HASH, f"{what}: a wrong tree"
    if bound.exists():
        assert pkg_artifacts.artifact_hash("New", bound) == HASH, f"{what}: wrong file"
    if not said:
        assert tree.exists(), f"{what}: the tree is gone"
        assert bound.exists() == (what == "bind"), f"{what}: the binding"
