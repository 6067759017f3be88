"""Installs in each way into a file system that fills up, at many places."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from fetch_artifacts import (
    add_artifact,
    artifact,
    artifact_from_directory,
    create_artifact,
    pkg_artifacts,
    tarball,
)
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress.scene import Scene, check, scene

DISK = 24 << 20
ROOM = (0, 4096, 8192, 65536, 1 << 20, 5 << 20, 11 << 20, 13 << 20)


def add(stage: Scene) -> None:
    """Install what an author binds."""
    url = pkg_artifacts.load_artifacts_toml(stage.toml)["Demo"]["download"][0]["url"]
    toml = stage.folder / "Added.toml"
    add_artifact(toml, "Demo", url, force=True, clear=False, verbose=False)


def build(stage: Scene) -> None:
    """Install what an author's own code copies."""
    pkg_artifacts.create_artifact(
        lambda folder: shutil.copytree(
            stage.folder / "tree", folder, dirs_exist_ok=True
        )
    )


WAYS: dict[str, Callable[[Scene], object]] = {
    "artifact": lambda stage: artifact("Demo", stage.toml),
    "artifact_from_directory": lambda stage: artifact_from_directory(
        stage.folder / "tree"
    ),
    "add_artifact": add,
    "create_artifact": build,
}


def main() -> None:
    """Leave more and more room, up to enough."""
    with scene(files=300, size=40_000, pause=0, depot="disk/depot") as stage:
        disk = stage.folder / "disk"
        disk.mkdir()
        try:
            with small_disk(disk):
                for name in WAYS:
                    print(f"  {name}")
                    fill_up(stage, disk, name)
                fill_up_temporary(stage, disk)
        except PermissionError as error:
            print(f"  not run: {error}")


def fill_up(stage: Scene, disk: Path, way: str) -> None:
    """Install in one way with each amount of room."""
    errors = [install_into(stage, disk, room, WAYS[way]) for room in ROOM]
    check("too little room is an error", kept=all(errors[:-1]))
    check("enough room is enough", kept=not errors[-1])
    pkg_artifacts.remove_artifact(stage.tree_hash)


def fill_up_temporary(stage: Scene, disk: Path) -> None:
    """Have no room for temporary files, where only those are on the full disk."""
    (disk / "filler").write_bytes(bytes(DISK - (1 << 20)))
    place = disk / "temporary"
    place.mkdir()
    zipped = shutil.make_archive(
        str(stage.folder / "demo"), "zip", stage.folder / "tree"
    )
    ways: dict[str, Callable[[], object]] = {
        "create_artifact": lambda: create_artifact(stage.folder / "tree"),
        "tarball.create": lambda: tarball.create(stage.folder / "tree"),
        "add_artifact": lambda: add_artifact(
            stage.folder / "Zip.toml", "Demo", Path(zipped).as_uri(), verbose=False
        ),
    }
    with mock.patch.object(tempfile, "tempdir", str(place)):
        for name, use in ways.items():
            message = ""
            try:
                use()
            except FetchArtifactsError as error:
                message = str(error)
            print(f"  TMPDIR of 1 MB, {name}: {message or 'done'}")
            check("it names TMPDIR", kept=message.startswith(f"{place}: "))
            check("nothing is left in it", kept=not any(place.iterdir()))
    check("nothing was bound", kept=not (stage.folder / "Zip.toml").exists())


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small file system in memory there."""
    options = ["-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, check=False)
    if mounted.returncode:
        raise PermissionError(mounted.stderr.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def install_into(
    stage: Scene, disk: Path, room: int, install: Callable[[Scene], object]
) -> str:
    """Install where there is so much room; the error's first line, or ""."""
    (disk / "depot").mkdir(exist_ok=True)
    filler = disk / "filler"
    filler.write_bytes(bytes(DISK - (16 << 10) - room) if room else b"")
    if not room:
        fill(filler)
    message = ""
    began = time.perf_counter()
    try:
        install(stage)
    except FetchArtifactsError as error:
        message = f"{type(error).__name__}: {error}".replace("\n", " ")
    taken = time.perf_counter() - began
    filler.unlink()
    print(f"  {room:>9} bytes of room, {taken:.2f} s: {message or 'installed'}")
    check("nothing is left of it", kept=not stage.leftovers())
    if stage.installed.exists():
        found = str(hash_directory(stage.installed))
        check("the tree is right", kept=found == stage.tree_hash)
    else:
        check("it names the full disk", kept="space" in message)
    return message


def fill(filler: Path) -> None:
    """Leave no room at all."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            return
