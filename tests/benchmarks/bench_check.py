"""How the work on large files grows: check, doctor, and a chain of overrides."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from benchmarks.harness import memory_folder
from fetch_artifacts.artifacts_toml.check import check_file
from fetch_artifacts.authoring.doctor import diagnose
from fetch_artifacts.depot.overrides import Overrides
from fetch_artifacts.digests import TreeHash

COUNTS = (2_500, 5_000, 10_000)
ENTRY = "[[Data]]\narch = 'x86_64'\nos = '{os}'\ngit-tree-sha1 = '{hash:040x}'\n"


def many_platforms(count: int) -> str:
    """A name that is bound for many platforms."""
    return "".join(
        f"{ENTRY.format(os='linux', hash=each)}blas = 'v{each}'\n"
        for each in range(count)
    )


def many_tags(count: int) -> str:
    """A name that is bound for two platforms of many tags each."""
    tags = "".join(f"tag{each} = 'v'\n" for each in range(count))
    return "".join(ENTRY.format(os=os, hash=1) + tags for os in ("linux", "macos"))


def chain(count: int) -> Overrides:
    """Overrides of which each leads to the next."""
    hashes = [TreeHash(each.to_bytes(20, "big")) for each in range(count + 1)]
    return Overrides(by_hash=dict(pairwise(hashes)), by_name={})


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print the seconds for each size of each kind."""
    print(f"{'':34}" + "".join(f"{count:>10,}" for count in COUNTS))
    with memory_folder() as folder:
        toml = Path(folder, "Artifacts.toml")
        for title, text in (("platforms", many_platforms), ("tags in 2", many_tags)):
            for name, work in (
                ("check", lambda: check_file(toml)),
                ("doctor --offline", lambda: diagnose(toml, offline=True)),
            ):
                times = []
                for count in COUNTS:
                    toml.write_text(text(count), "utf-8")
                    times.append(seconds(work))
                _print(f"{name}, {title}", times)
    start = TreeHash(bytes(20))
    chains = [chain(count) for count in COUNTS]
    times = [seconds(lambda it=it: it.resolve(start)) for it in chains]  # type: ignore[misc]
    _print("a chain of overrides", times)


def _print(title: str, times: list[float]) -> None:
    print(f"{title:34}" + "".join(f"{each:9.3f}s" for each in times))


if __name__ == "__main__":
    main()
