"""The commands that take archives to machines without internet: mirror, bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.cli.shared.completing import complete_platforms_or_all
from fetch_artifacts.cli.shared.options import FAILED
from fetch_artifacts.cli.shared.paths import NamedPath, OutputPath, TomlPath
from fetch_artifacts.cli.shared.printing import say, tell_done
from fetch_artifacts.cli.shared.toml_in_use import require_project
from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.terminal import progress
from fetch_artifacts.terminal.units import count_of, show_counts
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.matching import PlatformChoice

_FILE: Final = NamedPath(exists=True, dir_okay=False)
_TOML: Final = TomlPath(exists=True)


def _parse_platforms(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[PlatformChoice] | None:
    """None for all platforms, this machine's where none is named."""
    if "all" in values:
        return None
    try:
        return [Platform.parse(value) for value in values] or [host_platform]
    except PlatformError as error:
        raise click.BadParameter(str(error)) from error


def selection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which entries, and how many at once."""
    for option in (
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Downloads at once; JULIA_PKG_CONCURRENT_DOWNLOADS or 8 unless given.",
        ),
        click.option(
            "--platform",
            "platforms",
            multiple=True,
            metavar="all|TRIPLET",
            shell_complete=complete_platforms_or_all,
            callback=_parse_platforms,
            help="Take the entries for all platforms, or for this one (may be given "
            "several times), lazy ones too; those for this machine unless given.",
        ),
    ):
        command = option(command)
    return command


def _selected(
    files: tuple[Path, ...], platforms: list[PlatformChoice] | None
) -> dict[TreeHash, ArtifactEntry]:
    from fetch_artifacts.authoring.mirrors.selection import entries_by_tree

    return entries_by_tree([file.absolute() for file in files], platforms)


@click.command()
@click.argument("place", metavar="DIR|URL")
@click.argument("files", nargs=-1, type=_TOML, metavar="[FILE]...")
@selection_options
@click.option(
    "--check", is_flag=True, help="Read all of it, and say what is wrong or missing."
)
@click.option("--prune", is_flag=True, help="Delete what none of the files names.")
def mirror(
    place: str,
    files: tuple[Path, ...],
    platforms: list[PlatformChoice] | None,
    *,
    jobs: int | None,
    check: bool,
    prune: bool,
) -> None:
    """Write a mirror of artifacts that any web server can serve.

    It is written to the folder DIR or to URL, and holds what the Artifacts.toml FILEs
    bind. Julia and Python install from it where JULIA_PKG_SERVER names the server. URL
    is an address that fsspec can write to, such as s3://BUCKET/PREFIX.
    """
    from fetch_artifacts.authoring.mirrors import mirror as mirrors
    from fetch_artifacts.authoring.mirrors.store import store_at

    if not files and (prune or not check):
        msg = "expected Artifacts.toml files, whose artifacts the mirror is to hold"
        raise click.UsageError(msg)
    require_project(Path.cwd())
    store = store_at(place)
    wanted = _selected(files, platforms)
    if not check:
        with progress.show_progress(verbose=True) as report:
            added = mirrors.fill(store, wanted, jobs=jobs, report=report)
        for tree in added:
            say(f"added\t{tree}\t{wanted[tree].name}")
        there = len(wanted) - len(added)
        _tell_counts(place, {"added": len(added), "there already": there})
    if prune:
        gone = mirrors.prune(store, _selected(files, None))
        for name in gone:
            say(f"deleted\t{name}")
        _tell_counts(place, {"deleted": len(gone)})
    if check:
        mirrors.require(store, place)
        checked = mirrors.check(store, wanted, jobs=jobs)
        for fault in checked.faults:
            say(fault)
        faults = f"{count_of(len(checked.faults), 'fault')} found"
        tell_done(f"{redacted(place)}: {checked.archives} read, {faults}")
        if checked.faults:
            tell_done("delete what is damaged there, and run mirror without --check")
            raise SystemExit(FAILED)


def _tell_counts(place: str | Path, counts: Mapping[str, int]) -> None:
    """Say in one line what was done to a mirror or a bundle."""
    tell_done(f"{redacted(str(place))}: {show_counts(counts)}")


@click.command()
@click.argument("output", type=OutputPath())
@click.argument("files", nargs=-1, type=_TOML, metavar="[FILE]...")
@selection_options
@click.option(
    "--environment",
    is_flag=True,
    help="Add the Artifacts.toml files of all packages of this Python.",
)
@click.option(
    "--manifest",
    "manifests",
    multiple=True,
    type=_FILE,
    metavar="MANIFEST_TOML",
    help="Add those of the packages that this Manifest.toml of Julia names.",
)
def bundle(
    output: Path,
    files: tuple[Path, ...],
    platforms: list[PlatformChoice] | None,
    *,
    jobs: int | None,
    environment: bool,
    manifests: tuple[Path, ...],
) -> None:
    """Write artifacts, and the files that bind them, into one tar.

    `install --from OUTPUT` installs from it without a network. Unpacked, it is a
    mirror.
    """
    from fetch_artifacts.authoring.mirrors import environment as packages
    from fetch_artifacts.authoring.mirrors.bundle import write_bundle

    require_project(Path.cwd())
    tomls = [file.absolute() for file in files]
    if environment:
        tomls += packages.distribution_tomls()
    for manifest in manifests:
        tomls += packages.manifest_tomls(manifest)
    tomls = list(dict.fromkeys(tomls))
    if not tomls and not (environment or manifests):
        msg = "expected Artifacts.toml files, --environment or --manifest"
        raise click.UsageError(msg)
    with progress.show_progress(verbose=True) as report:
        trees = write_bundle(output, tomls, platforms, jobs=jobs, report=report)
    for toml in tomls:
        say(f"bundled\t{toml}")
    _tell_counts(output, {"in the bundle": trees})


def push_installed(folders: Iterable[Path]) -> None:
    """Put installed trees into the mirrors, but not what an override leads to."""
    from fetch_artifacts.authoring.mirrors import mirror as mirrors
    from fetch_artifacts.digests import TreeHash, is_tree_hash

    names = {folder.name: folder for folder in folders if is_tree_hash(folder.name)}
    trees = {TreeHash.parse(name): folder for name, folder in names.items()}
    tell_pushed(mirrors.push(trees))


def tell_pushed(addresses: Sequence[str]) -> None:
    """Say which archives were put into mirrors."""
    for address in addresses:
        tell_done(f"added {address}")
    if not addresses:
        tell_done("the mirrors already have it")


COMMANDS: Final = (mirror, bundle)
