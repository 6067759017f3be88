"""Large files of Artifacts.toml and long chains of overrides, at growing sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.bench_check import chain, many_platforms, many_tags
from benchmarks.harness import memory_folder
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.authoring.doctor import diagnose
from fetch_artifacts.digests import TreeHash
from stress.scene import check

T = TypeVar("T")
TIMES = 4
MOST = 2.5 * TIMES  # of what is linear; quadratic work takes 16 times as long


def main() -> None:
    """Measure each kind of work at a quarter of the size, and at all of it."""
    with memory_folder() as name:
        toml = Path(name, "Artifacts.toml")

        def written(text: Callable[[int], str], count: int) -> Path:
            toml.write_text(text(count), "utf-8")
            return toml

        for title, text, count in (
            ("platforms", many_platforms, 10_000),
            ("tags in each of 2 entries", many_tags, 6_000),
        ):
            compare(
                f"check, {count:,} {title}",
                count,
                partial(written, text),
                check_file,
            )
            compare(
                f"doctor, {count:,} {title}",
                count,
                partial(written, text),
                lambda path: diagnose(path, offline=True),
            )
    start = TreeHash(bytes(20))
    compare("a chain of 10,000 overrides", 10_000, chain, lambda it: it.resolve(start))


def compare(
    title: str, count: int, make: Callable[[int], T], work: Callable[[T], object]
) -> None:
    """Time the work on what is made for so many, and for a part of them."""
    few, many = (best(make(n), work) for n in (count // TIMES, count))
    print(f"  {title}: {many:.2f} s, a quarter of it {few:.2f} s")
    check(f"it grows by less than {MOST:.0f}", kept=many < MOST * few or many < 0.05)


def best(given: T, work: Callable[[T], object]) -> float:
    """The least processor time of two calls."""
    times = []
    for _ in range(2):
        start = time.process_time()
        work(given)
        times.append(time.process_time() - start)
    return min(times)
