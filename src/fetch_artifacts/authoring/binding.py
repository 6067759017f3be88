"""Changes of an Artifacts.toml in the style that it is written in already.

A file that Julia could have written stays one: it is written anew, sorted, in Julia's
bytes. Of any other, one with comments say, only the lines concerned change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml import binding as bind
from fetch_artifacts.artifacts_toml.choosing import platform_of
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.artifacts_toml.place import Place
from fetch_artifacts.depot.usage_log import mark_used
from fetch_artifacts.errors import BindingExistsError
from fetch_artifacts.platforms.matching import platforms_match

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform


def refuse_bound(
    toml: Path, name: str, *, platform: Platform | None, force: bool
) -> None:
    """Find out that a name can't be bound before any work is done for it.

    Whoever binds it meanwhile is noticed by `bind_tree`.

    Raises:
        BindingExistsError: The name is bound already.
        ArtifactsTomlError: The file can't be read.
    """
    if force or not toml.exists():
        return
    bound = load_artifacts_toml(toml).get(name, [])
    if platform is not None and isinstance(bound, list):
        place = Place.of(name, toml)
        others = (platform_of(element, place) for element in bound)
        bound = [other for other in others if platforms_match(platform, other)]
    if bound != []:
        msg = f"{toml}: {name!r} is bound already; force replaces it"
        raise BindingExistsError(msg, path=toml, name=name)


def bind_tree(  # noqa: PLR0913 - what an entry consists of
    toml: Path,
    name: str,
    tree_hash: TreeHash,
    downloads: Iterable[DownloadSource] | None,
    *,
    platform: Platform | None = None,
    lazy: bool = False,
    force: bool = False,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name in a file, which is made if there is none, and its folder too.

    As Julia's, the file counts as in use from then on, so that gc keeps the tree.

    Args:
        toml: The file, as an absolute path.
        name: The name.
        tree_hash: The tree.
        downloads: Where its archive can be had, best first.
        platform: What the tree is built for, None for every platform.
        lazy: Whether it is to be installed on first use only.
        force: Whether an existing binding is replaced.
        keep_comments: Whether all other lines of the file stay as they are. None: in a
            file that Julia, or this package, did not write.

    Raises:
        BindingExistsError: The name is bound already.
        ArtifactsTomlError: The file can't be read, or can't be changed in place.
        OSError: The file can't be written.
    """
    toml.parent.mkdir(parents=True, exist_ok=True)
    bind.bind(
        toml,
        name,
        tree_hash,
        downloads=downloads,
        platform=platform,
        lazy=lazy,
        force=force,
        keep_comments=keep_comments,
    )
    mark_used(str(toml))
