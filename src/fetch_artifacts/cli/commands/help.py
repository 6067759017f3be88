"""The commands about the command: its help, a demo, and how shells complete it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import click
from click.shell_completion import get_completion_class

from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.printing import say_text
from fetch_artifacts.cli.shared.values import NamedPath
from fetch_artifacts.settings.terminal import COMPLETION

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM: Final = "fetch-artifacts"


def _complete_commands(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    group = cast("click.Group", context.find_root().command)
    return [
        name for name in group.list_commands(context) if name.startswith(incomplete)
    ]


@command("help")
@click.argument("command", required=False, shell_complete=_complete_commands)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Show the help of COMMAND, or of all commands."""
    group = context.find_root()
    if command is None:
        say_text(group.get_help() + "\n")
        return
    commands = cast("click.Group", group.command)
    name, found, _ = commands.resolve_command(group, [command])
    assert found is not None  # noqa: S101 - resolve_command fails instead
    with click.Context(found, info_name=name, parent=group) as inner:
        say_text(found.get_help(inner) + "\n")


@command(example='eval "$(fetch-artifacts completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the code with which a shell completes this command.

    Write it to a file that the shell reads when it starts: for bash fetch-artifacts in
    ~/.local/share/bash-completion/completions, for zsh _fetch-artifacts in a folder of
    $fpath, for fish fetch-artifacts.fish in ~/.config/fish/completions. The example
    sets up the shell at hand alone.
    """
    from fetch_artifacts.cli._shells import improve_completion

    improve_completion()
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101 - click has these three
    group = context.find_root().command
    say_text(maker(group, {}, _PROGRAM, COMPLETION).source() + "\n")


def _require_empty(
    _context: click.Context, _parameter: click.Parameter, folder: Path | None
) -> Path | None:
    if folder and folder.is_dir() and any(folder.iterdir()):
        msg = f"{folder}: expected an empty or a new folder, found files in it"
        raise click.BadParameter(msg)
    return folder


@command()
@click.option(
    "--keep",
    type=NamedPath(file_okay=False),
    callback=_require_empty,
    metavar="DIR",
    help="Keep everything that the demo makes in this folder.",
)
def demo(keep: Path | None) -> None:
    """Make, serve, bind, install and verify artifacts locally.

    Nothing is downloaded from elsewhere, and nothing is kept without --keep.
    """
    from fetch_artifacts.cli import _demo

    refuse_options("with demo: it makes a depot of its own", "--depot")
    _demo.run(lambda text: say_text(f"{text}\n"), keep=keep)


COMMANDS: Final = (help_, completion, demo)
