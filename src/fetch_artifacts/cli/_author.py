"""The commands of authors: from a folder or a URL to an entry."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.artifacts_toml.search import find_artifacts_toml
from fetch_artifacts.cli._options import (
    FAILED,
    json_option,
    platform_option,
    resolve_toml,
    toml_option,
)
from fetch_artifacts.depot.installed import tree_of
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import ArtifactNotInstalledError
from fetch_artifacts.install.lookup import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetch_artifacts.platforms.platform import Platform

_Command = TypeVar("_Command", bound="Callable[..., Any]")

_HASH: Final = re.compile(r"[0-9a-fA-F]{40}")
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)

_compression_option = click.option(
    "--compression",
    type=click.Choice(["auto", "gz", "xz", "bz2", "zst", "none"]),
    default="auto",
    show_default=True,
    help="auto: by the archive's name, else gz, which every Julia can unpack.",
)


_comments_option = click.option(
    "--keep-comments/--no-keep-comments",
    default=None,
    help="Leave all other lines of the file as they are, or write it anew as Julia "
    "would. Without either: anew, unless it was written by hand.",
)


def _binding_options(command: _Command) -> _Command:
    """The options that say how a name is bound."""
    for option in (
        _comments_option,
        click.option("--force", is_flag=True, help="Replace what is bound."),
        click.option("--lazy", is_flag=True, help="Install it on first use only."),
        click.option(
            "--platform",
            metavar="TRIPLET",
            help="What the folder is built for; without it, every platform.",
        ),
        click.option(
            "--toml",
            "toml_path",
            type=click.Path(path_type=Path),
            help="The Artifacts.toml to change; without it, the one found from the "
            "working directory upwards, or a new one in it.",
        ),
    ):
        command = option(command)
    return command


def _toml_to_write(toml_path: Path | None) -> Path:
    here = Path.cwd()
    found = toml_path or find_artifacts_toml(here)
    return found.absolute() if found else here / "Artifacts.toml"


def _show(facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dict(facts), indent=2, ensure_ascii=False))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', '-'):13}  {value}")


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The archive to write; without it, FOLDER.tar.gz in the working directory.",
)
@_compression_option
@click.option("--bind", "name", metavar="NAME", help="Bind the folder to this name.")
@click.option(
    "--url", "urls", multiple=True, help="Where the archive will be had, for --bind."
)
@_binding_options
@json_option
def create(
    *,
    folder: Path,
    output: Path | None,
    compression: str,
    name: str | None,
    urls: tuple[str, ...],
    as_json: bool,
    **binding: Any,
) -> None:
    """Archive FOLDER, and print the hashes that an Artifacts.toml needs.

    The same folder gives the same archive on any machine.
    """
    if bool(name) != bool(urls):
        msg = "--bind and --url go together"
        raise click.UsageError(msg)
    from fetch_artifacts import _author_api
    from fetch_artifacts.archive.writer import choose_compression, usual_ending

    wish = None if compression == "none" else compression
    if output is None:
        ending = usual_ending(choose_compression(None, wish))
        output = Path(folder.absolute().name + ending)
    created = _author_api.create_artifact(folder, output, wish)  # type: ignore[arg-type]
    if name:
        sha256 = Sha256.parse(created["sha256"])
        sources = [
            DownloadSource(url=url, sha256=sha256, size=created["size"]) for url in urls
        ]
        _bind(name, TreeHash.parse(created["git_tree_sha1"]), sources, **binding)
    _show(created, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--keep", is_flag=True, help="Leave it installed.")
@_binding_options
@json_option
def add(  # noqa: PLR0913 - one parameter for each option
    *,
    name: str,
    urls: tuple[str, ...],
    keep: bool,
    toml_path: Path | None,
    platform: str | None,
    lazy: bool,
    force: bool,
    keep_comments: bool | None,
    as_json: bool,
) -> None:
    """Download the archive at URL, and bind its hashes and its size to NAME.

    More URLs are further places for the same tree.
    """
    from fetch_artifacts import _author_api

    toml = _toml_to_write(toml_path)
    added = _author_api.add_artifact(
        toml,
        name,
        urls,
        lazy,
        force,
        not keep,
        platform=platform,
        keep_comments=keep_comments,
    )
    _show({**added, "toml": str(toml)}, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("tree_hash", metavar="TREE_HASH")
@click.option(
    "--download",
    "downloads",
    type=(str, str),
    multiple=True,
    metavar="URL SHA256",
    help="Where its archive can be had, and the archive's sha256.",
)
@_binding_options
def bind(
    *, name: str, tree_hash: str, downloads: tuple[tuple[str, str], ...], **binding: Any
) -> None:
    """Bind NAME to the folder that has the git-tree-sha1 TREE_HASH.

    Nothing is downloaded; `add` finds out the hashes itself.
    """
    sources = [
        DownloadSource(url=url, sha256=Sha256.parse(sha256))
        for url, sha256 in downloads
    ]
    _bind(name, TreeHash.parse(tree_hash), sources or None, **binding)


def _bind(  # noqa: PLR0913 - what an entry consists of
    name: str,
    tree_hash: TreeHash,
    sources: list[DownloadSource] | None,
    *,
    toml_path: Path | None,
    platform: str | None,
    lazy: bool,
    force: bool,
    keep_comments: bool | None,
) -> None:
    from fetch_artifacts.authoring.binding import bind_tree
    from fetch_artifacts.platforms.platform import as_platform

    toml = _toml_to_write(toml_path)
    bind_tree(
        toml,
        name,
        tree_hash,
        sources,
        platform=as_platform(platform) if platform else None,
        lazy=lazy,
        force=force,
        keep_comments=keep_comments,
    )
    click.echo(f"bound {name} in {toml}", err=True)


@click.command()
@click.argument("name")
@toml_option
@platform_option
@_comments_option
def unbind(
    name: str,
    toml_path: Path | None,
    platform: Platform | None,
    *,
    keep_comments: bool | None,
) -> None:
    """Remove NAME, or its binding for one platform, from the file.

    What is installed stays; `remove` deletes it. Exits with 1 where NAME is not bound.
    """
    from fetch_artifacts.artifacts_toml import binding

    toml = resolve_toml(toml_path)
    if not binding.unbind(toml, name, platform=platform, keep_comments=keep_comments):
        click.echo(f"fetch-artifacts: {toml}: {name} is not bound", err=True)
        raise SystemExit(FAILED)


@click.command()
@click.argument("artifact", metavar="NAME|HASH")
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@_compression_option
@toml_option
@platform_option
@json_option
def archive(
    *,
    artifact: str,
    output: Path,
    compression: str,
    toml_path: Path | None,
    platform: Platform | None,
    as_json: bool,
) -> None:
    """Write an archive of an installed artifact to OUTPUT, and print its sha256."""
    from fetch_artifacts.archive.writer import choose_compression
    from fetch_artifacts.authoring.build import archive_artifact

    chosen = choose_compression(output, None if compression == "none" else compression)
    if _HASH.fullmatch(artifact):
        tree_hash = TreeHash.parse(artifact)
    else:
        tree_hash = _tree_named(artifact, resolve_toml(toml_path), platform)
    made = archive_artifact(tree_hash, output, chosen)
    facts = {"git_tree_sha1": str(tree_hash), "sha256": str(made.sha256)}
    facts |= {"archive_path": str(made.path), "size": str(made.size)}
    _show(facts, as_json=as_json)


def _tree_named(name: str, toml: Path, platform: Platform | None) -> TreeHash:
    entry = entry_for(name, toml, wanted(platform))
    tree_hash = tree_of(entry)
    if tree_hash is None:
        msg = f"{name}: expected an installed artifact, found none; install it first"
        raise ArtifactNotInstalledError(msg, name=name)
    return tree_hash


@click.command()
@click.argument("folder", type=_FOLDER)
@click.argument("name")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="dir:PATH, s3://BUCKET/PREFIX or another address for fsspec, "
    "github:OWNER/REPOSITORY@TAG, gist, gist:public, zenodo or zenodo-sandbox, or "
    "either of them with :NUMBER for a draft that exists.",
)
@click.option("--url-base", help="The URL of the files in a folder or a bucket.")
@click.option("--final", is_flag=True, help="Publish a deposit on Zenodo, for ever.")
@click.option(
    "--creator",
    "creators",
    multiple=True,
    metavar="'FAMILY, GIVEN'",
    help="An author of a new deposit on Zenodo.",
)
@_compression_option
@_binding_options
@json_option
def publish(  # noqa: PLR0913 - one parameter for each option
    *,
    folder: Path,
    name: str,
    target: str,
    url_base: str | None,
    final: bool,
    creators: tuple[str, ...],
    compression: str,
    toml_path: Path | None,
    platform: str | None,
    lazy: bool,
    force: bool,
    keep_comments: bool | None,
    as_json: bool,
) -> None:
    """Archive FOLDER, upload it, download it again, and bind it to NAME.

    GitHub wants a token in GITHUB_TOKEN, Zenodo one in ZENODO_TOKEN. A deposit on
    Zenodo stays a draft without --final.
    """
    from fetch_artifacts.authoring import publish as _publish
    from fetch_artifacts.platforms.platform import as_platform

    place = _publish.target_for(
        target, url_base=url_base, final=final, title=name, creators=creators
    )
    published = _publish.publish(
        folder,
        name,
        place,
        _toml_to_write(toml_path),
        compression=None if compression == "none" else compression,
        platform=as_platform(platform) if platform else None,
        lazy=lazy,
        force=force,
        keep_comments=keep_comments,
    )
    source = published.source
    facts = {"git_tree_sha1": str(published.tree_hash), "sha256": str(source.sha256)}
    _show({**facts, "size": source.size, "url": source.url}, as_json=as_json)
    if published.note:
        click.echo(f"fetch-artifacts: {published.note}", err=True)


COMMANDS: Final = (create, add, bind, unbind, archive, publish)
