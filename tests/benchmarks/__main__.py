"""Run the benchmarks named on the command line, all without a name.

``python tests/benchmarks tree_hash install`` runs bench_tree_hash.py and
bench_install.py.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run each benchmark's ``main()``, one after the other."""
    # As in pytest's settings: `support`, `benchmarks` and `compat_tests` are found.
    sys.path[:0] = [str(HERE.parents[0]), str(HERE.parents[1])]
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=", ".join(names))
    for name in parser.parse_args().name or names:
        if name not in names:
            parser.error(f"{name}: no such benchmark; there are {', '.join(names)}")
        print(f"\n== {name}")
        import_module(f"benchmarks.bench_{name}").main()


if __name__ == "__main__":
    main()
