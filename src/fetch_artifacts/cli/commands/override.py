"""The command that reads and writes Overrides.toml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.cli.shared.completing import complete_files, complete_names
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.options import (
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_json, say, tell_done
from fetch_artifacts.depot.override_edits import (
    list_overrides,
    remove_override,
    set_override,
)
from fetch_artifacts.depot.stack import artifacts_dirs
from fetch_artifacts.depot.staging import FirstDepot
from fetch_artifacts.digests import is_tree_hash
from fetch_artifacts.errors import OverrideError
from fetch_artifacts.install.inventory import log_choice
from fetch_artifacts.install.lookup import wanted

if TYPE_CHECKING:
    from uuid import UUID

    from fetch_artifacts.platforms.platform import Platform


@command(
    example=(
        "fetch-artifacts override MyData ~/my_data\n"
        "fetch-artifacts override --remove MyData"
    )
)
@click.argument("name", required=False, shell_complete=complete_names)
@click.argument("path", required=False, shell_complete=complete_files)
@click.option(
    "--uuid",
    type=click.UUID,
    help="Override what the Julia package with this UUID binds to NAME, for all "
    "platforms.",
)
@click.option("--remove", is_flag=True, help="Remove the override of NAME.")
@click.option(
    "--list", "as_list", is_flag=True, help="List the overrides of all depots."
)
@click.option("--force", is_flag=True, help="Even if there is no folder PATH.")
@toml_option
@platform_option
@json_option
def override(
    name: str | None,
    path: str | None,
    toml_path: Path | None,
    platform: Platform | None,
    uuid: UUID | None,
    *,
    remove: bool,
    as_list: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Use folder PATH as artifact NAME, in Python and in Julia.

    NAME is a name of the Artifacts.toml, or a git-tree-sha1. PATH may be another
    git-tree-sha1 too, or "" to undo what Overrides.toml of a later depot says. It is
    written to Overrides.toml of the first depot.
    """
    msg = "expected NAME and PATH, or --remove NAME, or --list"
    if as_list:
        if name is not None or remove:
            raise click.UsageError(msg)
        refuse_options("with --list", "--toml", "--platform", "--uuid", "--force")
        _print_all(as_json=as_json)
        return
    if name is None or (path is None) != remove:
        raise click.UsageError(msg)
    if uuid or is_tree_hash(name):
        refuse_options("where no name is looked up", "--toml", "--platform")
    if remove:
        refuse_options("with --remove", "--force")
    depot = FirstDepot.present()
    folder = depot.artifacts
    key = name if uuid else _tree_hash(name, toml_path, platform)
    if path is not None:
        target = _target(path)
        if Path(target).is_absolute() and not Path(target).is_dir() and not force:
            found = "something else" if Path(target).exists() else "none"
            msg = f"{target}: expected a folder, found {found}; --force takes it anyway"
            raise click.BadParameter(msg, param_hint="'PATH'")
        with depot.as_depot_errors():
            set_override(folder, key, target, uuid=uuid)
        did = f"{name}: overridden to {target!r}" if target else f"{name}: taken back"
    elif not remove_override(folder, key, uuid=uuid):
        msg = f"{folder}/Overrides.toml: expected an override of {key}, found none"
        raise OverrideError(msg)
    else:
        did = f"{name}: no longer overridden"
    if as_json:
        facts = {"package": str(uuid) if uuid else None, "key": key, "value": path}
        print_json({"file": f"{folder}/Overrides.toml", **facts})
    tell_done(f"{did}, in {folder}/Overrides.toml")


def _print_all(*, as_json: bool) -> None:
    """Print the overrides of all depots."""
    stated = list_overrides(artifacts_dirs())
    if as_json:
        print_json(
            [
                {
                    "file": str(each.path),
                    "package": str(each.package) if each.package else None,
                    "key": each.key,
                    "value": each.value,
                }
                for each in stated
            ]
        )
        return
    for each in stated:
        package = f" of package {each.package}" if each.package else ""
        say(f"{each.path}: {each.key}{package} -> {each.value!r}")


def _tree_hash(name: str, toml_path: Path | None, platform: Platform | None) -> str:
    if is_tree_hash(name):
        return name
    toml = resolve_toml(toml_path)
    entry = entry_for(name, toml, wanted(platform))
    log_choice([entry], str(toml), platform)
    return str(entry.tree_hash or entry.git_tree_sha1)


def _target(path: str) -> str:
    """A folder as an absolute path, which Julia asks for; all else as it is."""
    return path if not path or is_tree_hash(path) else str(Path(path).absolute())


COMMANDS: Final = (override,)
