"""Two users of a group share a depot; a container has one in its lower layer."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fetch_artifacts import artifact, artifact_exists, clear_artifact_cache, tree_hash
from stress.scene import check, fork
from support.published import entry, sha256, tar
from support.trees import Tree, make_tree

GROUP, USERS = 65500, (65501, 65502)


def main() -> None:
    """Run both; they need root on Linux."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("  SKIPPED: NO USERS AND NO LAYERS, for which this needs root on Linux")
        return
    os.environ["JULIA_PKG_SERVER"] = ""
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        tomls = [publish(folder, number) for number in range(2)]
        # Imports everything: root's Python may be out of reach for the users.
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot0")
        artifact("Demo", tomls[0])
        clear_artifact_cache("Demo", tomls[0])
        group(folder / "group", tomls)
        layers(folder, tomls)


def publish(folder: Path, number: int) -> Path:
    """Bind an artifact Demo in a file of its own."""
    tree: Tree = {"number": str(number), "sub/folder/file": "x"}
    made = make_tree(folder / f"tree{number}", tree)
    archive = folder / f"{number}.tar.gz"
    archive.write_bytes(gzip.compress(tar(tree)))
    toml = folder / f"project{number}" / "Artifacts.toml"
    toml.parent.mkdir()
    source = (archive.as_uri(), sha256(archive.read_bytes()))
    toml.write_text(entry(source, tree_hash=str(tree_hash(made))))
    return toml


def group(depot: Path, tomls: list[Path]) -> None:
    """Each user installs one artifact, uses the other's, and removes it."""
    (depot / "artifacts").mkdir(parents=True)
    for path in (depot, depot / "artifacts"):
        os.chown(path, 0, GROUP)
        path.chmod(0o2775)
    os.environ["JULIA_DEPOT_PATH"] = str(depot)
    for uid, toml in zip(USERS, tomls, strict=True):
        as_user(f"user {uid} installs", uid, partial(artifact, "Demo", toml))
    for uid, toml in zip(USERS, reversed(tomls), strict=True):

        def use(toml: Path = toml) -> None:
            artifact("Demo/number", toml, download=False).read_text()
            clear_artifact_cache("Demo", toml)

        as_user(f"user {uid} uses the other's, and removes it", uid, use)
        check("it is gone", kept=not artifact_exists("Demo", toml))
    log = (depot / "logs" / "artifact_usage.toml").read_text()
    check("the log has both", kept=all(str(toml) in log for toml in tomls))


def as_user(what: str, uid: int, work: Callable[[], object]) -> None:
    """Do something as a member of the group, with the umask of one."""

    def step_down() -> None:
        os.umask(0o002)
        os.setgroups([GROUP])
        os.setgid(uid)
        os.setuid(uid)
        work()

    check(what, kept=os.waitpid(fork(step_down), 0)[1] == 0)


def layers(folder: Path, tomls: list[Path]) -> None:
    """What the lower layer has is used from there, what it lacks goes to the upper."""
    lower, upper, work, depot = (
        folder / name for name in ("lower", "upper", "work", "depot")
    )
    for path in (lower, upper, work, depot):
        path.mkdir()
    os.environ["JULIA_DEPOT_PATH"] = str(lower)
    artifact("Demo", tomls[0])
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(depot)]
    if subprocess.run(mount, check=False).returncode:
        print("  SKIPPED: NO LAYERS: this kernel mounts no overlay here")
        return
    try:
        os.environ["JULIA_DEPOT_PATH"] = str(depot)
        there, new = (artifact("Demo", toml) for toml in tomls)
        check("the image's artifact is found", kept=there.parent == new.parent)
        added = [path.name for path in (upper / "artifacts").iterdir() if path.is_dir()]
        check("the upper layer has only the new one", kept=added == [new.name])
        clear_artifact_cache("Demo", tomls[0])
        check("the image's can be removed", kept=not artifact_exists("Demo", tomls[0]))
        check("and be installed again", kept=artifact("Demo", tomls[0]) == there)
    finally:
        subprocess.run(["umount", str(depot)], check=True)
