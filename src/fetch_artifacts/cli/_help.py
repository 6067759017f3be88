"""The command help."""

from __future__ import annotations

from typing import Final

import click

from fetch_artifacts.cli.shared.printing import say_text


@click.command("help")
@click.argument("command", required=False)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Show the help of COMMAND, or of all commands."""
    group = context.find_root()
    assert isinstance(group.command, click.Group)  # noqa: S101 - for the type checker
    if command is None:
        say_text(group.get_help() + "\n")
        return
    name, found, _ = group.command.resolve_command(group, [command])
    assert found is not None  # noqa: S101 - resolve_command fails instead
    with click.Context(found, info_name=name, parent=group) as inner:
        say_text(found.get_help(inner) + "\n")


COMMANDS: Final = (help_,)
