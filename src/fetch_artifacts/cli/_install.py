"""The commands that put artifacts into the depot, and take them out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts import _api, progress
from fetch_artifacts.cli._options import (
    julia_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.install.lookup import locate, require_path
from fetch_artifacts.settings.depot_path import only_depot

if TYPE_CHECKING:
    from fetch_artifacts.platforms.platform import Platform


@click.command()
@click.argument("name")
@toml_option
@platform_option
@julia_option
@click.option("--no-download", is_flag=True, help="Fail where it is not installed.")
@click.option(
    "--no-check", is_flag=True, help="Print a path inside even where it does not exist."
)
def path(
    name: str,
    toml_path: Path | None,
    platform: Platform | None,
    *,
    julia: bool,
    no_download: bool,
    no_check: bool,
) -> None:
    """Print the path of artifact NAME, and nothing else; install it first if missing.

    NAME may go on with a path inside the artifact, as in MyData/tables/a.csv.
    """
    found = locate(
        name,
        str(resolve_toml(toml_path)),
        platform=platform,
        download=not no_download,
        run_hook=julia,
    )
    if not no_check:
        require_path(found, name)
    click.echo(found)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@toml_option
@platform_option
@julia_option
@click.option("--include-lazy", is_flag=True, help="Lazy artifacts too.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Downloads at once; JULIA_PKG_CONCURRENT_DOWNLOADS or 8 unless given.",
)
@click.option(
    "--depot",
    "only",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Install into this depot, and look into no other, whatever JULIA_DEPOT_PATH "
    "says: for the depot of a site or of an image.",
)
def install(  # noqa: PLR0913 - click passes each option
    names: tuple[str, ...],
    toml_path: Path | None,
    platform: Platform | None,
    *,
    julia: bool,
    include_lazy: bool,
    jobs: int | None,
    only: str | None,
) -> None:
    """Install the artifacts named, or all that are not lazy."""
    with (
        only_depot(only) if only else contextlib.nullcontext(),
        progress.show_progress(verbose=True) as report,
    ):
        installed = _api.install_artifacts(
            resolve_toml(toml_path),
            names or None,
            platform=platform,
            include_lazy=include_lazy,
            jobs=jobs,
            run_hook=julia,
            progress=report,
        )
    for name, where in installed.items():
        click.echo(f"{name}\t{where}")


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Leave everything that the demo makes in this folder.",
)
def demo(keep: Path | None) -> None:
    """Make, serve, bind, install and verify artifacts on this machine, in a minute.

    Nothing is downloaded from elsewhere, and nothing is kept without --keep.
    """
    from fetch_artifacts.cli import _demo

    _demo.run(click.echo, keep=keep)


COMMANDS: Final = (demo, path, install)
