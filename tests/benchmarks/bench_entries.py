"""A file of 500 entries with 20 platforms: to load, select, check, and to bind more."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.harness import Contender, compare, memory_folder, per_call
from benchmarks.run import Goal
from fetch_artifacts import bind_artifact
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.artifacts_toml.choosing import select_downloadable_artifacts
from fetch_artifacts.artifacts_toml.file import FILES, load_artifacts_toml
from fetch_artifacts.platforms import Platform

NAMES, PLATFORMS, BOUND = 25, 20, 100
SHA256 = "5" * 64
ENTRY = """[[{name}]]
arch = "{arch}"
git-tree-sha1 = "{hash:040x}"
libgfortran_version = "{gfortran}.0.0"
os = "{os}"

    [[{name}.download]]
    sha256 = "{sha256}"
    url = "https://example.org/{name}/{hash}.tar.gz"

"""
SYSTEMS = [
    (arch, os, gfortran)
    for arch in ("x86_64", "aarch64")
    for os in ("linux", "macos", "windows", "freebsd", "openbsd")
    for gfortran in (4, 5)
]


def many_entries(names: int) -> str:
    """So many names, each bound for 20 platforms."""
    assert len(SYSTEMS) == PLATFORMS
    number = count(1)
    return "".join(
        ENTRY.format(
            name=f"Data{name:03}",
            arch=arch,
            os=os,
            gfortran=gfortran,
            hash=next(number),
            sha256=SHA256,
        )
        for name in range(names)
        for arch, os, gfortran in SYSTEMS
    )


def main() -> None:
    platform = Platform.parse("x86_64-linux-gnu-libgfortran5").as_host()
    with memory_folder() as folder:
        os.environ["JULIA_DEPOT_PATH"] = str(folder / "depot")
        toml = folder / "Artifacts.toml"
        toml.write_text(many_entries(NAMES), "utf-8")
        table = load_artifacts_toml(toml)
        peers: dict[str, Contender] = {"ours": per_call(lambda: _load(toml), 1)}
        compare(
            f"load a file of {NAMES * PLATFORMS} entries",
            peers,
            goals=[Goal(at_most=0.03)],
        )
        peers = {
            "ours": per_call(
                lambda: select_downloadable_artifacts(table, platform=platform), 1
            )
        }
        compare(
            f"select {NAMES} of {NAMES * PLATFORMS} entries",
            peers,
            goals=[Goal(at_most=0.005)],
        )
        peers = {"ours": per_call(lambda: check_file(toml), 1)}
        compare(f"check {NAMES * PLATFORMS} entries", peers, goals=[Goal(at_most=0.2)])
        own = folder / "bound" / "Artifacts.toml"
        compare(
            f"bind one of {BOUND} entries",
            {"ours": per_call(_binding(own), BOUND)},
            rounds=3,
            before=lambda: own.unlink(missing_ok=True),
            goals=[Goal(at_most=0.005)],
        )


def _load(toml: Path) -> None:
    FILES.forget()
    load_artifacts_toml(toml)


def _binding(toml: Path) -> Callable[[], None]:
    toml.parent.mkdir(exist_ok=True)
    number = count(1)

    def bind() -> None:
        each = next(number)
        url = f"https://example.org/{each}.tar.gz"
        bind_artifact(toml, f"Data{each}", f"{each:040x}", url, SHA256)

    return bind


if __name__ == "__main__":
    main()
