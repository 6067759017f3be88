"""The commands that edit an Artifacts.toml: add, bind, unbind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.cli.commands.publish import print_published
from fetch_artifacts.cli.shared.completing import complete_names, triplets_of
from fetch_artifacts.cli.shared.grammar import command, refuse_options
from fetch_artifacts.cli.shared.options import (
    FAILED,
    bind_name,
    binding_options,
    bound_platform_option,
    comments_option,
    json_option,
    resolve_toml,
    tell_bound,
    toml_option,
)
from fetch_artifacts.cli.shared.printing import print_facts, print_json, tell, tell_done
from fetch_artifacts.cli.shared.values import NEW_NAME, Value, url, wrong_usage
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import HashParseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fetch_artifacts.authoring.binding import BindingOptions
    from fetch_artifacts.platforms.platform import Platform


@command(example="fetch-artifacts add MyData https://example.org/my_data.tar.gz")
@click.argument("name", type=NEW_NAME, shell_complete=complete_names)
@click.argument(
    "urls", nargs=-1, required=True, type=url(fetched=True), metavar="URL..."
)
@click.option("--keep", is_flag=True, help="Leave the artifact installed.")
@click.option(
    "--pack",
    is_flag=True,
    help="Each URL is a single file: pack them into one archive, and publish that with "
    "--to.",
)
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Where --pack publishes the archive, as for `publish`.",
)
@click.option(
    "--url-base",
    "url_bases",
    multiple=True,
    metavar="URL",
    help="For --pack, as for `publish`.",
)
@binding_options
@json_option
def add(
    *,
    name: str,
    urls: tuple[str, ...],
    keep: bool,
    pack: bool,
    targets: tuple[str, ...],
    url_bases: tuple[str, ...],
    as_json: bool,
    binding: BindingOptions,
) -> None:
    """Download the archive at URL, and bind NAME to its hashes.

    They are written to Artifacts.toml with its size. More URLs are further
    sources of the same tree. A file in Zenodo or figshare may be given as
    doi:10.5281/zenodo.NUMBER/FILE; its own URL is bound.
    """
    if pack != bool(targets):
        msg = "--pack and --to go together"
        raise click.UsageError(msg)
    if pack:
        refuse_options("with --pack", "--keep")
    else:
        refuse_options("without --pack", "--url-base")
    if pack:
        _pack(name, urls, targets, url_bases, binding, as_json=as_json)
        return
    from fetch_artifacts import _author_api

    added = _author_api.add_artifact(
        binding.toml,
        name,
        urls,
        binding.lazy,
        binding.force,
        not keep,
        platform=binding.platform,
        keep_comments=binding.keep_comments,
    )
    facts = {**added, "toml": str(binding.toml)}
    print_facts({"name": name, **facts} if as_json else facts, as_json=as_json)
    tell_bound(binding, name)


def _pack(
    name: str,
    urls: Sequence[str],
    targets: Sequence[str],
    url_bases: Sequence[str],
    binding: BindingOptions,
    *,
    as_json: bool,
) -> None:
    """Make an artifact of single files."""
    from fetch_artifacts.authoring.publish import publish, targets_for
    from fetch_artifacts.authoring.sourcing import download_files
    from fetch_artifacts.files.scratch import scratch_folder

    with wrong_usage("--to"):
        places = targets_for(targets, url_bases=url_bases, title=name)
    binding.require_free(name)
    with scratch_folder() as folder:
        download_files(urls, folder)
        published = publish(folder, name, places, binding)
    print_published(published, name, binding, as_json=as_json)


def _parse_hash(text: str) -> TreeHash:
    try:
        return TreeHash.parse(text)
    except HashParseError as error:
        msg = (
            f"{error}; `fetch-artifacts hash FOLDER` prints it, and "
            "`fetch-artifacts add NAME URL` computes it from an archive"
        )
        raise HashParseError(msg) from error


@command(
    example=(
        "fetch-artifacts bind MyData 43563e7631a7eafae1f9f8d9d332e3de44ad7239 \\\n"
        "  --download https://example.org/my_data.tar.gz SHA256"
    )
)
@click.argument("name", type=NEW_NAME, shell_complete=complete_names)
@click.argument("tree_hash", metavar="TREE_HASH", type=Value("hash", _parse_hash))
@click.option(
    "--download",
    "downloads",
    type=(url(), Value("sha256", Sha256.parse)),
    multiple=True,
    metavar="URL SHA256",
    help="The URL of an archive of the folder, and the sha256 of that archive.",
)
@binding_options
@json_option
def bind(
    *,
    name: str,
    tree_hash: TreeHash,
    downloads: tuple[tuple[str, Sha256], ...],
    as_json: bool,
    binding: BindingOptions,
) -> None:
    """Bind NAME to the folder that has the git-tree-sha1 TREE_HASH.

    Nothing is downloaded: the hashes are written as given. `add` downloads an archive
    and computes them.
    """
    if not downloads:
        tell_done(
            f"note: {name}: no download is bound, so it can be installed from an "
            "artifact server alone; --download names one"
        )
    sources = [DownloadSource(url=url, sha256=sha256) for url, sha256 in downloads]
    bind_name(binding, name, tree_hash, sources or None)
    if as_json:
        facts = {"name": name, "git_tree_sha1": str(tree_hash)}
        print_json({**facts, "toml": str(binding.toml)})


@command()
@click.argument("name", shell_complete=complete_names)
@toml_option
@bound_platform_option
@comments_option
@json_option
def unbind(
    name: str,
    toml_path: Path | None,
    platform: Platform | None,
    *,
    keep_comments: bool | None,
    as_json: bool,
) -> None:
    """Remove NAME, or its entry for one platform, from the file.

    What is installed stays; `remove` deletes it. Exits with 1 where NAME is not bound.
    """
    from fetch_artifacts.artifacts_toml import binding

    toml = resolve_toml(toml_path)
    done = binding.unbind(toml, name, platform=platform, keep_comments=keep_comments)
    if as_json:
        print_json({"name": name, "toml": str(toml), "unbound": done})
    which = f" for {platform.triplet}" if platform else ""
    if done:
        tell_done(f"unbound {name}{which} in {toml}")
        return
    tell(f"{toml}: {name} is not bound{which}{_bound_for(name, toml)}")
    raise SystemExit(FAILED)


def _bound_for(name: str, toml: Path) -> str:
    """Which platforms a name is bound for, or one like it, as the rest of a message."""
    from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
    from fetch_artifacts.spelling import nearest_name

    table = load_artifacts_toml(toml)
    near = None if name in table else nearest_name(name, table)
    if near:
        return f"; did you mean {near!r}?"
    triplets = ", ".join(triplets_of(name, table))
    return f"; it is bound for {triplets}" if triplets else ""


COMMANDS: Final = (add, bind, unbind)
