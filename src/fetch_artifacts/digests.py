"""The two hashes of the artifact system, as types of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, get_args

from fetch_artifacts.errors import (
    ArgumentError,
    HashParseError,
    TarballHashMismatchError,
    TreeHashMismatchError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Algorithm: TypeAlias = Literal["git-sha1", "git-sha256"]

_HEX: Final = re.compile(r"[0-9A-Fa-f]*")
_BYTES: Final[dict[int, Algorithm]] = {20: "git-sha1", 32: "git-sha256"}


def check_algorithm(algorithm: str) -> Algorithm:
    """Give the name of a tree-hash algorithm, checked.

    Raises:
        ArgumentError: It is neither ``"git-sha1"`` nor ``"git-sha256"``.
    """
    if algorithm == "git-sha1":
        return "git-sha1"
    if algorithm == "git-sha256":
        return "git-sha256"
    known = " or ".join(repr(name) for name in get_args(Algorithm))
    msg = f"tree-hash algorithm: expected {known}, found {algorithm!r}"
    raise ArgumentError(msg)


def is_tree_hash(text: str) -> bool:
    """Whether a text is a git-tree-sha1: 40 hex digits of either case."""
    return len(text) == 40 and _HEX.fullmatch(text) is not None


def _parse_hex(text: object, size: int, what: str) -> bytes:
    if not isinstance(text, str):
        msg = f"{what}: expected a string of {2 * size} hex digits, found {text!r}"
        raise HashParseError(msg)
    if len(text) != 2 * size:
        msg = f"{what}: expected {2 * size} hex digits, found {len(text)}: {text!r}"
        raise HashParseError(msg)
    if not _HEX.fullmatch(text):
        odd = next(char for char in text if not _HEX.fullmatch(char))
        msg = f"{what}: expected {2 * size} hex digits, found {odd!r} in {text!r}"
        raise HashParseError(msg)
    return bytes.fromhex(text)


class _Digest:
    """The bytes of a hash: immutable, and equal to the same bytes of the same class.

    Not a dataclass: importing `dataclasses` takes longer than finding an artifact.
    """

    __slots__ = ("digest",)

    digest: bytes

    def __init__(self, digest: bytes) -> None:
        object.__setattr__(self, "digest", digest)

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"{type(self).__name__}: expected no change, found one of {name!r}"
        raise AttributeError(msg)

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.digest,)

    def __setstate__(self, state: Sequence[bytes]) -> None:
        # Older pickles hold the list of fields of a dataclass.
        object.__setattr__(self, "digest", state[0])

    def __str__(self) -> str:
        return self.digest.hex()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class TreeHash(_Digest):
    """The git tree hash of a folder; ``str()`` is the lower-case hex.

    Julia: ``Base.SHA1`` for git-sha1, and what ``Tar.tree_hash`` returns.

    Attributes:
        digest: 20 bytes (git-sha1) or 32 bytes (git-sha256).
    """

    __slots__ = ()

    def __init__(self, digest: bytes) -> None:
        if len(digest) not in _BYTES:
            msg = f"tree hash: expected 20 or 32 bytes, found {len(digest)}"
            raise HashParseError(msg)
        super().__init__(digest)

    @classmethod
    def parse(cls, text: str) -> TreeHash:
        """Read a git-tree-sha1: 40 hex digits of either case (loading.jl:118).

        Raises:
            HashParseError: The text is anything else.
        """
        return cls(_parse_hex(text, 20, "git-tree-sha1"))

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that makes hashes of this length."""
        return _BYTES[len(self.digest)]

    def __dask_tokenize__(self) -> tuple[str, str]:
        # What dask takes for the identity of a value; it need not be installed.
        return "git-tree", str(self)


class Sha256(_Digest):
    """The SHA-256 of an archive's bytes; ``str()`` is the lower-case hex.

    Attributes:
        digest: 32 bytes.
    """

    __slots__ = ()

    SIZE: ClassVar[int] = 32

    @classmethod
    def parse(cls, text: str) -> Sha256:
        """Read 64 hex digits of either case.

        Raises:
            HashParseError: The text is anything else.
        """
        return cls(_parse_hex(text, cls.SIZE, "sha256"))


def as_tree_hash(tree_hash: TreeHash | str) -> TreeHash:
    """Give a tree hash as it is, or parse one from 40 hex digits.

    Raises:
        HashParseError: The text is anything else.
    """
    return tree_hash if isinstance(tree_hash, TreeHash) else TreeHash.parse(tree_hash)


_ANOTHER: Final = (
    "another file is served there now, or the promised sha256 is wrong; "
    "`fetch-artifacts doctor` tells which"
)


def require_archive(
    promised: Sha256 | None, found: Sha256, where: str, *, note: str = ""
) -> None:
    """Make sure that bytes are the archive that was promised.

    Args:
        promised: The sha256 that the bytes should have; None promises nothing.
        found: The sha256 that they have.
        where: Where they come from, for the message.
        note: What is known of them, and what to do, for the message.

    Raises:
        TarballHashMismatchError: They are other bytes.
    """
    if promised is not None and found != promised:
        msg = (
            f"{where}: Checksum verification failed: "
            f"expected an archive of sha256 {promised}, found {found}; "
            f"{note or _ANOTHER}"
        )
        raise TarballHashMismatchError(msg, expected=promised, actual=found)


def require_tree(
    promised: TreeHash | None,
    found: TreeHash,
    git_found: TreeHash,
    where: str,
    *,
    note: str = "",
) -> None:
    """Make sure that a tree is the one that was promised.

    Julia's hash and git's own differ for links whose target is not ASCII. Either
    counts, since authors take it from either program.

    Args:
        promised: The hash that the tree should have; None promises nothing.
        found: The hash that Julia gives it.
        git_found: The hash that git gives it.
        where: Where it comes from, for the message.
        note: What is known of it, and what to do, for the message.

    Raises:
        TreeHashMismatchError: It is another tree.
    """
    if promised is not None and promised not in (found, git_found):
        msg = (
            f"{where}: expected a tree of git-tree-sha1 {promised}, found {found}; "
            "the archive holds another tree, perhaps the files in another top folder, "
            "or the promised git-tree-sha1 is wrong"
        )
        if note:
            msg = f"{msg}; {note}"
        raise TreeHashMismatchError(msg, expected=promised, actual=found)
