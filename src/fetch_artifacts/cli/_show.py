"""The commands that tell what is bound and what is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.cli._depot import (
    installed_json,
    override_facts,
    print_installed,
)
from fetch_artifacts.cli._options import (
    FAILED,
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_json, say
from fetch_artifacts.depot import artifacts as depot
from fetch_artifacts.depot.installed import contents_of, locate_entry, tree_of
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    FetchArtifactsError,
    NoMatchingPlatformError,
    OverrideError,
)
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.lookup import wanted, warn_of_hook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.install.inventory import Installed
    from fetch_artifacts.platforms.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """What there is to say of one artifact.

    Attributes:
        name: Its name.
        state: Whether it is installed, in words.
        entry: Its entry; None where no entry suits, or it can't be read.
        tree: The folder of its tree; None where it is not installed.
        override: What sends the tree elsewhere, as `override_facts` gives it.
        wrong: Whether something is wrong with it.
    """

    name: str
    state: str
    entry: ArtifactEntry | None = None
    tree: Path | None = None
    override: dict[str, str] | None = None
    wrong: bool = False

    def to_json(self) -> dict[str, object]:
        """The status as a JSON object."""
        facts: dict[str, object] = {"name": self.name, "state": self.state}
        if self.entry is not None:
            facts |= {
                "git-tree-sha1": self.entry.git_tree_sha1,
                "lazy": self.entry.lazy,
                "overridden": self.override,
                "path": str(contents_of(self.entry, self.tree)) if self.tree else None,
            }
        return facts


def _status(name: str, toml: Path, platform: Platform | None) -> _Status:
    """Find out what there is to say of one artifact; what is wrong is part of it."""
    try:
        entry = entry_for(name, toml, wanted(platform))
        location = locate_entry(entry, toml=str(toml))
    except NoMatchingPlatformError:
        return _Status(name=name, state="for other platforms only")
    except ArtifactsTomlError as error:
        fault = f"wrong: {error.context}: {error.problem}"
        return _Status(name=name, state=fault, wrong=True)
    except OverrideError as error:
        return _Status(name=name, state=f"wrong: {error}", wrong=True)
    tree = location.installed() if location else None
    override = override_facts(entry, location, toml)
    state = "installed" if tree else "not installed"
    if override is not None:
        missing = "" if tree else ", but there is no such folder"
        state = f"overridden to {override['to']} by {override['by']}{missing}"
    return _Status(name=name, state=state, entry=entry, tree=tree, override=override)


@click.command("list")
@toml_option
@platform_option
@click.option(
    "--installed",
    is_flag=True,
    help="List all that is installed in the depots, whatever file binds it.",
)
@json_option
def list_(
    toml_path: Path | None,
    platform: Platform | None,
    *,
    installed: bool,
    as_json: bool,
) -> None:
    """List the artifacts of the file, and which are installed.

    Exits with 1 where an entry can't be read; the others are listed all the same.
    """
    if installed:
        _list_installed(as_json=as_json)
        return
    toml = resolve_toml(toml_path)
    rows = [_status(name, toml, platform) for name in load_artifacts_toml(toml)]
    if not platform and any(row.entry and row.entry.platform for row in rows):
        warn_of_hook(str(toml))
    if as_json:
        print_json([row.to_json() for row in rows])
    else:
        _print_list(toml, rows)
    if any(row.wrong for row in rows):
        raise SystemExit(FAILED)


def _list_installed(*, as_json: bool) -> None:
    from fetch_artifacts.install.inventory import list_installed

    trees = list_installed()
    if as_json:
        print_json([installed_json(tree) for tree in trees])
    else:
        print_installed(trees)


def _print_list(toml: Path, rows: Sequence[_Status]) -> None:
    say(f"{toml}:")
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        tree_hash = row.entry.git_tree_sha1 if row.entry else "-"
        lazy = " (lazy)" if row.entry and row.entry.lazy else ""
        say(f"  {row.name:{width}}  {tree_hash:40}  {row.state}{lazy}")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@toml_option
@platform_option
@click.option(
    "--all", "everything", is_flag=True, help="All that is installed in the depots."
)
@click.option(
    "--repair",
    is_flag=True,
    help="With --all: install what is damaged again, from what the files in use name.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="With --all: processes at once."
)
def verify(
    names: tuple[str, ...],
    toml_path: Path | None,
    platform: Platform | None,
    *,
    everything: bool,
    repair: bool,
    jobs: int | None,
) -> None:
    """Hash installed artifacts, and compare with the file.

    The artifacts named, or all that are installed.

    Exits with 1 where one is damaged and not repaired, or named and not installed.
    """
    if everything != bool(everything and not names and not toml_path) or (
        repair and not everything
    ):
        msg = "--all goes without NAME and --toml, and --repair with --all"
        raise click.UsageError(msg)
    if everything:
        _verify_all(repair=repair, jobs=jobs)
        return
    toml = resolve_toml(toml_path)
    verdicts = {
        name: _verdict(name, toml, platform)
        for name in names or load_artifacts_toml(toml)
    }
    for name, verdict in verdicts.items():
        say(f"{name}: {verdict.text}")
    if any(each.damaged or (names and not each.good) for each in verdicts.values()):
        raise SystemExit(FAILED)


class _Verdict(NamedTuple):
    text: str
    good: bool = False
    damaged: bool = False


def _verdict(name: str, toml: Path, platform: Platform | None) -> _Verdict:
    status = _status(name, toml, platform)
    if status.entry is None or status.tree is None:
        return _Verdict(status.state, damaged=status.wrong)
    if status.override is not None:
        return _Verdict(f"{status.state}; Julia trusts it unread", good=True)
    tree_hash = tree_of(status.entry)
    if tree_hash is None or depot.verify_artifact(tree_hash):
        return _Verdict("verified", good=True)
    actual = hash_directory(status.tree)
    return _Verdict(
        f"damaged: expected {tree_hash}, found {actual} in {status.tree}; run "
        f"`fetch-artifacts install --reinstall {name}`",
        damaged=True,
    )


def _verify_all(*, repair: bool, jobs: int | None) -> None:
    from fetch_artifacts.install.inventory import list_installed
    from fetch_artifacts.install.repair import verify_all
    from fetch_artifacts.terminal.progress import counted

    trees = list_installed()
    verified = counted(verify_all(trees, jobs=jobs), len(trees), "verifying")
    damaged = [each for each in verified if each.fault]
    left = 0
    for each in damaged:
        say(f"{each.tree.path}: damaged: {each.fault}")
        outcome = _repair(each.tree) if repair else ""
        left += outcome != "repaired"
        if outcome:
            say(f"{each.tree.path}: {outcome}")
    repaired = f", {len(damaged) - left} of them repaired" if repair else ""
    say(f"{len(trees)} artifacts verified, {len(damaged)} damaged{repaired}")
    if left:
        raise SystemExit(FAILED)


def _repair(tree: Installed) -> str:
    """Install a damaged tree again, and say what came of it."""
    from fetch_artifacts.install.installer import Installer
    from fetch_artifacts.install.repair import entries_of, reinstall
    from fetch_artifacts.terminal.progress import show_progress

    entries = entries_of(tree.uses, tree.tree_hash)
    if not entries:
        return "not repaired: no file in use names a source of it"
    if tree.override is not None:
        return f"not repaired: {tree.override.path} sends those who want it elsewhere"
    with show_progress(verbose=True) as report, Installer(progress=report) as installer:
        try:
            reinstall(tree.path, entries, installer)
        except FetchArtifactsError as error:
            return f"not repaired: {error}"
    return "repaired"


COMMANDS: Final = (list_, verify)
