"""The commands that tell what is bound and what is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.cli._options import (
    FAILED,
    json_option,
    platform_option,
    print_json,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.depot import artifacts as depot
from fetch_artifacts.depot.installed import contents_of, locate_entry, tree_of
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    NoMatchingPlatformError,
    OverrideError,
)
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.lookup import wanted, warn_of_hook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import ArtifactEntry
    from fetch_artifacts.platforms.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    """What there is to say of one artifact.

    Attributes:
        name: Its name.
        state: Whether it is installed, in words.
        entry: Its entry; None where no entry suits, or it can't be read.
        tree: The folder of its tree; None where it is not installed.
        overridden: Whether an Overrides.toml sends the tree elsewhere.
        wrong: Whether something is wrong with it.
    """

    name: str
    state: str
    entry: ArtifactEntry | None = None
    tree: Path | None = None
    overridden: bool = False
    wrong: bool = False

    def to_json(self) -> dict[str, object]:
        """The status as a JSON object."""
        facts: dict[str, object] = {"name": self.name, "state": self.state}
        if self.entry is not None:
            facts |= {
                "git-tree-sha1": self.entry.git_tree_sha1,
                "lazy": self.entry.lazy,
                "overridden": self.overridden,
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
    overridden = location is not None and location.overridden
    if tree is not None:
        state = "installed (overridden)" if overridden else "installed"
    elif location is not None and overridden:
        state = f"overridden to a missing folder, {location.path}"
    else:
        state = "not installed"
    return _Status(
        name=name, state=state, entry=entry, tree=tree, overridden=overridden
    )


@click.command("list")
@toml_option
@platform_option
@json_option
def list_(toml_path: Path | None, platform: Platform | None, *, as_json: bool) -> None:
    """List the artifacts of the file, and whether they are installed.

    Exits with 1 where an entry can't be read; the others are listed all the same.
    """
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


def _print_list(toml: Path, rows: Sequence[_Status]) -> None:
    click.echo(f"{toml}:")
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        tree_hash = row.entry.git_tree_sha1 if row.entry else "-"
        lazy = " (lazy)" if row.entry and row.entry.lazy else ""
        click.echo(f"  {row.name:{width}}  {tree_hash:40}  {row.state}{lazy}")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@toml_option
@platform_option
def verify(
    names: tuple[str, ...], toml_path: Path | None, platform: Platform | None
) -> None:
    """Hash the artifacts named, or all that are installed, and compare.

    Exits with 1 where one is damaged, or named and not installed.
    """
    toml = resolve_toml(toml_path)
    verdicts = {
        name: _verdict(name, toml, platform)
        for name in names or load_artifacts_toml(toml)
    }
    for name, verdict in verdicts.items():
        click.echo(f"{name}: {verdict.text}")
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
    tree_hash = tree_of(status.entry)
    if tree_hash is None or depot.verify_artifact(tree_hash):
        return _Verdict("verified", good=True)
    actual = hash_directory(status.tree)
    return _Verdict(
        f"damaged: expected {tree_hash}, found {actual} in {status.tree}; run "
        f"`fetch-artifacts remove {name}` and install it again",
        damaged=True,
    )


COMMANDS: Final = (list_, verify)
