"""Binding a tree in an Artifacts.toml that counts as in use from then on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetch_artifacts.artifacts_toml.binding import Binding, bind, check_free
from fetch_artifacts.depot.usage.log import mark_used
from fetch_artifacts.errors import ArtifactsTomlNotFoundError
from fetch_artifacts.files.paths import make_folders

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fetch_artifacts.artifacts_toml.entry import DownloadSource
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.platforms.platform import Platform


def bind_tree(
    toml: Path,
    binding: Binding,
    *,
    force: bool = False,
    keep_comments: bool | None = None,
) -> None:
    """Bind a name in a file; the file and its folder are made if missing.

    As after Julia's ``bind_artifact!``, the usage log names the file, so that gc keeps
    the tree.

    Args:
        toml: The file, as an absolute path.
        binding: The name, the tree, and what else its entry says.
        force: Whether an existing binding is replaced.
        keep_comments: As for `~fetch_artifacts.artifacts_toml.editing.change_file`.

    Raises:
        BindingExistsError: The name is bound already.
        ArtifactsTomlError: The file can't be read, or can't be changed in place.
        ArtifactsTomlNotFoundError: Something else is in the place of its folder.
        OSError: The file can't be written.
    """
    try:
        make_folders(toml.parent)
    except (FileExistsError, NotADirectoryError):
        msg = f"{toml}: expected a folder above it, found something else"
        raise ArtifactsTomlNotFoundError(msg, searched=[toml]) from None
    bind(toml, binding, force=force, keep_comments=keep_comments)
    mark_used(str(toml), anew=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingOptions:
    """Where and how to bind a tree that is not known yet.

    Attributes:
        toml: The absolute path of the Artifacts.toml, created if missing.
        platform: The platform of the tree, None for every platform.
        lazy: Whether the artifact is installed on first use only.
        force: Whether an existing binding is replaced.
        keep_comments: As for `~fetch_artifacts.artifacts_toml.editing.change_file`.
    """

    toml: Path
    platform: Platform | None = None
    lazy: bool = False
    force: bool = False
    keep_comments: bool | None = None

    def require_free(self, name: str) -> None:
        """Check before any work that a name can be bound.

        Raises:
            BindingExistsError: The name is bound already.
            ArtifactsTomlError: The file can't be read.
        """
        check_free(self.toml, name, self.platform, force=self.force)

    def bind(
        self, name: str, tree_hash: TreeHash, downloads: Iterable[DownloadSource] | None
    ) -> None:
        """Bind a name to a tree, as `bind_tree`."""
        binding = Binding(
            name=name,
            tree_hash=tree_hash,
            downloads=None if downloads is None else tuple(downloads),
            platform=self.platform,
            lazy=self.lazy,
        )
        force, keep_comments = self.force, self.keep_comments
        bind_tree(self.toml, binding, force=force, keep_comments=keep_comments)
