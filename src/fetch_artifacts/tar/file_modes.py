"""The modes that unpacked files get."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fetch_artifacts.git_tools.files import OWNER_EXECUTE

if TYPE_CHECKING:
    from fetch_artifacts.digests import TreeHash
    from fetch_artifacts.files.folder import Folder
    from fetch_artifacts.tar.member import Member


class KeptTree(NamedTuple):
    """What a file system keeps of an archive's tree, where that is not all.

    Attributes:
        tree_hash: The hash of the folder, which may have copies in place of links.
        modes: Whether execute bits are kept; without them no file counts as a program.
    """

    tree_hash: TreeHash
    modes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileModes:
    """The modes that unpacked files get, under this process's umask.

    Attributes:
        plain: The mode of a file.
        executable: The mode of a file with the owner's execute bit in the archive.
        explicit: They have to be set, because the umask takes bits away from them.
        kept: The file system keeps the execute bit.
    """

    plain: int
    executable: int
    explicit: bool
    kept: bool

    @classmethod
    def probe(
        cls, root: Folder, *, read_only: bool = False, name: str = "probe"
    ) -> FileModes:
        """Find them out with a file in a folder, which is gone afterwards.

        Tar.jl gives files 0644 or 0755, each less what the umask takes from a new
        file's read and write bits; execute bits follow the read bits (extract.jl:
        120-135). Pkg clears the write bits of what it installs (utils.jl:64).
        """
        handle = root.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777)
        try:
            allowed = os.fstat(handle).st_mode & 0o777
            kept = os.name != "nt" and _keeps_modes(handle)
        finally:
            os.close(handle)
            root.unlink(name)
        new = allowed & 0o666
        plain = new & 0o644
        executable = (new | OWNER_EXECUTE | (new & 0o444) >> 2) & 0o755
        if read_only:
            plain, executable = plain & ~0o222, executable & ~0o222
        explicit = bool((plain | executable) & ~allowed) and kept
        return cls(plain=plain, executable=executable, explicit=explicit, kept=kept)

    def of(self, member: Member) -> int:
        """The mode that a file gets."""
        return self.executable if member.executable else self.plain


def _keeps_modes(handle: int) -> bool:
    """Whether a file's execute bit is what it is set to."""
    try:
        for mode in (0o600, 0o700):
            os.fchmod(handle, mode)
            if (os.fstat(handle).st_mode ^ mode) & OWNER_EXECUTE:
                return False
    except OSError:
        return False
    return True
