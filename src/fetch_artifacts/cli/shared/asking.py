"""Asking before something is deleted."""

from __future__ import annotations

import sys
from typing import Final

import click

from fetch_artifacts.cli.shared.options import FAILED
from fetch_artifacts.cli.shared.printing import say_text, tell
from fetch_artifacts.terminal.escaping import printable

yes_option: Final = click.option(
    "-y", "--yes", is_flag=True, help="Don't ask before deleting on a terminal."
)
dry_run_option: Final = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)


def asks(*, yes: bool) -> bool:
    """Whether to ask before something is deleted: on a terminal, without ``--yes``."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> None:
    """Go on only if the answer is yes.

    Raises:
        click.exceptions.Exit: The answer is no.
        click.Abort: There is none.
    """
    try:
        agreed = click.confirm(printable(question, sys.stderr), err=True)
    except click.Abort:
        say_text("\n", err=True)  # the message begins a line
        raise
    if not agreed:
        tell("nothing was deleted")
        raise click.exceptions.Exit(FAILED)
