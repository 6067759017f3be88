"""The commands that tell what is bound and what is installed."""

from __future__ import annotations

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
from fetch_artifacts.depot.installed import find_installed, tree_of
from fetch_artifacts.errors import NoMatchingPlatformError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.lookup import wanted

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.platforms.platform import Platform


def _describe(name: str, toml: Path, platform: Platform | None) -> dict[str, object]:
    """What `list` says of one artifact."""
    try:
        entry = entry_for(name, toml, wanted(platform))
    except NoMatchingPlatformError:
        return {"name": name, "state": "for other platforms only"}
    where = find_installed(entry, toml=str(toml))
    return {
        "name": name,
        "git-tree-sha1": entry.git_tree_sha1,
        "lazy": entry.lazy,
        "state": "installed" if where else "not installed",
        "path": str(where) if where else None,
    }


@click.command("list")
@toml_option
@platform_option
@json_option
def list_(toml_path: Path | None, platform: Platform | None, *, as_json: bool) -> None:
    """List the artifacts of the file, and whether they are installed."""
    toml = resolve_toml(toml_path)
    rows = [_describe(name, toml, platform) for name in load_artifacts_toml(toml)]
    if as_json:
        print_json(rows)
        return
    click.echo(f"{toml}:")
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        lazy = " (lazy)" if row.get("lazy") else ""
        click.echo(
            f"  {row['name']!s:{width}}  {row.get('git-tree-sha1', '-'):40}  "
            f"{row['state']}{lazy}"
        )


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
    row = _describe(name, toml, platform)
    if row["state"] != "installed":
        return _Verdict(str(row["state"]))
    tree_hash = tree_of(entry_for(name, toml, wanted(platform)))
    if tree_hash is None or depot.verify_artifact(tree_hash):
        return _Verdict("verified", good=True)
    actual = hash_directory(str(row["path"]))
    return _Verdict(
        f"damaged: expected {tree_hash}, found {actual} in {row['path']}; run "
        f"`fetch-artifacts remove {name}` and install it again",
        damaged=True,
    )


COMMANDS: Final = (list_, verify)
