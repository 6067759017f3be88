"""Install, verify, damage and remove on file systems that keep no modes or links.

Each is made and mounted here: NTFS and exFAT in an image, with FUSE; both once more
behind sshfs; FAT with fusefat, which loses what is in a folder that is renamed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fetch_artifacts.git_tools.tree_hash import hash_directory
from stress import scene
from support.published import entry, sha256, tar
from support.trees import Link, Tree, make_tree

SIZE = 64 << 20
SFTP = Path("/usr/lib/openssh/sftp-server")
TREE: Tree = {
    "bin/run": ("#!/bin/sh\n", 0o755),
    "lib/x.so.1": "x" * 100_000,
    "lib/x.so": Link("x.so.1"),
    "share/lib": Link("../lib"),
    **{f"share/{n}": str(n) for n in range(50)},
}
# What makes each, and what mounts it.
PROGRAMS = {
    "ntfs": ("mkfs.ntfs", "ntfs-3g"),
    "exfat": ("mkfs.exfat", "mount.exfat-fuse"),
    "fat": ("mkfs.vfat", "fusefat"),
}


def main() -> None:
    """Try each file system that can be mounted."""
    if sys.platform != "linux" or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        print("  SKIPPED: NO FILE SYSTEM WAS TRIED, which needs root and FUSE on Linux")
        return
    for kind, programs in PROGRAMS.items():
        lacking = [each for each in programs if not which(each)]
        if lacking:
            print(
                f"  SKIPPED: {kind} WAS NOT TRIED, which needs {' and '.join(lacking)}"
            )
            continue
        with tempfile.TemporaryDirectory(prefix="stress-") as name:
            folder = Path(name)
            with mounted(kind, folder) as disk:
                try_out(kind, disk, folder, refused=kind == "fat")
                if kind != "fat":
                    try_through_ssh(kind, disk, folder)


def try_through_ssh(kind: str, disk: Path, folder: Path) -> None:
    """Try a file system once more as sshfs shows it."""
    if not which("sshfs") or not SFTP.exists():
        print(
            f"  SKIPPED: sshfs ON {kind} WAS NOT TRIED, which needs sshfs and a server"
        )
        return
    with behind_ssh(disk, folder) as mount:
        # Debian's sshfs shows links with "..", which ntfs-3g keeps, as unreadable.
        tree = {name: each for name, each in TREE.items() if name != "share/lib"}
        try_out(f"sshfs on {kind}", mount, folder, tree=tree)


def try_out(
    name: str, disk: Path, folder: Path, *, tree: Tree = TREE, refused: bool = False
) -> None:
    """Do on a file system what users do, and say what does not hold."""
    began = time.monotonic()
    source = folder / name
    wanted = make_tree(source / "tree", tree)
    archive = source / "demo.tar"
    archive.write_bytes(tar(tree))
    tree_hash = str(hash_directory(wanted))
    project = disk / f"project of {name}"
    project.mkdir()
    toml = project / "Artifacts.toml"
    digest = sha256(archive.read_bytes())
    toml.write_text(entry((archive.as_uri(), digest), tree_hash=tree_hash))
    os.environ["JULIA_DEPOT_PATH"] = str(disk / f"depot of {name}")
    installed = disk / f"depot of {name}" / "artifacts" / tree_hash
    print(f"  {name}:")
    if refused:
        check("an install is refused before the download", run(project, "install") == 1)
        check("and nothing is there", not installed.exists())
    else:
        use(project, installed)
    check("a bind succeeds", run(project, "bind", "More", tree_hash) == 0)
    check("an override is set", run(project, "override", "Demo", str(folder)) == 0)
    check("and taken back", run(project, "override", "--remove", "Demo") == 0)
    print(f"    {time.monotonic() - began:.0f} s")


def use(project: Path, installed: Path) -> None:
    """Install, damage, repair and remove."""
    check("an install succeeds", run(project, "install") == 0)
    check("its path is given", run(project, "path", "Demo") == 0)
    check("it is whole", run(project, "verify") == 0)
    check("it is whole among all", run(project, "verify", "--all") == 0)
    for path in (installed / "lib" / "x.so.1", installed / "share" / "7"):
        rewrite(path)
        check(f"a damaged {path.name} is seen", run(project, "verify") == 1)
        again = run(project, "install", "--reinstall", "Demo")
        check("it is repaired", again == run(project, "verify") == 0)
    (installed / "bin" / "run").unlink()
    check("a lost file is seen", run(project, "verify") == 1)
    check("it is removed", run(project, "remove", "--yes", "Demo") == 0)
    check("and gone", not installed.exists())
    collected = run(project, "gc", "--yes", "--collect-delay", "0")
    check("and gc passes", collected == 0)


def check(promise: str, kept: bool) -> None:
    scene.check(promise, kept=kept)


def rewrite(path: Path) -> None:
    """Write other bytes of the same number."""
    with path.open("r+b") as file:
        file.write(b"!" * path.stat().st_size)


def run(project: Path, *arguments: str) -> int:
    """Run the command, and give its exit code."""
    command = [sys.executable, "-m", "fetch_artifacts", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, check=False)
    return done.returncode


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[Path]:
    """Make a file system in a file, and mount it."""
    image, disk = folder / "image", folder / "disk"
    with image.open("wb") as file:
        file.truncate(SIZE)
    disk.mkdir()
    forced = ["-F", "-q"] if kind == "ntfs" else ["-F", "16"] if kind == "fat" else []
    make, mount = PROGRAMS[kind]
    quietly(make, *forced, str(image))
    with ExitStack() as stack:
        device = str(image)
        if kind == "exfat":  # its FUSE program takes nothing but a device
            device = quietly("losetup", "--find", "--show", str(image)).strip()
            stack.callback(quietly, "losetup", "--detach", device)
        options = ["-o", "rw+"] if kind == "fat" else []
        quietly(mount, *options, device, str(disk))
        stack.callback(quietly, "umount", str(disk))
        yield disk


@contextmanager
def behind_ssh(disk: Path, folder: Path) -> Iterator[Path]:
    """Mount a folder of this host with sshfs, whose server is its own process."""
    server, mount = folder / "ssh", folder / "mount"
    server.write_text(f"#!/bin/sh\nexec {SFTP}\n")
    server.chmod(0o755)
    mount.mkdir()
    quietly("sshfs", "-o", f"ssh_command={server}", f"here:{disk}", str(mount))
    try:
        yield mount
    finally:
        quietly("umount", str(mount))


def quietly(*command: str) -> str:
    """Run a program that must succeed, and give what it prints."""
    # Some stay in the background with the streams that they were given.
    with tempfile.TemporaryFile("w+") as output:
        subprocess.run(command, check=True, stdout=output, stderr=output)
        output.seek(0)
        return output.read()


def which(program: str) -> str | None:
    """Find a program, in the folders of root as well."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
