"""The group of commands, and how an error becomes one line and an exit code."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from fetch_artifacts._version import __version__
from fetch_artifacts.cli import _author, _doctor, _inspect, _install, _override, _show
from fetch_artifacts.cli._options import FAILED
from fetch_artifacts.errors import FetchArtifactsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _ErrorsAsLines(click.Group):
    """Tells an expected failure in one line on standard error: exit code 1.

    Wrong usage is click's own: exit code 2.
    """

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
    cls=_ErrorsAsLines,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="fetch-artifacts")
@click.option("--debug", is_flag=True, help="Tell each step on standard error.")
@click.pass_context
def cli(context: click.Context, *, debug: bool) -> None:
    """Get artifacts by name, from the depot that Julia uses as well.

    An Artifacts.toml binds a name to the git-tree-sha1 of a folder. The folder is
    downloaded once, verified, and shared by all projects, in Python and in Julia.
    """
    context.with_resource(_warnings_shown(logging.DEBUG if debug else logging.WARNING))


for module in (_install, _show, _inspect, _author, _doctor, _override):
    for command in module.COMMANDS:
        cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage."""
    cli.main(args=arguments, prog_name="fetch-artifacts")
