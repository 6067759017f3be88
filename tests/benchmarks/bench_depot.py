"""gc, du and verify --all on a depot of 5,000 artifacts of 100 files."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from unittest import mock

from benchmarks.harness import Contender, compare, have, memory_folder
from benchmarks.run import Goal
from fetch_artifacts.depot.gc import collect_garbage
from fetch_artifacts.depot.usage.log import write_usage
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.inventory import list_installed
from fetch_artifacts.install.repair import Verified, verify_all

ARTIFACTS = 5000
VERIFIED = 500
FILES = 100


def main() -> None:
    with memory_folder() as folder, mock.patch.dict(os.environ):
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot")
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        fill(folder, ARTIFACTS)
        artifacts = folder / "depot" / "artifacts"

        def cold() -> None:
            shutil.rmtree(folder / "cache", ignore_errors=True)
            list_installed(sizes=True)

        peers: dict[str, Contender] = {
            "ours": lambda: list_installed(sizes=True),
            "ours, nothing remembered": cold,
            "gc": lambda: collect_garbage(collect_delay=timedelta(days=7)),
            "gc --dry-run": lambda: collect_garbage(dry_run=True),
        }
        if have("du"):
            peers["du -s"] = ["du", "-s", str(artifacts)]
        goals = [Goal(at_most=0.5, of="du -s", name=name) for name in ("ours", "gc")]
        title = f"du and gc of {ARTIFACTS} artifacts of {FILES} files"
        compare(title, peers, goals=goals)
    with memory_folder() as folder, mock.patch.dict(os.environ):
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot")
        fill(folder, VERIFIED)
        command = f"find {folder}/depot/artifacts -type f -print0"
        cores = os.cpu_count()
        sums = f"{command} | xargs -0 -n 500 -P {cores} sha1sum > /dev/null"
        assert not any(each.fault for each in verified())
        compare(
            f"verify --all of {VERIFIED} artifacts of {FILES} files",
            {"ours": verified, "sha1sum, all cores": ["sh", "-c", sums]},
            goals=[Goal(at_most=1.2, of="sha1sum, all cores")],
        )


def verified() -> list[Verified]:
    """What `verify --all` finds."""
    return list(verify_all(list_installed()))


def fill(folder: Path, count: int) -> None:
    """Install artifacts, of which a file names each."""
    lines = []
    for number in range(count):
        staged = folder / "staged"
        for part in range(4):
            (staged / f"d{part}").mkdir(parents=True)
        for file in range(FILES):
            path = staged / f"d{file % 4}" / f"{file}"
            path.write_bytes(b"%d of %d" % (file, number) * 10)
        name = str(hash_directory(staged))
        target = folder / "depot" / "artifacts" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)
        lines.append(f'[a{number}]\ngit-tree-sha1 = "{name}"\n')
    toml = folder / "Artifacts.toml"
    toml.write_text("".join(lines))
    write_usage(folder / "depot", [toml])


if __name__ == "__main__":
    main()
