"""The commands that show what is bound and what is installed."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.cli.commands.depot import override_facts
from fetch_artifacts.cli.shared.completing import complete_names
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.installed import installed_json, print_installed
from fetch_artifacts.cli.shared.options import (
    FAILED,
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_json, say, tell_done
from fetch_artifacts.cli.shared.table import short_path, table_lines
from fetch_artifacts.cli.shared.values import number
from fetch_artifacts.depot.disk_usage import TreeSizes
from fetch_artifacts.depot.installed import contents_of, locate_entry, tree_of
from fetch_artifacts.depot.stack import artifacts_dirs
from fetch_artifacts.depot.verification.verify import fault_of
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    FetchArtifactsError,
    NoMatchingPlatformError,
    OverrideError,
)
from fetch_artifacts.install.lookup import wanted, warn_of_hook
from fetch_artifacts.terminal.columns import columns_of, padded
from fetch_artifacts.terminal.units import count_of, show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.install.inventory import Installed
    from fetch_artifacts.platforms.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """The status of one artifact.

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

    def size(self) -> int | None:
        """The bytes on disk of what is installed, else those of the archive."""
        if self.tree is not None:
            with contextlib.suppress(OSError):
                return TreeSizes(self.tree.parent).of(self.tree).bytes
        sources = self.entry.downloads if self.entry else ()
        return next((each.size for each in sources if each.size), None)

    def cells(self) -> tuple[str, ...]:
        """The status as cells of a table."""
        entry, size = self.entry, self.size()
        chosen_for = ""
        if entry is not None:
            chosen_for = str(entry.platform.triplet) if entry.platform else "any"
            chosen_for += ", lazy" if entry.lazy else ""
        state = self.state
        if self.tree is not None and self.override is None:
            state = f"in {short_path(self.tree.parent)}"
        return (
            self.name,
            entry.git_tree_sha1[:7] if entry else "",
            chosen_for,
            show_bytes(size) if size is not None else "",
            state,
        )

    def colour(self) -> str | None:
        """Its colour on a terminal."""
        return "red" if self.wrong else "green" if self.tree else None

    def to_json(self) -> dict[str, object]:
        """The status as a JSON object."""
        entry = self.entry
        inside = contents_of(entry, self.tree) if entry and self.tree else None
        return {
            "name": self.name,
            "state": self.state,
            "git_tree_sha1": entry and entry.git_tree_sha1,
            "platform": entry and entry.platform and entry.platform.triplet,
            "lazy": entry and entry.lazy,
            "size": self.size(),
            "path": inside and str(inside),
            "overridden": self.override,
        }


def _status(name: str, toml: Path, platform: Platform | None) -> _Status:
    """Find out the status of one artifact; what is wrong with it is part of that."""
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
        back = (
            f": `{override['take_back']}` takes it back"
            if "take_back" in override
            else ""
        )
        missing = "" if tree else f", but there is no such folder{back}"
        state = f"overridden to {override['to']} by {override['by']}{missing}"
    return _Status(name=name, state=state, entry=entry, tree=tree, override=override)


def _statuses(
    names: Iterable[str], toml: Path, platform: Platform | None
) -> list[_Status]:
    """Find out the status of several artifacts."""
    from fetch_artifacts.install.inventory import log_choice

    found = [_status(name, toml, platform) for name in names]
    log_choice([each.entry for each in found if each.entry], str(toml), platform)
    return found


@command("list")
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

    Exits with 1 if an entry can't be read; the others are listed all the same.
    """
    if installed:
        refuse_options("with --installed", "--toml", "--platform")
        _list_installed(as_json=as_json)
        return
    toml = resolve_toml(toml_path)
    rows = _statuses(load_artifacts_toml(toml), toml, platform)
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
    elif trees:
        print_installed(trees)
    else:
        folders = ", ".join(map(short_path, artifacts_dirs()))
        tell_done(f"nothing is installed in {folders}")


def _print_list(toml: Path, rows: Sequence[_Status]) -> None:
    if sys.stdout.isatty():
        _print_table(rows)
        return
    say(f"{toml}:")
    width = max((columns_of(row.name) for row in rows), default=0)
    for row in rows:
        tree_hash = row.entry.git_tree_sha1 if row.entry else "-"
        lazy = " (lazy)" if row.entry and row.entry.lazy else ""
        line = f"  {padded(row.name, width)}  {tree_hash:40}  {row.state}{lazy}"
        say(line, colour=row.colour())


def _print_table(rows: Sequence[_Status]) -> None:
    titles = ("NAME", "HASH", "FOR", "SIZE", "STATE")
    first, *lines = table_lines(titles, [row.cells() for row in rows])
    say(first, colour="bright_black")
    for text, row in zip(lines, rows, strict=True):
        for line in text.split("\n"):
            say(line, colour=row.colour())


@command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_names)
@toml_option
@platform_option
@click.option(
    "--all", "everything", is_flag=True, help="All that is installed in the depots."
)
@click.option(
    "--repair",
    is_flag=True,
    help="With --all: install what is damaged again, from the sources that an "
    "Artifacts.toml in use has for it.",
)
@click.option(
    "--jobs",
    type=number(1, whole=True),
    metavar="N",
    help="With --all: how many processes to use.",
)
@json_option
def verify(
    names: tuple[str, ...],
    toml_path: Path | None,
    platform: Platform | None,
    *,
    everything: bool,
    repair: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Check that installed artifacts still have their hashes.

    Without NAME, it verifies all artifacts of the file that are installed.

    Exits with 1 if one is damaged and not repaired, or named and not installed.
    """
    if everything:
        if names:
            msg = f"--all verifies all that is installed: give it, or {names[0]}"
            raise click.UsageError(msg)
        refuse_options("with --all", "--toml", "--platform")
        _verify_all(repair=repair, jobs=jobs, as_json=as_json)
        return
    refuse_options("without --all", "--repair", "--jobs")
    toml = resolve_toml(toml_path)
    statuses = _statuses(names or load_artifacts_toml(toml), toml, platform)
    verdicts = {each.name: _verdict(each) for each in statuses}
    if as_json:
        print_json([{"name": k, **each.to_json()} for k, each in verdicts.items()])
    else:
        for name, verdict in verdicts.items():
            say(f"{name}: {verdict.text}")
    damaged = sum(each.damaged for each in verdicts.values())
    good = sum(each.good for each in verdicts.values())
    all_of_them = count_of(len(verdicts), "artifact")
    tell_done(f"{good} verified, {damaged} damaged, of {all_of_them}")
    if any(each.damaged or (names and not each.good) for each in verdicts.values()):
        raise SystemExit(FAILED)


class _Verdict(NamedTuple):
    text: str
    good: bool = False
    damaged: bool = False

    def to_json(self) -> dict[str, object]:
        state = "verified" if self.good else "damaged" if self.damaged else "missing"
        return {"state": state, "note": self.text}


def _verdict(status: _Status) -> _Verdict:
    if status.entry is None or status.tree is None:
        return _Verdict(status.state, damaged=status.wrong)
    if status.override is not None:
        return _Verdict(f"{status.state}; Julia trusts it unread", good=True)
    tree_hash = tree_of(status.entry)
    fault = fault_of(status.tree, tree_hash) if tree_hash else ""
    if not fault:
        return _Verdict("verified", good=True)
    return _Verdict(
        f"damaged: {fault} in {status.tree}; run "
        f"`fetch-artifacts install --reinstall {status.name}`",
        damaged=True,
    )


def _verify_all(*, repair: bool, jobs: int | None, as_json: bool) -> None:
    from fetch_artifacts.install.inventory import list_installed
    from fetch_artifacts.install.repair import verify_all
    from fetch_artifacts.terminal.progress import counted

    trees = list_installed()
    verified = counted(verify_all(trees, jobs=jobs), len(trees), "verifying")
    damaged = [each for each in verified if each.fault]
    left, rows = 0, []
    for each in damaged:
        outcome = _repair(each.tree) if repair else ""
        left += outcome != "repaired"
        rows.append(
            {"path": str(each.tree.path), "fault": str(each.fault), "repair": outcome}
        )
        if not as_json:
            say(f"{each.tree.path}: damaged: {each.fault}")
            if outcome:
                say(f"{each.tree.path}: {outcome}")
    if as_json:
        print_json({"verified": len(trees) - len(damaged), "damaged": rows})
        if left:
            raise SystemExit(FAILED)
        return
    repaired = f" ({len(damaged) - left} of them repaired)" if repair else ""
    counts = f"{len(trees) - len(damaged)} verified, {len(damaged)} damaged{repaired}"
    say(f"{counts}, of {count_of(len(trees), 'artifact')}")
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
        return f"not repaired: {tree.override.path} overrides it"
    with show_progress(verbose=True) as report, Installer(progress=report) as installer:
        try:
            reinstall(tree.path, entries, installer)
        except FetchArtifactsError as error:
            return f"not repaired: {error}"
    return "repaired"


COMMANDS: Final = (list_, verify)
