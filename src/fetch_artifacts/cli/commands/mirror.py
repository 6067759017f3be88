"""The commands that take archives to machines without internet: mirror, bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.cli.shared.completing import complete_platforms_or_all
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.options import (
    FAILED,
    files_argument,
    jobs_option,
    json_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_json, say, tell_done
from fetch_artifacts.cli.shared.toml_in_use import require_project
from fetch_artifacts.cli.shared.values import NamedPath, OutputPath, word, wrong_usage
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.platforms.platform import Platform
from fetch_artifacts.terminal import progress
from fetch_artifacts.terminal.units import count_of, show_counts
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.authoring.mirrors.store import Store
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.matching import PlatformChoice

_FILE: Final = NamedPath(exists=True, dir_okay=False)


def _parse_platforms(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[PlatformChoice] | None:
    """None for all platforms, this machine's where none is named."""
    named: list[PlatformChoice]
    with wrong_usage():
        named = [Platform.parse(value) for value in values if value != "all"]
    return None if "all" in values else named or [host_platform]


def selection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which entries, and how many at once."""
    for option in (
        jobs_option,
        click.option(
            "--platform",
            "platforms",
            multiple=True,
            metavar="all|TRIPLET",
            shell_complete=complete_platforms_or_all,
            callback=_parse_platforms,
            help="Take the entries for all platforms, or for this one (may be given "
            "several times), lazy ones too; without it, those for this machine.",
        ),
    ):
        command = option(command)
    return command


def _selected(
    files: tuple[Path, ...], platforms: list[PlatformChoice] | None
) -> dict[TreeHash, ArtifactEntry]:
    from fetch_artifacts.authoring.mirrors.selection import entries_by_tree

    return entries_by_tree([file.absolute() for file in files], platforms)


@command(example="fetch-artifacts mirror /srv/artifacts --platform all")
@click.argument("place", metavar="DIR|URL", type=word("a folder or a URL"))
@files_argument
@selection_options
@click.option(
    "--check", is_flag=True, help="Read all of it, and say what is wrong or missing."
)
@click.option("--prune", is_flag=True, help="Delete what none of the files names.")
@toml_option
@json_option
def mirror(
    *,
    place: str,
    files: tuple[Path, ...],
    platforms: list[PlatformChoice] | None,
    jobs: int | None,
    check: bool,
    prune: bool,
    toml_path: Path | None,
    as_json: bool,
) -> None:
    """Write a mirror of artifacts that any web server can serve.

    It has the artifacts that each Artifacts.toml FILE binds; without a FILE, the one of
    the working directory or above it counts. Julia and Python install from the mirror
    where JULIA_PKG_SERVER is its address. It is written to the folder DIR, or to a URL
    that fsspec can write to, such as s3://BUCKET/PREFIX.
    """
    from fetch_artifacts.authoring.mirrors.store import store_at

    named = files + ((resolve_toml(toml_path),) if toml_path else ())
    if prune and not named:
        msg = "--prune deletes what no file names: expected FILE or --toml, found none"
        raise click.UsageError(msg)
    require_project(Path.cwd())
    tomls = named or (() if check else (resolve_toml(None),))
    if not tomls:
        refuse_options("with --check and no FILE", "--platform")
    with wrong_usage("DIR|URL"):
        mirrored = _Mirror(place, store_at(place), jobs)
    facts: dict[str, object] = {"mirror": redacted(place)}
    if not check:
        facts |= mirrored.fill(_selected(tomls, platforms))
    if prune:
        facts |= mirrored.prune(_selected(tomls, None))
    if check:
        facts |= mirrored.check(_selected(tomls, platforms))
    if as_json:
        print_json(facts)
    else:
        for row in mirrored.rows:
            say(row)
    if facts.get("faults"):
        tell_done("delete what is damaged there, and run mirror without --check")
        raise SystemExit(FAILED)


class _Mirror:
    """A mirror that is worked on: each step says on standard error what it did.

    A step gives what ``--json`` prints of it. What is printed without is in ``rows``.
    """

    def __init__(self, place: str, store: Store, jobs: int | None) -> None:
        self._place = place
        self._store = store
        self._jobs = jobs
        self.rows: list[str] = []

    def fill(self, wanted: Mapping[TreeHash, ArtifactEntry]) -> dict[str, object]:
        from fetch_artifacts.authoring.mirrors.mirror import fill

        with progress.show_progress(verbose=True) as report:
            trees = fill(self._store, wanted, jobs=self._jobs, report=report)
        self.rows += [f"added\t{tree}\t{wanted[tree].name}" for tree in trees]
        there = len(wanted) - len(trees)
        _tell_counts(self._place, {"added": len(trees), "there already": there})
        added = [
            {"git_tree_sha1": str(tree), "names": [*wanted[tree].names]}
            for tree in trees
        ]
        return {"added": added, "there_already": there}

    def prune(self, wanted: Mapping[TreeHash, ArtifactEntry]) -> dict[str, object]:
        from fetch_artifacts.authoring.mirrors.mirror import prune

        gone = prune(self._store, wanted)
        self.rows += [f"deleted\t{name}" for name in gone]
        _tell_counts(self._place, {"deleted": len(gone)})
        return {"deleted": gone}

    def check(self, wanted: Mapping[TreeHash, ArtifactEntry]) -> dict[str, object]:
        from fetch_artifacts.authoring.mirrors.check import check, require

        require(self._store, self._place)
        checked = check(self._store, wanted, jobs=self._jobs)
        self.rows += map(str, checked.faults)
        found = f"{count_of(len(checked.faults), 'fault')} found"
        tell_done(f"{redacted(self._place)}: {checked.archives} read, {found}")
        faults = [{"file": fault.name, "what": fault.what} for fault in checked.faults]
        return {"archives": checked.archives, "faults": faults}


def _tell_counts(place: str | Path, counts: Mapping[str, int]) -> None:
    """Say in one line what was done to a mirror or a bundle."""
    tell_done(f"{redacted(str(place))}: {show_counts(counts)}")


@command(example="fetch-artifacts bundle artifacts.tar --platform x86_64-linux-gnu")
@click.argument("output", type=OutputPath())
@files_argument
@selection_options
@click.option(
    "--environment",
    is_flag=True,
    help="Add the Artifacts.toml files of all packages installed in this Python.",
)
@click.option(
    "--manifest",
    "manifests",
    multiple=True,
    type=_FILE,
    metavar="MANIFEST_TOML",
    help="Add those of the packages that this Manifest.toml of a Julia project names.",
)
@toml_option
@json_option
def bundle(
    *,
    output: Path,
    files: tuple[Path, ...],
    platforms: list[PlatformChoice] | None,
    jobs: int | None,
    environment: bool,
    manifests: tuple[Path, ...],
    toml_path: Path | None,
    as_json: bool,
) -> None:
    """Write artifacts, and the files that bind them, into one tar.

    `install --from OUTPUT` installs from it without a network. Unpacked, it is a
    mirror. It has the artifacts that each Artifacts.toml FILE binds; without a FILE,
    --environment and --manifest, the one of the working directory or above it counts.
    """
    from fetch_artifacts.authoring.mirrors import environment as packages
    from fetch_artifacts.authoring.mirrors.bundle import write_bundle

    require_project(Path.cwd())
    tomls = [file.absolute() for file in files]
    if toml_path or not (files or environment or manifests):
        tomls.append(resolve_toml(toml_path))
    if environment:
        tomls += packages.distribution_tomls()
    for manifest in manifests:
        tomls += packages.manifest_tomls(manifest)
    tomls = list(dict.fromkeys(tomls))
    if output.resolve() in {path.resolve() for path in (*tomls, *manifests)}:
        msg = f"{output}: expected a file to write, found one to bundle; name it second"
        raise click.BadParameter(msg, param_hint="'OUTPUT'")
    with progress.show_progress(verbose=True) as report:
        trees = write_bundle(output, tomls, platforms, jobs=jobs, report=report)
    if as_json:
        bundled = [str(toml) for toml in tomls]
        print_json({"bundle": str(output), "tomls": bundled, "trees": trees})
    else:
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
