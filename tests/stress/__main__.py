"""Run the stress scripts named on the command line, all without a name."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run each script's ``main()``, one after the other."""
    # As in pytest's settings: `support`, `raw_server` and `stress` are found.
    sys.path.insert(0, str(HERE.parent))
    before = import_module("stress.before")
    names = sorted(p.stem.removeprefix("stress_") for p in HERE.glob("stress_*.py"))
    parser = argparse.ArgumentParser(prog="stress", description=__doc__)
    parser.add_argument("name", nargs="*", help=", ".join(names))
    for name in parser.parse_args().name or names:
        if name not in names:
            parser.error(f"{name}: no such script; there are {', '.join(names)}")
        print(f"\n== {name}", flush=True)
        for figure in before.BEFORE.get(name, ()):
            print(f"  before: {figure}", flush=True)
        import_module(f"stress.stress_{name}").main()


if __name__ == "__main__":
    main()
