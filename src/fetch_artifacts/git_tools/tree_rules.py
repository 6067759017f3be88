"""Which entries a tree has, by the rules of Pkg, of git and of Tar.jl.

Pkg leaves out whatever is called ``.git``, at every level (Pkg.jl GitTools.jl:298), and
folders that hold no file at any depth, but for the root (GitTools.jl:305). To see
whether a folder holds a file it also looks into ``.git`` (GitTools.jl:276), so a folder
that has nothing but a ``.git`` with a file in it is an entry, and its tree is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.git_tools.objects import blob_digest, link_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

    from fetch_artifacts.digests import Algorithm

GIT: Final = b".git"


class TreeRules(NamedTuple):
    """What one program makes of a tree.

    Attributes:
        link_digest: Hashes the target of a symbolic link.
        skip_empty: Leave out folders that hold no file at any depth.
        skip_git: Leave out whatever is called ``.git``.
        modes: Tell programs from other files, by their execute bits.
    """

    link_digest: Callable[[bytes, Algorithm], bytes]
    skip_empty: bool
    skip_git: bool
    modes: bool = True


PKG_RULES: Final = TreeRules(link_digest, skip_empty=True, skip_git=True)
"""``Pkg.GitTools.tree_hash``, by which artifacts are known."""

GIT_RULES: Final = TreeRules(blob_digest, skip_empty=True, skip_git=True)
"""Git itself: links outside ASCII have another digest."""

TAR_RULES: Final = TreeRules(blob_digest, skip_empty=False, skip_git=False)
"""``Tar.tree_hash``: everything counts."""


def is_kept(entries: Sized, git_holds_files: Callable[[], bool] | None) -> bool:
    """Whether Pkg makes an entry of a folder that is not the root.

    Args:
        entries: The entries of the folder's own tree.
        git_holds_files: Tells whether the folder's ``.git`` is, or holds, anything but
            folders; asked only where it matters. None: there is no ``.git``.
    """
    return bool(entries) or (git_holds_files is not None and git_holds_files())
