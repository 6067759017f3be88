"""Changes of an Artifacts.toml in the style that it is written in already.

A file that Julia could have written stays one: it is written anew, sorted, in Julia's
bytes. Of any other, one with comments say, only the lines concerned change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml import binding as bind
from fetch_artifacts.artifacts_toml.choosing import load_artifacts_toml, platform_of
from fetch_artifacts.artifacts_toml.entry import Place
from fetch_artifacts.errors import BindingExistsError
from fetch_artifacts.install import lookup
from fetch_artifacts.julia_toml.writer import dumps, loads
from fetch_artifacts.platforms.platform import platforms_match

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform


def is_hand_written(toml: Path) -> bool:
    """Whether a file is not, byte for byte, what Julia would write."""
    try:
        text = toml.read_bytes().decode("utf-8")
        return text != dumps(loads(text))
    except FileNotFoundError:
        return False
    except (TypeError, ValueError):
        return True  # who changes it will tell what is wrong with it


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
        keep_comments=_keeps(toml, keep_comments),
    )
    lookup.record_use(str(toml))


def unbind_tree(
    toml: Path,
    name: str,
    *,
    platform: Platform | None = None,
    keep_comments: bool | None = None,
) -> bool:
    """Remove a name, or its binding for one platform; tells whether there was one.

    Raises:
        ArtifactsTomlError: The file can't be read, or can't be changed in place.
    """
    return bind.unbind(
        toml, name, platform=platform, keep_comments=_keeps(toml, keep_comments)
    )


def add_source(
    toml: Path,
    name: str,
    source: DownloadSource,
    *,
    platform: Platform | None = None,
    keep_comments: bool | None = None,
) -> None:
    """Add a place where an artifact's archive can be had, as the last one.

    Raises:
        ArtifactNotFoundError: The name is not in the file, or not for this platform.
        BindingExistsError: The artifact has a source with this URL.
        ArtifactsTomlError: The file can't be read, or can't be changed in place.
    """
    bind.add_source(
        toml,
        name,
        source,
        platform=platform,
        keep_comments=_keeps(toml, keep_comments),
    )


def _keeps(toml: Path, wish: bool | None) -> bool:  # noqa: FBT001 - not a switch
    return is_hand_written(toml) if wish is None else wish
