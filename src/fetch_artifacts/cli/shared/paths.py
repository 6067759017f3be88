"""Paths that are given to commands, checked before anything is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
        create: Whether it may be made in a folder that has none.
    """

    def __init__(self, *, create: bool = False, **rules: Any) -> None:
        super().__init__(**rules)
        self._create = create

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Give the path of the file."""
        path = super().convert(value, param, ctx)
        if not path.is_dir():
            return path
        found = artifacts_toml_in(str(path))
        if found is None and not self._create:
            what = f"{path}: expected an Artifacts.toml, found a folder without one"
            self.fail(what, param, ctx)
        return Path(found) if found else path / "Artifacts.toml"


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
