"""The commands that look after the depots: what is there, and what may be deleted."""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.cli.shared.asking import (
    asks,
    confirm,
    dry_run_option,
    yes_option,
)
from fetch_artifacts.cli.shared.completing import complete_names
from fetch_artifacts.cli.shared.grammar import command
from fetch_artifacts.cli.shared.installed import (
    installed_json,
    json_time,
    print_installed,
    print_table,
    show_age,
    shown_hash,
    uses_json,
)
from fetch_artifacts.cli.shared.options import (
    FAILED,
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_json, say, tell
from fetch_artifacts.cli.shared.values import number
from fetch_artifacts.terminal.units import count_of, show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.depot.artifacts import TreeLocation
    from fetch_artifacts.depot.gc import Collection
    from fetch_artifacts.depot.usage.orphans import InstalledTree
    from fetch_artifacts.platforms.platform import Platform

all_depots_option = click.option(
    "--all-depots", is_flag=True, help="All depots, not only the first."
)


@command()
@dry_run_option
@yes_option
@click.option("--explain", is_flag=True, help="Say why each artifact stays or goes.")
@click.option(
    "--collect-delay",
    type=number(0, 100_000),
    default=7,
    show_default=True,
    metavar="DAYS",
    help="How long to keep what no file names any more.",
)
@all_depots_option
@json_option
def gc(
    *,
    dry_run: bool,
    yes: bool,
    explain: bool,
    collect_delay: float,
    all_depots: bool,
    as_json: bool,
) -> None:
    """Delete the artifacts that no Artifacts.toml in use names.

    The rules and the logs are those of Julia's Pkg.gc, so what either language uses is
    kept. An artifact is deleted a week after it was first found to be unused, but never
    while it is being installed, or within an hour after that.
    """
    from fetch_artifacts.depot.gc import collect_garbage

    collect = partial(
        collect_garbage,
        collect_delay=timedelta(days=collect_delay),
        all_depots=all_depots,
    )
    if not dry_run and asks(yes=yes):
        found = collect(dry_run=True)
        if found.collected:
            count = count_of(len(found.collected), "unused artifact")
            confirm(f"Delete {count}, {show_bytes(found.freed)}?")
    done = collect(dry_run=dry_run, sizes=explain or as_json)
    if as_json:
        print_json(_collection_json(done))
    else:
        _print_collection(done, dry_run=dry_run, explain=explain)
    if done.failures:
        raise SystemExit(FAILED)


def _print_collection(done: Collection, *, dry_run: bool, explain: bool) -> None:
    _print_fates(done.trees if explain else done.collected, done, explain=explain)
    for path, why in done.failures.items():
        tell(f"{path}: could not be deleted: {why}")
    for depot in done.skipped:
        tell(f"{depot}: can't be written, so it was left alone")
    freed = show_bytes(done.freed)
    did = f"would delete {{}} and free {freed}" if dry_run else f"deleted {{}}, {freed}"
    waiting = sum(tree.fate == "waiting" for tree in done.trees)
    later = f"; {waiting} more unused, but not yet for long enough" if waiting else ""
    count = f"{len(done.collected)} of {count_of(len(done.trees), 'artifact')}"
    say(f"{did.format(count)}{later}")


def _print_fates(
    trees: Sequence[InstalledTree], done: Collection, *, explain: bool
) -> None:
    """Print what becomes of each tree, as a table or in lines for programs."""
    sizes = [show_bytes(done.sizes.get(tree.path, 0)) for tree in trees]
    if sys.stdout.isatty():
        rows = [
            (size, show_age(tree.age), shown_hash(tree.path.name), _fate(tree))
            for size, tree in zip(sizes, trees, strict=True)
        ]
        uses = [tree.uses if explain else () for tree in trees]
        lines = [[f"    {use}" for use in each] for each in uses]
        print_table(("SIZE", "AGE", "TREE", "FATE"), rows, lines, numbers=2)
        return
    for size, tree in zip(sizes, trees, strict=True):
        age = show_age(tree.age)
        say(f"{tree.path.name}  {size:>8}  {age:>6} old  {_fate(tree)}")
        for use in tree.uses if explain else ():
            say(f"    {use}")


def _fate(tree: InstalledTree) -> str:
    if tree.fate == "waiting" and tree.orphaned is not None:
        return f"unused since {tree.orphaned:%Y-%m-%d %H:%M}"
    return {
        "named": "in use",
        "override": "an override leads to it",
        "locked": "being installed",
        "new": "unused, but under an hour old",
        "unwanted": "unused",
    }[tree.fate]


def _collection_json(done: Collection) -> dict[str, object]:
    collected = {tree.path for tree in done.collected}
    return {
        "freed": done.freed,
        "artifacts": [
            {
                "path": str(tree.path),
                "git_tree_sha1": str(tree.tree_hash),
                "size": done.sizes.get(tree.path),
                "age_seconds": int(tree.age.total_seconds()),
                "fate": tree.fate,
                "deleted": tree.path in collected,
                "unused_since": tree.orphaned and json_time(tree.orphaned),
                "uses": uses_json(tree.uses),
            }
            for tree in done.trees
        ],
        "failures": {str(path): why for path, why in done.failures.items()},
        "skipped": [str(path) for path in done.skipped],
    }


@command()
@all_depots_option
@json_option
def du(*, all_depots: bool, as_json: bool) -> None:
    """Show the size of each installed artifact, the largest last.

    What has not changed since the last time is not measured again.
    """
    from fetch_artifacts.install.inventory import list_installed

    trees = list_installed(all_depots=all_depots, sizes=True)
    trees = tuple(sorted(trees, key=lambda tree: (tree.size and tree.size.bytes) or 0))
    if as_json:
        print_json([installed_json(tree) for tree in trees])
        return
    print_installed(trees)
    sizes = [tree.size for tree in trees if tree.size]
    files = sum(size.files for size in sizes)
    total = show_bytes(sum(size.bytes for size in sizes))
    trees_and_files = f"{count_of(len(trees), 'artifact')} of {count_of(files, 'file')}"
    say(f"{total} in {trees_and_files}")


def override_facts(
    entry: ArtifactEntry, location: TreeLocation | None, toml: Path
) -> dict[str, str] | None:
    """The facts about the override of an entry, None if it has none."""
    from fetch_artifacts.depot.installed import tree_of
    from fetch_artifacts.depot.override_edits import explain_override
    from fetch_artifacts.depot.stack import artifacts_dirs
    from fetch_artifacts.install.inventory import override_of

    if location is None or not location.overridden:
        return None
    facts = {"to": str(location.path), "by": "Overrides.toml"}
    tree_hash = tree_of(entry)
    stated = tree_hash and override_of(tree_hash, entry.name, str(toml))
    if stated:
        where, back = explain_override(stated, artifacts_dirs()[0])
        facts |= {"by": where, "take_back": back}
    return facts


@command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_names
)
@toml_option
@platform_option
@all_depots_option
@click.option("--force", is_flag=True, help="Even if other files in use name it too.")
@yes_option
@dry_run_option
@json_option
def remove(
    names: tuple[str, ...],
    toml_path: Path | None,
    platform: Platform | None,
    *,
    all_depots: bool,
    force: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Delete artifacts, unless another file in use names them too.

    They are installed again when they are needed.
    """
    from fetch_artifacts.install.clearing import clear
    from fetch_artifacts.install.lookup import entries_in

    toml = str(resolve_toml(toml_path))
    entries_in(toml, names, platform=platform)  # all are bound, or none is deleted
    delete = partial(
        clear, toml=toml, platform=platform, all_depots=all_depots, force=force
    )
    if not dry_run and asks(yes=yes):
        found = [delete(name, dry_run=True) for name in names]
        there = [
            f"{each.name} ({show_bytes(each.freed)})" for each in found if each.paths
        ]
        if there:
            confirm(f"Delete {', '.join(there)}?")
    rows = []
    for name in names:
        done = delete(name, dry_run=dry_run)
        rows.append(
            {
                "name": name,
                "outcome": done.outcome,
                "paths": [str(path) for path in done.paths],
                "freed": done.freed,
                "dry_run": dry_run,
            }
        )
        size = f" ({show_bytes(done.freed)})" if done.outcome == "removed" else ""
        hint = "; --force removes it" if done.outcome == "needed" else ""
        text = str(done)
        if dry_run and done.outcome == "removed":
            text = f"{name}: would be removed: {', '.join(map(str, done.paths))}"
        if not as_json:
            say(f"{text}{size}{hint}")
    if as_json:
        print_json(rows)


COMMANDS: Final = (gc, du, remove)
