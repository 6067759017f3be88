"""``fetch-artifacts path NAME`` of what is installed, answered without click.

Scripts ask for paths again and again, and loading click takes longer than answering.
Other options, and whatever has to be installed, asked or reported, are left to the
command.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fetch_artifacts.cli.shared.exact import print_exactly
from fetch_artifacts.cli.shared.toml_in_use import named_or_found, require_project
from fetch_artifacts.install.lookup import locate, require_path
from fetch_artifacts.settings.project import project_of
from fetch_artifacts.settings.terminal import wants_completion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def print_installed(arguments: Sequence[str]) -> bool:
    """Print the path for ``path NAME [--toml FILE]``, if nothing else is to be done.

    Returns:
        Whether that was all. If not, nothing was printed, and the command does all of
        it again: it reports what is wrong.
    """
    asked = _parse(arguments)
    if asked is None or wants_completion() or not _prints_to_program():
        return False
    name, toml_path = asked
    with contextlib.suppress(Exception), _unlogged():
        toml = named_or_found(toml_path)
        with project_of(toml):
            require_project(Path.cwd())
            found = locate(name, str(toml), download=False)
        require_path(found, name)
        print_exactly(str(found))
        return True
    return False


def _parse(arguments: Sequence[str]) -> tuple[str, Path | None] | None:
    match arguments:
        case ["path", name] if not name.startswith("-"):
            return name, None
        case ["path", name, "--toml", toml] | ["path", "--toml", toml, name]:
            return None if name.startswith("-") or not toml else (name, Path(toml))
        case _:
            return None


def _prints_to_program() -> bool:
    return sys.stdout is not None and not sys.stdout.isatty()


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Let what would log end in an ImportError, within a ``with`` block.

    Raises:
        ImportError: `logging` is loaded already, as where Python is traced.
    """
    if "logging" in sys.modules:
        raise ImportError(name="logging")
    sys.modules["logging"] = None  # type: ignore[assignment] # as Python's docs say
    try:
        yield
    finally:
        del sys.modules["logging"]
