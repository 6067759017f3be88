"""Run the benchmarks named on the command line, all without a name.

``python tests/benchmarks tree_hash install`` runs bench_tree_hash.py and
bench_install.py. The run is written as JSON, from which chart.py draws.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
JSON = HERE.parents[1] / ".nox" / "bench.json"
PAGE = HERE.parents[1] / ".github" / "docs" / "performance.md"


def main() -> int:
    """Run each benchmark's ``main()``, one after the other."""
    # As in pytest's settings: `support`, `benchmarks` and `compat_tests` are found.
    sys.path[:0] = [str(HERE.parents[0]), str(HERE.parents[1])]
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="two rounds, no growth")
    parser.add_argument("--gate", action="store_true", help="fail on a missed goal")
    parser.add_argument("--markdown", action="store_true", help="write performance.md")
    parser.add_argument("--json", type=Path, default=JSON, help="where the run goes")
    options = parser.parse_args()
    for name in options.name or names:
        if name not in names:
            parser.error(f"{name}: no such benchmark; there are {', '.join(names)}")
    return run(options, options.name or names)


def run(options: argparse.Namespace, names: list[str]) -> int:
    """Run these benchmarks, and give the exit status."""
    from benchmarks.run import PLAIN, RED, RUN, markdown, put_between_markers

    RUN.quick = options.quick
    for name in names:
        print(f"\n== {name}")
        RUN.benchmark = name
        import_module(f"benchmarks.bench_{name}").main()
        RUN.write(options.json)  # after each: an hour's work is not lost
    if options.markdown:
        put_between_markers(PAGE, markdown(RUN.as_json()))
    behind = RUN.behind()
    for line in behind:
        print(f"{RED}behind its goal: {line}{PLAIN}")
    return 1 if options.gate and behind else 0


if __name__ == "__main__":
    sys.exit(main())
