"""What several commands share: their options and how a file is found."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.errors import ArtifactsTomlNotFoundError, PlatformError
from fetch_artifacts.platforms.platform import Platform

FAILED: Final = 1


def _parse_triplet(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> Platform | None:
    try:
        return None if value is None else Platform.parse(value)
    except PlatformError as error:
        raise click.BadParameter(str(error)) from error


toml_option = click.option(
    "--toml",
    "toml_path",
    type=click.Path(path_type=Path),
    help="The Artifacts.toml to use; without it, the one found from the working "
    "directory upwards.",
)
platform_option = click.option(
    "--platform",
    metavar="TRIPLET",
    callback=_parse_triplet,
    help="Choose entries for this triplet instead of this machine.",
)
julia_option = click.option(
    "--julia",
    is_flag=True,
    help="Let a real Julia run the package's hook .pkg/select_artifacts.jl to choose "
    "entries. The hook is the package's own code.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def resolve_toml(toml_path: Path | None) -> Path:
    """Give the file named, or the one found from the working directory upwards.

    Raises:
        ArtifactsTomlNotFoundError: There is none.
    """
    if toml_path is not None:
        if not toml_path.is_file():
            msg = f"{toml_path}: expected an Artifacts.toml, found no such file"
            raise ArtifactsTomlNotFoundError(msg, searched=[toml_path])
        return toml_path.absolute()
    here = Path.cwd()
    found = find_artifacts_toml(here)
    if found is None:
        msg = (
            f"no Artifacts.toml in {here} or above it up to the nearest Project.toml; "
            "name one with --toml"
        )
        raise ArtifactsTomlNotFoundError(msg, searched=[here])
    return found
