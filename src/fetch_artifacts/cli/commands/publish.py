"""The commands that make archives: create, archive, publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fetch_artifacts.archive.formats import compressions
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.cli.shared.asking import dry_run_option
from fetch_artifacts.cli.shared.completing import (
    complete_names,
    complete_names_or_hashes,
)
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.options import (
    BINDING_OPTIONS,
    bind_name,
    binding_options,
    json_option,
    platform_option,
    resolve_toml,
    tell_bound,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_facts, print_json, tell, tell_done
from fetch_artifacts.cli.shared.values import (
    NEW_NAME,
    NamedPath,
    OutputPath,
    url,
    wrong_usage,
)
from fetch_artifacts.depot.artifacts import find_artifact
from fetch_artifacts.depot.installed import tree_of
from fetch_artifacts.depot.verification.verify import fault_of
from fetch_artifacts.digests import Sha256, TreeHash, is_tree_hash
from fetch_artifacts.errors import ArtifactNotInstalledError, DepotError
from fetch_artifacts.git_tools.tree_hash import hash_directory
from fetch_artifacts.install.inventory import log_choice
from fetch_artifacts.install.lookup import wanted
from fetch_artifacts.urls import redacted_text

if TYPE_CHECKING:
    from fetch_artifacts.authoring.binding import BindingOptions
    from fetch_artifacts.authoring.publish import Published
    from fetch_artifacts.platforms.platform import Platform

_FOLDER: Final = NamedPath(exists=True, file_okay=False)


class TargetOption(click.Option):
    """An option whose help lists the targets, which are imported for that only."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Give the option's line of ``--help``, with the targets in it."""
        from fetch_artifacts.authoring.publish import target_syntax

        self.help = f"{target_syntax()}."
        return super().get_help_record(ctx)

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Say what the targets are where none is given."""
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter as error:
            from fetch_artifacts.authoring.publish import target_syntax

            msg = f"Say where to upload it, as {target_syntax()}"
            raise click.MissingParameter(msg, ctx=ctx, param=self) from error


compression_option = click.option(
    "--compression",
    type=click.Choice(["auto", *compressions(), "none"]),
    default="auto",
    show_default=True,
    help="auto: by the archive's name, else gz, which every Julia can unpack.",
    callback=lambda _context, _parameter, value: None if value == "none" else value,
)


@command(example="fetch-artifacts create data -o my_data.tar.gz")
@click.argument("folder", type=_FOLDER)
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="The archive to write; without it, FOLDER.tar.gz in the working directory.",
)
@compression_option
@click.option(
    "--bind",
    "name",
    type=NEW_NAME,
    metavar="NAME",
    help="Bind the folder to this name.",
)
@click.option(
    "--url",
    "urls",
    type=url(),
    multiple=True,
    metavar="URL",
    help="The URL that the archive will have, for --bind; several: further sources.",
)
@binding_options
@json_option
def create(
    *,
    folder: Path,
    output: Path | None,
    compression: str | None,
    as_json: bool,
    binding: BindingOptions | None,
    **bound: Any,
) -> None:
    """Archive FOLDER, and print the hashes to bind.

    A folder gives the same archive on every machine. `publish` uploads it as well.
    """
    name: str | None = bound["name"]
    urls: tuple[str, ...] = bound["urls"]
    if bool(name) != bool(urls):
        msg = "--bind and --url go together"
        raise click.UsageError(msg)
    if binding is None:
        refuse_options("without --bind", *BINDING_OPTIONS)
    from fetch_artifacts import _author_api
    from fetch_artifacts.archive.writer import choose_compression, usual_ending
    from fetch_artifacts.tar.writer import require_outside

    with wrong_usage("--output"):
        chosen = choose_compression(output, compression)
        output = output or Path(folder.absolute().name + usual_ending(chosen))
        require_outside(folder, output)
    created = _author_api.create_artifact(folder, output, compression)  # type: ignore[arg-type]
    if name and binding:
        sha256 = Sha256.parse(created["sha256"])
        sources = [
            DownloadSource(url=url, sha256=sha256, size=created["size"]) for url in urls
        ]
        bind_name(binding, name, TreeHash.parse(created["git_tree_sha1"]), sources)
    print_facts(created, as_json=as_json)


@command()
@click.argument(
    "artifact", metavar="NAME|HASH", shell_complete=complete_names_or_hashes
)
@click.argument("output", type=OutputPath())
@compression_option
@toml_option
@platform_option
@json_option
def archive(
    *,
    artifact: str,
    output: Path,
    compression: str | None,
    toml_path: Path | None,
    platform: Platform | None,
    as_json: bool,
) -> None:
    """Write an archive of an installed artifact to the file OUTPUT.

    Prints the hashes and the size. HASH is the git-tree-sha1 of an artifact that no
    Artifacts.toml needs to name.
    """
    from fetch_artifacts.archive.writer import choose_compression
    from fetch_artifacts.authoring.build import archive_artifact

    with wrong_usage("OUTPUT"):
        chosen = choose_compression(output, compression)
    if is_tree_hash(artifact):
        refuse_options("with a hash", "--toml", "--platform")
        tree_hash = TreeHash.parse(artifact)
    else:
        tree_hash = _tree_named(artifact, resolve_toml(toml_path), platform)
    _require_undamaged(tree_hash)
    made = archive_artifact(tree_hash, output, chosen)
    facts = {"git_tree_sha1": str(tree_hash), "sha256": str(made.sha256)}
    facts |= {"archive_path": str(made.path)}
    print_facts({**facts, "size": made.size}, as_json=as_json)


def _require_undamaged(tree_hash: TreeHash) -> None:
    """Check that an installed tree still has the hash that will be printed."""
    folder = find_artifact(tree_hash, honor_overrides=False)
    if folder is not None and (fault := fault_of(folder, tree_hash)):
        msg = (
            f"{folder}: damaged: {fault}; run `fetch-artifacts verify --all --repair`, "
            "or `hash` and `create` for what it holds now"
        )
        raise DepotError(msg)


def _tree_named(name: str, toml: Path, platform: Platform | None) -> TreeHash:
    entry = entry_for(name, toml, wanted(platform))
    log_choice([entry], str(toml), platform)
    tree_hash = tree_of(entry)
    if tree_hash is None:
        msg = f"{name}: expected an installed artifact, found none; install it first"
        raise ArtifactNotInstalledError(msg, name=name)
    return tree_hash


def print_published(
    published: Published, name: str, binding: BindingOptions, *, as_json: bool
) -> None:
    """Print what was published and bound, and say so, and what is left to do."""
    source, *others = published.sources
    facts: dict[str, object] = {"git_tree_sha1": str(published.tree_hash)}
    facts |= {"sha256": str(source.sha256), "size": source.size, "url": source.url}
    if as_json:
        sources = [each.to_entry() for each in published.sources]
        bound = {"name": name, "toml": str(binding.toml)}
        print_json({**bound, **facts, "sources": sources})
    else:
        print_facts(facts, as_json=False)
        for each in others:
            print_facts({"url": each.url}, as_json=False)
    for note in published.notes:
        tell(note)
    tell_bound(binding, name)


@command(example="fetch-artifacts publish data MyData --to github:me/mypackage@data-v1")
@click.argument("folder", type=_FOLDER)
@click.argument("name", type=NEW_NAME, shell_complete=complete_names)
@click.option(
    "--to",
    "targets",
    required=True,
    multiple=True,
    metavar="TARGET",
    cls=TargetOption,
)
@click.option(
    "--url-base",
    "url_bases",
    multiple=True,
    metavar="URL",
    help="The URL at which the files of a folder or a bucket are served; one for each "
    "of these, in their order.",
)
@click.option("--final", is_flag=True, help="Publish a deposit on Zenodo permanently.")
@click.option(
    "--creator",
    "creators",
    multiple=True,
    metavar="'FAMILY, GIVEN'",
    help="An author of a new deposit on Zenodo.",
)
@click.option(
    "--push",
    is_flag=True,
    help="Also upload it to the mirrors.  [env: FETCH_ARTIFACTS_MIRRORS]",
)
@compression_option
@binding_options
@dry_run_option
@json_option
def publish(
    *,
    folder: Path,
    name: str,
    compression: str | None,
    as_json: bool,
    dry_run: bool,
    push: bool,
    binding: BindingOptions,
    **named: Any,
) -> None:
    """Archive FOLDER, upload it, and bind it to NAME.

    The archive is downloaded again and verified before it is bound. Each --to adds a
    download source. GitHub needs a token in GITHUB_TOKEN, or from `gh auth login`;
    Zenodo in ZENODO_TOKEN; Hugging Face in HF_TOKEN, or from `hf auth login`. A deposit
    on Zenodo stays a draft without --final.
    """
    from fetch_artifacts.authoring.mirrors import mirror
    from fetch_artifacts.authoring.publish import publish as publish_folder
    from fetch_artifacts.authoring.publish import targets_for
    from fetch_artifacts.cli.commands.mirror import tell_pushed

    if push:
        mirror.writable_mirrors()  # before there is anything to put there
    wanted_targets: tuple[str, ...] = named.pop("targets")
    if not any(target.startswith("zenodo") for target in wanted_targets):
        refuse_options("without --to zenodo", "--final", "--creator")
    with wrong_usage("--to"):
        targets = targets_for(wanted_targets, title=name, **named)
    if dry_run:
        to = [redacted_text(target) for target in wanted_targets]
        facts = {
            "git_tree_sha1": str(hash_directory(folder)),
            "toml": str(binding.toml),
            "name": name,
            "to": to if as_json else ", ".join(to),
        }
        print_facts(facts, as_json=as_json)
        tell_done("nothing was uploaded or bound")
        return
    published = publish_folder(folder, name, targets, binding, compression=compression)
    print_published(published, name, binding, as_json=as_json)
    if push:
        tell_pushed(mirror.push({published.tree_hash: folder}))


COMMANDS: Final = (create, archive, publish)
