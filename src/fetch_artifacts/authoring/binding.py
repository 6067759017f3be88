"""Binding a tree in an Artifacts.toml that counts as in use from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.binding import bind
from fetch_artifacts.depot.usage_log import mark_used

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.binding import Binding


def bind_tree(
    toml: Path,
    binding: Binding,
    *,
    force: bool = False,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name in a file, which is made if there is none, and its folder too.

    As after Julia's ``bind_artifact!``, the usage log names the file, so that gc keeps
    the tree.

    Args:
        toml: The file, as an absolute path.
        binding: The name, the tree, and what else its entry says.
        force: Whether an existing binding is replaced.
        keep_comments: Whether all other lines of the file stay as they are. None: in a
            file that Julia, or this package, did not write.

    Raises:
        BindingExistsError: The name is bound already.
        ArtifactsTomlError: The file can't be read, or can't be changed in place.
        OSError: The file can't be written.
    """
    toml.parent.mkdir(parents=True, exist_ok=True)
    bind(toml, binding, force=force, keep_comments=keep_comments)
    mark_used(str(toml))
