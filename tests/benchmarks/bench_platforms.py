"""Reading, choosing and finding platforms: microseconds, next to what they may take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tomli

from benchmarks.harness import compare, per_call
from fetch_artifacts.platforms import Platform, host_platform, select_platform

JLLS = Path(__file__).resolve().parents[2] / "julia_fixtures" / "jll"
TRIPLET = "x86_64-linux-gnu-libgfortran5-cxx11-libstdcxx30-julia_version+1.12.5"


def main() -> None:
    """Time each on its own, with its target."""
    package = tomli.loads((JLLS / "HDF5_jll.toml").read_text("utf-8"))
    entries = package["entries"][:60]
    candidates = {Platform.from_entry(entry): entry for entry in entries}
    want = Platform.parse(TRIPLET).as_host()
    alike = {
        Platform.parse(f"x86_64-linux-gnu-libgfortran{a}-cxx{b}-libstdcxx{c}"): c
        for a in (3, 4, 5)
        for b in ("03", "11")
        for c in range(20, 30)
    }
    contenders: dict[str, tuple[float, int, Callable[[], object]]] = {
        "Platform.parse": (15, 2000, lambda: Platform.parse(TRIPLET)),
        "Platform.triplet": (15, 2000, lambda: want.triplet),
        "Platform.from_entry": (15, 2000, lambda: Platform.from_entry(entries[0])),
        f"select of {len(candidates)}, HDF5": (
            300,
            200,
            lambda: select_platform(candidates, want),
        ),
        f"select of {len(alike)} that all fit": (
            300,
            100,
            lambda: select_platform(alike, "x86_64-linux-gnu"),
        ),
        "host_platform, known": (1000, 100, host_platform),
    }
    for name, (target, number, function) in contenders.items():
        compare(f"{name}: target {target:g} us", {"ours": per_call(function, number)})


if __name__ == "__main__":
    main()
