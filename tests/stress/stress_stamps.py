"""Edits within a second on ext4 with inodes of 128 bytes, which keep whole seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fetch_artifacts import artifact_exists, pkg_artifacts
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from stress.scene import check
from stress.stress_file_systems import quietly, which

ROUNDS = 200
HASHES = ("a" * 40, "b" * 40)


def main() -> None:
    """Mount one, and edit what look-ups remember."""
    if sys.platform != "linux" or os.geteuid() != 0 or not which("mkfs.ext4"):
        print("  SKIPPED: NOTHING WAS EDITED, which needs root on Linux, and mkfs.ext4")
        return
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        image, disk = Path(name, "image"), Path(name, "disk")
        with image.open("wb") as file:
            file.truncate(32 << 20)
        disk.mkdir()
        quietly("mkfs.ext4", "-q", "-F", "-I", "128", str(image))
        quietly("mount", "-o", "loop", str(image), str(disk))
        try:
            edit(disk)
        finally:
            subprocess.run(["umount", str(disk)], check=True)


def edit(disk: Path) -> None:
    """Change an Artifacts.toml and an Overrides.toml, and look at once."""
    os.environ["JULIA_DEPOT_PATH"] = str(disk / "depot")
    toml = disk / "Artifacts.toml"
    overrides = disk / "depot" / "artifacts" / "Overrides.toml"
    overrides.parent.mkdir(parents=True)
    (disk / "x").mkdir()
    (disk / "y").mkdir()
    stale = 0
    for number in range(ROUNDS):
        tree_hash, place = HASHES[number % 2], disk / "xy"[number % 2]
        toml.write_text(f'[Demo]\ngit-tree-sha1 = "{tree_hash}"\n')
        overrides.write_text("".join(f'{each} = "{place}"\n' for each in HASHES))
        found = load_artifacts_toml(str(toml))["Demo"]["git-tree-sha1"]
        led = pkg_artifacts.artifact_path(tree_hash)
        stale += (found, led) != (tree_hash, place) or not artifact_exists("Demo", toml)
        time.sleep(0.005)
    whole = toml.stat().st_mtime_ns % 10**9 == 0
    check("the stamps are whole seconds", kept=whole)
    print(f"  {stale} of {ROUNDS} edits of the same size were not seen")
    check("each is seen", kept=not stale)
