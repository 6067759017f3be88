"""The command ``fetch-artifacts``: arguments in, text and exit codes out."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # see the package's __init__
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        if arguments is None:
            _collect_rarely()
            if _answered_quickly(sys.argv[1:]):
                return
        from fetch_artifacts.cli.shared.signals import (
            ignore_signals_at_exit,
            terminations_raised,
        )

        try:
            with terminations_raised():
                from fetch_artifacts.cli import _main

                _main.main(arguments)
        finally:
            if arguments is None:
                ignore_signals_at_exit()
    except KeyboardInterrupt as error:  # outside the command; _main handles all others
        from fetch_artifacts.cli.shared.signals import exit_code_of, what_ended

        what = what_ended(error)
        sys.stderr.write("\n" * (what == "interrupted") + f"fetch-artifacts: {what}\n")
        sys.exit(exit_code_of(error))


def _answered_quickly(arguments: Sequence[str]) -> bool:
    if arguments[:1] != ["path"]:
        return False
    from fetch_artifacts.cli.shared.quick_path import print_installed

    return print_installed(arguments)


def _collect_rarely() -> None:
    """Let Python collect garbage less often, and not at all when the process ends.

    What is imported at the start never becomes garbage, and checking it again and again
    took a tenth of the time of ``fetch-artifacts path``.
    """
    if sys.implementation.name == "cpython":
        import atexit
        import gc

        gc.set_threshold(20_000, 20, 20)
        atexit.register(gc.freeze)
