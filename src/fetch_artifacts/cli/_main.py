"""The group of commands, and how an error becomes one line and an exit code."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from fetch_artifacts._version import __version__
from fetch_artifacts.cli._options import FAILED
from fetch_artifacts.errors import FetchArtifactsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


# The module of each command, imported when the command is run or helps.
MODULES: Final = {
    "add": "fetch_artifacts.cli._author",
    "archive": "fetch_artifacts.cli._publish",
    "bind": "fetch_artifacts.cli._author",
    "bundle": "fetch_artifacts.cli._mirror",
    "cache-key": "fetch_artifacts.cli._conform",
    "check": "fetch_artifacts.cli._inspect",
    "conform": "fetch_artifacts.cli._conform",
    "create": "fetch_artifacts.cli._publish",
    "demo": "fetch_artifacts.cli._install",
    "diff": "fetch_artifacts.cli._doctor",
    "doctor": "fetch_artifacts.cli._doctor",
    "du": "fetch_artifacts.cli._depot",
    "gc": "fetch_artifacts.cli._depot",
    "hash": "fetch_artifacts.cli._inspect",
    "install": "fetch_artifacts.cli._install",
    "list": "fetch_artifacts.cli._show",
    "mirror": "fetch_artifacts.cli._mirror",
    "override": "fetch_artifacts.cli._override",
    "path": "fetch_artifacts.cli._install",
    "platform": "fetch_artifacts.cli._inspect",
    "publish": "fetch_artifacts.cli._publish",
    "remove": "fetch_artifacts.cli._depot",
    "unbind": "fetch_artifacts.cli._author",
    "verify": "fetch_artifacts.cli._show",
}


class _Commands(click.Group):
    """Finds commands in `MODULES`, and reports expected failures.

    Such a failure is one line on standard error and the exit code 1. click reports
    wrong usage, with the exit code 2.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in MODULES:
            return None
        commands: tuple[click.Command, ...]
        commands = importlib.import_module(MODULES[cmd_name]).COMMANDS
        return next(command for command in commands if command.name == cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FetchArtifactsError as error:
            self._fail(str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._fail(f"{where}{error.strerror or error}")

    @staticmethod
    def _fail(message: str) -> None:
        click.echo(f"fetch-artifacts: {message}", err=True)
        sys.exit(FAILED)


class _LogLines(logging.Handler):
    """Shows what the library logs as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(
            f"fetch-artifacts: {record.levelname.lower()}: {record.getMessage()}",
            err=True,
        )


@contextlib.contextmanager
def _warnings_shown(level: int) -> Iterator[None]:
    logger = logging.getLogger("fetch_artifacts")
    level_before, propagates = logger.level, logger.propagate
    handler = _LogLines()
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level_before)
        logger.propagate = propagates


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="fetch-artifacts")
@click.option("--debug", is_flag=True, help="Log each step on standard error.")
@click.pass_context
def cli(context: click.Context, *, debug: bool) -> None:
    """Get artifacts by name, from the depot that Julia uses as well.

    An Artifacts.toml binds a name to the git-tree-sha1 of a folder. The folder is
    downloaded once, verified, and shared by all projects, in Python and in Julia.
    """
    context.with_resource(_warnings_shown(logging.DEBUG if debug else logging.WARNING))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage."""
    cli.main(args=arguments, prog_name="fetch-artifacts")
