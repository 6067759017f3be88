"""One member of an archive, and what every member must be (Tar.jl header.jl:87-135).

Readers of archives make members here and nowhere else, so each fault is refused
whatever the format and whoever asked.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from fetch_artifacts.errors import UnpackError
from fetch_artifacts.windows_names import windows_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    Buffer: TypeAlias = bytes | memoryview

Kind: TypeAlias = Literal["file", "hardlink", "symlink", "directory"]

KINDS: Final = frozenset({"file", "hardlink", "symlink", "directory"})
EXECUTABLE_BIT: Final = 0o100
# No system stores longer paths (Linux 4,096 bytes, Windows 32,767 characters), and
# what is built from paths stays small.
LONGEST_PATH: Final = 32_767
_SHOWN_BYTES: Final = 200

# What a path must not contain to be in normal form already: an empty component, "."
# or "..". As in Julia's regular expressions, "$" also matches before a last newline.
_NOT_NORMAL: Final = re.compile(rb"(?:^|/)\.{0,2}(?:/|$)")
_DOTDOT: Final = re.compile(rb"(?:^|/)\.\.(?:/|$)")


class Member(NamedTuple):
    """One member of an archive.

    A tuple, because archives have many of them and a tuple is made the quickest.

    Attributes:
        path: Where it belongs, without ``.`` and doubled slashes; the root is ``b""``.
        kind: What it is.
        mode: The mode in the archive; only the owner's execute bit counts.
        size: The length of a file's content in bytes.
        link: A symbolic link's target as it stands, a hard link's target normalised.
        pieces: A file's content. To be read before the next member is asked for.
    """

    path: bytes
    kind: Kind
    mode: int
    size: int
    link: bytes
    pieces: Iterable[Buffer]

    @property
    def executable(self) -> bool:
        """Whether a file may be executed."""
        return bool(self.mode & EXECUTABLE_BIT)


class Header(NamedTuple):
    """What an archive says about a member, unchecked.

    Attributes:
        path: The path as the archive spells it.
        kind: One of `KINDS`, or any other text for what can't be unpacked.
        mode: The mode.
        size: The length of the content.
        link: The target of a link.
    """

    path: bytes
    kind: str
    mode: int
    size: int
    link: bytes


def make_member(header: Header, pieces: Iterable[Buffer] = ()) -> Member:
    """Check what an archive says about a member, and normalise its paths.

    Raises:
        UnpackError: The member is not allowed; all its faults are named at once.
    """
    path, kind, mode, size, link = header
    plain = path.removeprefix(b"./")  # as GNU tar writes them when it packs "."
    if kind == "file" and not link and not _NOT_NORMAL.search(plain):
        path, faults = plain, _spelling_faults(plain)
    else:
        if kind == "hardlink":
            link = _normalised(link)
        faults = _faults(header, link)
        path = _normalised(path)
    if faults:
        raise refusal(header.path, *faults)
    return Member(path, kind, mode, size, link, pieces)  # type: ignore[arg-type]


def shown(name: bytes) -> str:
    """A name from an archive, for people: cut where it is long, always printable."""
    text = name[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return repr(text + "..." if len(name) > _SHOWN_BYTES else text)


def refusal(path: bytes, *faults: str) -> UnpackError:
    """The error that names a member and what is wrong with it."""
    return UnpackError(
        f"archive member {shown(path)} is refused: {'; '.join(faults)}; "
        "have the archive made again, or use another source",
        member=path.decode("utf-8", "backslashreplace"),
        faults=faults,
    )


def _normalised(path: bytes) -> bytes:
    return b"/".join([part for part in path.split(b"/") if part not in {b"", b"."}])


def _spelling_faults(path: bytes) -> list[str]:
    faults = []
    if len(path) > LONGEST_PATH:
        faults.append(f"path has {len(path)} bytes, more than any system stores")
    if b"\0" in path:
        faults.append("path contains a NUL byte")
    if os.name == "nt" and (fault := windows_fault(path)):
        faults.append(fault)
    return faults


def _faults(header: Header, link: bytes) -> list[str]:
    """What is wrong with a member; `link` is its target as it would be used."""
    path, kind, _, size, said_link = header
    is_link = kind in {"hardlink", "symlink"}
    checks = (
        (not path, "path is empty"),
        (path.startswith(b"/"), "path is absolute"),
        (bool(_DOTDOT.search(path)), "path contains a '..' component"),
        (kind not in KINDS, f"unsupported kind of member: {kind}"),
        (not is_link and said_link, "has a link target but is no link"),
        (is_link and not link, f"{kind} without a target"),
        (b"\0" in said_link, "link target contains a NUL byte"),
        (len(link) > LONGEST_PATH, "link target is longer than any system stores"),
        (is_link and size, f"{kind} with a size of {size} bytes"),
        (
            kind == "hardlink" and _DOTDOT.search(link),
            "hardlink target contains a '..' component",
        ),
        (kind == "directory" and size, f"directory with a size of {size} bytes"),
        (
            kind != "directory" and (path == b"." or path.endswith((b"/", b"/."))),
            f"path of a {kind} ends like that of a folder",
        ),
    )
    return _spelling_faults(path) + [fault for wrong, fault in checks if wrong]
