"""The only place from which the command prints: safe text, exact data.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

import click

from fetch_artifacts.cli.shared.exact import print_exactly
from fetch_artifacts.settings.terminal import wants_colour
from fetch_artifacts.terminal.escaping import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from typing import TextIO

_NAME: Final = "fetch-artifacts"
_NOT_IN_JSON: Final = r"[^\n -~]"


class Row(Protocol):
    """A result that prints as a line or as a JSON object."""

    def to_json(self) -> Mapping[str, object]:
        """Give the values of the JSON object."""
        ...


class Volume:
    """How much is printed besides results and errors.

    Attributes:
        quiet: Whether summaries, notes and progress are left out.
    """

    def __init__(self) -> None:
        self.quiet = False


volume: Final = Volume()


def say(line: object, *, colour: str | None = None) -> None:
    """Print a result as one line on standard output.

    Args:
        line: The text; newlines in it are escaped too, tabs are not.
        colour: A colour of click, used on a terminal only.
    """
    text = printable(str(line), sys.stdout, keep="\t")
    click.echo(_coloured(text, colour, err=False), color=True)


def say_text(text: str, *, err: bool = False) -> None:
    """Print a result of several lines, the last with its newline."""
    stream = sys.stderr if err else sys.stdout
    click.echo(printable(text, stream, keep="\n\t"), nl=False, err=err)


def tell(message: object, *, kind: str = "") -> None:
    """Say something on standard error, even with ``--quiet``.

    Args:
        message: The text; the lines after the first are indented, so that none of them
            can pass for a message of its own.
        kind: "error", "warning" or another word to begin with.
    """
    text = printable(str(message), sys.stderr, keep="\n\t")
    first, *rest = text.split("\n")
    lines = [first, *(line if line.startswith(" ") else f"  {line}" for line in rest)]
    colours = {"error": "red", "warning": "yellow"}
    label = _coloured(f"{kind}:", colours.get(kind), err=True) + " " if kind else ""
    with _above_bars():
        click.echo(f"{_NAME}: {label}" + "\n".join(lines), err=True, color=True)


def _above_bars() -> AbstractContextManager[object]:
    """Hide the progress bars while something is printed; they come back below it."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:  # there are none
        return contextlib.nullcontext()
    return cast(
        "AbstractContextManager[object]",
        tqdm.tqdm.external_write_mode(file=sys.stderr),
    )


def tell_done(message: object) -> None:
    """Say on standard error what was done, unless ``--quiet``."""
    if not volume.quiet:
        tell(message)


def print_path(text: str) -> None:
    """Print a line for programs: exact bytes in a pipe, escaped on a terminal."""
    if sys.stdout.isatty() or getattr(sys.stdout, "buffer", None) is None:
        say(text)
    else:
        print_exactly(text)


def print_json(value: object) -> None:
    """Print a value as indented JSON, exact whatever the encoding of the output.

    Characters that could disturb a terminal are written as the escapes that JSON has
    for them, and all that ASCII lacks where the encoding is not UTF-8, which JSON is
    read as (RFC 8259, section 8.1).
    """
    import json

    escaped = not _is_utf_8(sys.stdout)
    text = json.dumps(value, indent=2, ensure_ascii=escaped)
    click.echo(re.sub(_NOT_IN_JSON, _json_character, text))


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print named values, one a line or as a JSON object."""
    if as_json:
        print_json(dict(facts))
        return
    from fetch_artifacts.urls import redacted

    for name, value in facts.items():
        shown = redacted(str(value)) if name == "url" else value
        say(f"{name.replace('_', '-'):13}  {shown}")


def print_rows(rows: Iterable[Row], *, as_json: bool) -> None:
    """Print results, one a line or as a JSON array."""
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    for row in rows:
        say(row)


def _is_utf_8(stream: TextIO) -> bool:
    import codecs

    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (LookupError, TypeError):  # a program's own stream may have none
        return False


def _json_character(match: re.Match[str]) -> str:
    char = match[0]
    if printable(char, sys.stdout) == char:
        return char
    import json

    return json.dumps(char)[1:-1]


def _coloured(text: str, colour: str | None, *, err: bool) -> str:
    stream = sys.stderr if err else sys.stdout
    if colour is None or not wants_colour(is_terminal=stream.isatty()):
        return text
    return click.style(text, fg=colour)
