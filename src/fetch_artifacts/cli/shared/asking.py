"""Asking before something is deleted."""

from __future__ import annotations

import sys
from typing import Final

import click

from fetch_artifacts.terminal.escaping import printable

yes_option: Final = click.option(
    "-y", "--yes", is_flag=True, help="Don't ask before deleting on a terminal."
)
dry_run_option: Final = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on; where there is none, go on.

    Raises:
        click.Abort: The answer is no.
    """
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    click.confirm(printable(question, sys.stderr), abort=True, err=True)
