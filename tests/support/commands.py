"""Commands as a shell would start them, in this process."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from fetch_artifacts.cli._main import cli

# Up to click 8.1 standard output and standard error are one unless told otherwise.
_APART: dict[str, Any] = (
    {"mix_stderr": False}
    if "mix_stderr" in inspect.signature(CliRunner).parameters
    else {}
)


def run(*arguments: str | Path) -> Result:
    """What a command prints, and its exit code."""
    return CliRunner(**_APART).invoke(cli, [str(each) for each in arguments])
