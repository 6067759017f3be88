"""Print the path of a Julia for the compat tests.

It is the program that JULIA names; without JULIA the first that works of: the julia on
PATH, juliacall's (where this Python has juliacall), and, only with --install or where
CI is set, the 1.5.3 of Debian's bullseye, which apt installs on Debian with root's
rights.

Where none works the reasons are on standard error, and the exit status is 1; it is 2 if
one was asked for, by JULIA, --install or CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE = "bullseye"
# With the newer libunwind of later suites this Julia crashes when a function throws.
PACKAGES = ("julia", "libunwind8=1.3.2-2")
# It starts these programs to download and to unpack: program and package.
PROGRAMS = {"curl": "curl", "bzip2": "bzip2", "xz": "xz-utils"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
UNSET = {"", "0", "false"}
PROBE = """
throw_from(depth) = depth == 0 ? error("caught below") : throw_from(depth - 1) + 1
try throw_from(50) catch end
VERSION >= v"1.5" || exit(1)
"""


class UnavailableError(Exception):
    """Why a Julia can't be had in one of the ways."""


def main() -> int:
    """Print the path of the first Julia that works."""
    ways: dict[str, Callable[[], str]] = {
        "on PATH": lambda: find("julia"),
        "juliacall's": of_juliacall,
    }
    install = "--install" in sys.argv[1:] or os.environ.get("CI", "") not in UNSET
    if install:
        ways["Debian's"] = of_debian
    named = os.environ.get("JULIA")
    if named:
        ways = {"JULIA": lambda: find(named)}
    reasons = []
    for name, way in ways.items():
        try:
            julia = working(way())
        except UnavailableError as error:
            reasons.append(f"{name}: {error}")
        else:
            print(julia)
            return 0
    print("no Julia", *reasons, sep="\n  ", file=sys.stderr)
    return 2 if named or install else 1


def of_juliacall() -> str:
    """The Julia that juliacall has, or fetches."""
    try:
        from juliapkg import executable  # a part of juliacall
    except ImportError as error:
        raise UnavailableError("juliacall is not installed") from error
    try:
        return str(executable())
    except Exception as error:
        raise UnavailableError(f"juliapkg failed: {error}") from error


def of_debian() -> str:
    """Debian's Julia, installed with apt."""
    if not shutil.which("apt-get"):
        raise UnavailableError("there is no apt-get")
    sources = "".join(debian_sources())
    if not sources:
        raise UnavailableError("apt has no source of Debian's own packages")
    with tempfile.TemporaryDirectory(prefix="apt-") as folder:
        install_from(sources, Path(folder))
    return find("julia")


def find(program: str) -> str:
    """The full path of a program."""
    path = shutil.which(program)
    if path is None:
        raise UnavailableError(f"there is no program {program}")
    return path


def working(julia: str) -> str:
    """The same path, if that Julia is recent enough and survives an exception."""
    command = [julia, "--startup-file=no", "-e", PROBE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip()[:400] or "it is older than 1.5"
        raise UnavailableError(f"{julia} does not work ({done.returncode}): {reason}")
    return julia


def debian_sources() -> Iterator[str]:
    """Lines for a sources.list: the machine's Debian suites, and SUITE beside them."""
    release = Path("/etc/os-release").read_text("utf-8").splitlines()
    facts = dict(line.split("=", 1) for line in release if "=" in line)
    codename = facts.get("VERSION_CODENAME", "").strip('"')
    if facts.get("ID") != "debian" or not codename:
        return
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"],
        capture_output=True,
        text=True,
        check=True,
    )
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    for target in sorted(set(targets.stdout.splitlines())):
        address, suite, component = target.split(" ")
        if component == "main" and suite.startswith(codename):
            yield f"deb {signed}{address} {suite} main\n"
        if component == "main" and suite == codename != SUITE:
            yield f"deb {signed}{address} {SUITE} main\n"


def install_from(sources: str, folder: Path) -> None:
    """Install Julia with a list of sources of its own; the machine's lists stay."""
    folder.chmod(0o755)  # apt reads as a user without rights
    (folder / "sources.list").write_text(sources, "utf-8")
    (folder / "lists" / "partial").mkdir(parents=True)
    missing = [name for program, name in PROGRAMS.items() if not shutil.which(program)]
    packages = [*PACKAGES, *missing]
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache::PkgCache": "",
        "Dir::Cache::SrcPkgCache": "",
        "Acquire::Languages": "none",
    }
    apt = [*as_root(), "apt-get", "-qq", "-y"]
    for name, value in options.items():
        apt += ["-o", f"{name}={value}"]
    careful = ["--no-install-recommends", "--no-remove", "--allow-downgrades"]
    print(
        f"apt-get installs {' '.join(packages)} and what they depend on, from Debian's",
        f"{SUITE}; it removes nothing, but may put an older libunwind8 in place",
        file=sys.stderr,
        flush=True,
    )
    run([*apt, "update"])
    run([*apt, "install", *careful, *packages])


def as_root() -> list[str]:
    """What a command begins with that needs root's rights."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise UnavailableError("apt needs root's rights, and there is no sudo")
    return ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]


def run(command: list[str]) -> None:
    """Run a command with its output on standard error, without questions."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, check=True, stdout=sys.stderr, env=environment)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
