"""Commands as a shell would start them, in this process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fetch_artifacts.cli._main import cli


@dataclass(frozen=True, slots=True)
class Result:
    """What a command leaves: its exit code, and what it printed to either stream."""

    exit_code: object
    stdout: str
    stderr: str


class Terminal(io.StringIO):
    """A stream that passes for a terminal."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str | Path, terminal: bool = False) -> Result:
    """Run a command to its end.

    (click's CliRunner mixes the streams up to 8.1, and keeps them apart since 8.2.)

    Args:
        arguments: What follows the name of the program.
        terminal: Whether standard output passes for a terminal.
    """
    return run_on(Terminal() if terminal else io.StringIO(), io.StringIO(), arguments)


def run_on(
    out: io.StringIO, err: io.StringIO, arguments: Iterable[str | Path]
) -> Result:
    """Run a command to its end on streams of one's own."""
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        cli.main([str(each) for each in arguments], prog_name="fetch-artifacts")
    return Result(end.value.code, out.getvalue(), err.getvalue())
