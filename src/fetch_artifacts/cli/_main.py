"""The group of commands, and how each of them ends."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from fetch_artifacts._version import __version__
from fetch_artifacts.cli.shared.grammar import (
    group_options,
    hand_defaults_on,
    log_shown,
    shows_traces,
)
from fetch_artifacts.cli.shared.options import FAILED
from fetch_artifacts.cli.shared.printing import tell
from fetch_artifacts.cli.shared.signals import (
    Terminated,
    exit_code_of,
    what_ended,
)
from fetch_artifacts.cli.shared.values import in_options
from fetch_artifacts.errors import FetchArtifactsError
from fetch_artifacts.settings.terminal import wants_completion
from fetch_artifacts.terminal.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# Commands that resume an interrupted download when they are run again.
_RESUME: Final = frozenset({"bundle", "install", "mirror", "path"})

# The module of each command, imported when the command is run or helps.
MODULES: Final = {
    "add": "fetch_artifacts.cli.commands.author",
    "archive": "fetch_artifacts.cli.commands.publish",
    "bind": "fetch_artifacts.cli.commands.author",
    "bundle": "fetch_artifacts.cli.commands.mirror",
    "cache-key": "fetch_artifacts.cli.commands.conform",
    "check": "fetch_artifacts.cli.commands.inspect",
    "completion": "fetch_artifacts.cli.commands.help",
    "conform": "fetch_artifacts.cli.commands.conform",
    "create": "fetch_artifacts.cli.commands.publish",
    "demo": "fetch_artifacts.cli.commands.help",
    "diff": "fetch_artifacts.cli.commands.inspect",
    "doctor": "fetch_artifacts.cli.commands.inspect",
    "du": "fetch_artifacts.cli.commands.depot",
    "gc": "fetch_artifacts.cli.commands.depot",
    "hash": "fetch_artifacts.cli.commands.inspect",
    "help": "fetch_artifacts.cli.commands.help",
    "install": "fetch_artifacts.cli.commands.install",
    "list": "fetch_artifacts.cli.commands.show",
    "mirror": "fetch_artifacts.cli.commands.mirror",
    "override": "fetch_artifacts.cli.commands.override",
    "path": "fetch_artifacts.cli.commands.install",
    "platform": "fetch_artifacts.cli.commands.inspect",
    "publish": "fetch_artifacts.cli.commands.publish",
    "remove": "fetch_artifacts.cli.commands.depot",
    "unbind": "fetch_artifacts.cli.commands.author",
    "verify": "fetch_artifacts.cli.commands.show",
}


class _Commands(click.Group):
    """Finds commands in `MODULES`, and is the net below all of them.

    Whatever a command raises ends as one line on standard error and an exit code: 1
    for a failure, 2 for wrong usage, 130 for an interrupt.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in MODULES:
            return None
        commands: tuple[click.Command, ...]
        commands = importlib.import_module(MODULES[cmd_name]).COMMANDS
        return next(each for each in commands if each.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in MODULES:
            from fetch_artifacts.spelling import nearest_name

            near = nearest_name(args[0], MODULES)
            hint = f" Did you mean '{near}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and exit."""
        with log_shown():
            sys.exit(self._exit_code(*args, **extra))

    def _exit_code(self, *args: Any, **extra: Any) -> int:
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.Abort as error:  # click makes it of an interrupt, too
            return _interrupted(error.__cause__)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            # The message has several lines, and one may hold what was typed.
            text = printable(shown.getvalue(), sys.stderr, keep="\n\t")
            click.echo(text, nl=False, err=True)
            return error.exit_code
        except OSError as error:  # --help and --version print before `invoke`
            tell(_explained(error))
            return FAILED
        return code if isinstance(code, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        hand_defaults_on(ctx)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as error:
            if not isinstance(error, Terminated):
                click.echo(err=True)  # the terminal has shown ^C
            return _interrupted(error, resumes=ctx.invoked_subcommand in _RESUME)
        except BrokenPipeError:
            sys.stdout = io.StringIO()  # or Python would complain when it ends
            return FAILED
        except Exception as error:  # noqa: BLE001 - the net below all commands
            if shows_traces(ctx):
                import traceback

                tell(traceback.format_exc().rstrip(), kind="debug")
            tell(_explained(error))
            return FAILED


def _interrupted(error: BaseException | None, *, resumes: bool = False) -> int:
    """Say that the command was ended, and how to go on; return the exit code."""
    with contextlib.suppress(OSError):  # the terminal is gone
        tell(
            what_ended(error)
            + "; run it again to go on: a download is resumed" * resumes
        )
    return exit_code_of(error)


def _explained(error: Exception) -> str:
    if isinstance(error, FetchArtifactsError):
        return in_options(error)
    if isinstance(error, FileNotFoundError) and not error.filename and _is_adrift():
        return "the working directory is no longer there; change to another one"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    lines = str(error).splitlines() or [""]
    return (
        f"internal error: {type(error).__name__}: {lines[0]}\n"
        "This is a defect of fetch-artifacts. Run the command again with --debug, and "
        "report what it prints to the project's issue tracker."
    )


def _is_adrift() -> bool:
    """Whether the working directory was deleted."""
    try:
        Path.cwd()
    except OSError:
        return True
    return False


_EXIT_CODES: Final = """\b
Exit codes:
  0    Done.
  1    It failed, or found something wrong, missing or different.
  2    Wrong usage: an option, an argument, or a path given that is not there.
  3    There is no Julia to compare with (conform).
  130  Interrupted by Ctrl-C; 143: terminated by SIGTERM.
"""


@click.group(
    cls=_Commands,
    params=group_options(),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)
@click.version_option(__version__, prog_name="fetch-artifacts")
def cli() -> None:
    """Get artifacts by name, from the depot that Julia uses as well.

    An Artifacts.toml binds a name to the git-tree-sha1 of a folder. The folder is
    downloaded once, verified, and shared by all projects, in Python and in Julia.

    These options may stand before the command or after it. One that a command has no
    use for is refused. `fetch-artifacts help COMMAND` shows what a command takes.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    _fill_in_streams()
    if wants_completion():
        from fetch_artifacts.cli._shells import improve_completion

        improve_completion()
    cli.main(args=arguments, prog_name="fetch-artifacts")


def _fill_in_streams() -> None:
    """Open the null device for each standard stream that this process lacks."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = io.TextIOWrapper(io.FileIO(os.devnull, mode), encoding="utf-8")
            setattr(sys, name, stream)
