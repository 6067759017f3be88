"""Paths that are given to commands, checked before anything is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fetch_artifacts.artifacts_toml.file import not_there
from fetch_artifacts.artifacts_toml.search import artifacts_toml_in

if TYPE_CHECKING:
    from typing import NoReturn


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

        if not os.path.lexists(folder):
            refuse(f"there is no folder {folder}; make it first")
        if not folder.is_dir():
            refuse(f"expected a folder, found something else: {folder}")
        is_new = path.is_file() or not os.path.lexists(path)  # no device or FIFO
        if is_new and not os.access(folder, os.W_OK | os.X_OK):
            refuse(f"the folder {folder} can't be written to")
        return path
