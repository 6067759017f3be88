"""A member of a depot's group swaps its folders for links while another installs."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fetch_artifacts import artifact, pkg_artifacts
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import Scene, check, fork, scene

GROUP, ALICE, MALLORY = 65500, 65501, 65502
SECONDS = 20


def main() -> None:
    """Run it; it needs root on Linux."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("  SKIPPED: NO NEIGHBOURS, for which this needs root on Linux")
        return
    with (
        scene(files=100, size=500, pause=0) as stage,
        tempfile.TemporaryDirectory(prefix="stress-") as name,
    ):
        private = Path(name)
        stage.folder.chmod(0o755)
        depot = stage.depot
        for folder in (depot, depot / "artifacts", depot / "logs"):
            folder.mkdir()
            os.chown(folder, 0, GROUP)
            folder.chmod(0o2775)
        for path in (private / "0", private / str(ALICE)):
            path.mkdir()
            (path / "f").write_text("private")
        for path in [private, *private.rglob("*")]:
            os.chown(path, ALICE, ALICE)
        artifact("Demo", stage.toml)  # root's Python may be out of the users' reach
        pkg_artifacts.remove_artifact(stage.tree_hash)
        attack(stage, private)


def attack(stage: Scene, private: Path) -> None:
    """Swap and install, then look at what is private."""
    before = sorted(str(path) for path in private.rglob("*"))
    end = time.monotonic() + SECONDS
    os.environ["HOME"] = str(stage.folder)  # root's own is closed to them
    pids = [fork(lambda: swap(stage, private, end)), fork(lambda: install(stage, end))]
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    check("no wrong tree is given", kept=codes == [0, 0])
    strange = set(before) ^ {str(path) for path in private.rglob("*")}
    check(f"nothing is made or removed elsewhere {strange}", kept=not strange)
    texts = {path.read_text() for path in private.rglob("f")}
    check("nothing is written elsewhere", kept=texts == {"private"})


def swap(stage: Scene, private: Path, end: float) -> None:
    """Put links to what is private in place of folders, again and again."""
    become(MALLORY)
    places = [stage.depot / ".fetch_artifacts", stage.depot / "artifacts"]
    number = 0
    while time.monotonic() < end:
        number += 1
        place = places[number % len(places)]
        away = stage.depot / f"away{number}"
        with contextlib.suppress(OSError):
            place.rename(away)
            place.symlink_to(private)
            time.sleep(0.001)
            place.unlink()
            away.rename(place)
        time.sleep(0.01)


def install(stage: Scene, end: float) -> None:
    """Install and remove, again and again."""
    become(ALICE)
    done = 0
    told: Counter[str] = Counter()
    while time.monotonic() < end:
        try:
            path = artifact("Demo", stage.toml)
            assert is_right(stage, path)
            pkg_artifacts.remove_artifact(stage.tree_hash)
            done += 1
        except (FetchArtifactsError, FileNotFoundError) as error:
            told[re.sub(r"\d{2,}", "#", str(error).split(": ", 1)[-1])] += 1
    print(f"  {done} installs and removals, {sum(told.values())} ended in an error:")
    for text, count in told.most_common(5):
        print(f"    {count} x {text[:100]}", flush=True)


def is_right(stage: Scene, path: Path) -> bool:
    """Whether a tree is what it should be, as long as it is there."""
    try:
        return str(hash_directory(path)) == stage.tree_hash
    except (OSError, FetchArtifactsError):
        return True  # swapped, or removed


def become(user: int) -> None:
    """Go on as a member of the group."""
    os.umask(0o002)
    os.setgroups([GROUP])
    os.setgid(GROUP)
    os.setuid(user)
