"""Values that are given to commands, checked before anything is done."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fetch_artifacts.artifacts_toml.file import not_there
from fetch_artifacts.artifacts_toml.search import artifacts_toml_in
from fetch_artifacts.errors import ArgumentError, FetchArtifactsError
from fetch_artifacts.urls import expected_instead, is_beside, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

# Arguments that the library's errors name, and the options that set them here.
_OPTIONS: Final = {
    "download=False": "--no-download",
    "force=True": "--force",
    "keep_comments=False": "--no-keep-comments",
    "give its path as toml_path": "name it with --toml",
    "toml_path": "--toml",
    "url_base": "--url-base",
    "check=False": "--no-check",
    "platform=": "--platform",
    "creators=": "--creator",
    "archive that folder with honor_overrides=True, or take": "take",
}


def in_options(error: FetchArtifactsError) -> str:
    """Give the message of an error in terms of the options of commands."""
    text = str(error)
    for argument, option in _OPTIONS.items():
        text = text.replace(argument, option)
    return text


@contextlib.contextmanager
def wrong_usage(
    of: str = "", kind: type[FetchArtifactsError] = FetchArtifactsError
) -> Iterator[None]:
    """Make an error of what was given wrong usage.

    Args:
        of: The option or the argument; in a callback, click knows it.
        kind: The kind of error.

    Raises:
        click.BadParameter: There was such an error.
    """
    try:
        yield
    except kind as error:
        hint = f"'{of}'" if of else None
        raise click.BadParameter(in_options(error), param_hint=hint) from error


class Value(click.types.StringParamType):
    """What a function makes of a text.

    Args:
        name: What it is, in a word.
        parse: Parses it; a FetchArtifactsError that it raises is wrong usage.
    """

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Give what it is parsed to."""
        try:
            return self._parse(super().convert(value, param, ctx))
        except FetchArtifactsError as error:
            self.fail(str(error), param, ctx)


def word(what: str) -> Value:
    """A text that is not empty; ``what`` has an article."""

    def parse(text: str) -> str:
        if not text:
            raise _unlike(what, text)
        return text

    return Value("text", parse)


NEW_NAME: Final = word("a name")
"""A name to bind; Julia would take an empty one."""


def number(least: int, most: float = math.inf, *, whole: bool = False) -> Value:
    """A number between two, which count too."""
    upper = f"or more, at most {most:,}" if most < math.inf else "or more"
    expected = f"a {'whole ' * whole}number, {least} {upper}"

    def parse(text: str) -> float:
        try:
            found = int(text) if whole else float(text)
        except ValueError:
            found = math.nan
        if not least <= found <= most:
            raise _unlike(expected, text)
        return found

    return Value("number", parse)


def url(*, fetched: bool = False) -> Value:
    """The URL of an archive.

    Args:
        fetched: Whether it is downloaded here and now, which takes a DOI, but not the
            ``file:`` URL of a file beside an Artifacts.toml.
    """

    def parse(text: str) -> str:
        if fetched and text.lower().startswith("doi:10."):
            return text
        if text and ":" not in text and Path(text).exists():
            msg = (
                f"expected a URL, found the path {text}; "
                f"{Path(text).absolute().as_uri()} is its URL on this machine alone, "
                "and `publish` makes one for others"
            )
            raise ArgumentError(msg)
        expected = expected_instead(text)
        if fetched and is_beside(text):
            expected = "the whole path of a file, as file:///folder/file"
        if expected:
            raise _unlike(expected, redacted(text))
        return text

    return Value("url", parse)


def _unlike(expected: str, text: str) -> ArgumentError:
    return ArgumentError(f"expected {expected}, found {text!r}")


class NamedPath(click.Path):
    """A path; an empty one, which would be the working directory, is refused."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(path_type=Path, **rules)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Give the path."""
        if not os.fspath(value):
            self.fail("expected a path, found an empty one", param, ctx)
        return super().convert(value, param, ctx)


class TomlPath(NamedPath):
    """An Artifacts.toml, or the folder that it is in.

    Args:
        missing: Whether one that is not there is taken too.
    """

    def __init__(self, *, missing: bool = False) -> None:
        super().__init__()
        self._missing = missing

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Give the path of the file."""
        path = super().convert(value, param, ctx)
        found = artifacts_toml_in(str(path)) if path.is_dir() else path
        if found is None and self._missing:
            found = path / "Artifacts.toml"
        if found is None or not (self._missing or os.path.lexists(found)):
            self.fail(str(not_there(path)), param, ctx)
        return Path(found)


class OutputPath(NamedPath):
    """A file to write, in a folder that is there and can be written to."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Give the path."""
        path = super().convert(value, param, ctx)
        folder = path.parent

        def refuse(why: str) -> NoReturn:
            self.fail(f"{path}: {why}", param, ctx)

        if os.fspath(value).endswith(("/", os.sep)):
            refuse('expected the name of a file, found that of a folder, with a "/"')
        if not os.path.lexists(folder):
            refuse(f"there is no folder {folder}; make it first")
        if not folder.is_dir():
            refuse(f"expected a folder, found something else: {folder}")
        is_new = path.is_file() or not os.path.lexists(path)  # no device or FIFO
        if is_new and not os.access(folder, os.W_OK | os.X_OK):
            refuse(f"the folder {folder} can't be written to")
        return path
