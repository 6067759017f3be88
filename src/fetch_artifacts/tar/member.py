"""One member of an archive, and what every member must be (Tar.jl header.jl:87-135).

Readers of archives make members here and nowhere else, so each fault is refused
whatever the format and whoever asked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from fetch_artifacts.errors import UnpackError, UnportableNameError
from fetch_artifacts.git_tools.files import OWNER_EXECUTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    Buffer: TypeAlias = bytes | memoryview

Kind: TypeAlias = Literal["file", "hardlink", "symlink", "directory"]

KINDS: Final = frozenset({"file", "hardlink", "symlink", "directory"})
_PLAIN_KINDS: Final = KINDS - {"hardlink"}
# No system stores longer paths (Linux 4,096 bytes, Windows 32,767 characters), and
# what is built from paths stays small.
LONGEST_PATH: Final = 32_767
# Linux's longest path, 4,096 bytes with a NUL at the end, has room for no more. Without
# a limit, the folders that a path implies take a hundred times the archive's memory.
_DEEPEST_PATH: Final = 2_048
_SHALLOW_BYTES: Final = 4_096  # too short for a path to be any deeper
_SHOWN_BYTES: Final = 200
_MAKE_AGAIN: Final = "have the archive made again, or use another source"

# As in Julia's regular expressions, "$" also matches before a last newline.
_DOTDOT: Final = re.compile(rb"(?:^|/)\.\.(?:/|$)")

# What Windows refuses in names (Tar.jl Tar.jl:500-535, ``check_windows_path``).
_WINDOWS_ILLEGAL: Final = re.compile(r'[\x00-\x1f"*:<>?\\|]')
_WINDOWS_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|(?:com|lpt)[1-9])(?:\.|\Z)", re.IGNORECASE
)


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
        sparse: The content is a map of holes and the data between them, in GNU's pax
            format, which Tar.jl doesn't know.
    """

    path: bytes
    kind: Kind
    mode: int
    size: int
    link: bytes
    pieces: Iterable[Buffer]
    sparse: bool = False

    @property
    def executable(self) -> bool:
        """Whether a file may be executed."""
        return bool(self.mode & OWNER_EXECUTE)


def make_member(
    path: bytes,
    kind: str,
    mode: int,
    size: int,
    link: bytes,
    pieces: Iterable[Buffer] = (),
) -> Member:
    """Check what an archive says about a member, and normalise its paths.

    Args:
        path: The path as the archive spells it.
        kind: One of `KINDS`, or any other text for what can't be unpacked.
        mode: The mode.
        size: The length of the content.
        link: The target of a link as the archive spells it.
        pieces: The content.

    Raises:
        UnpackError: The member is not allowed; all its faults are named at once.
    """
    plain = path.removeprefix(b"./")  # as GNU tar writes them when it packs "."
    if kind == "directory":
        plain = plain.removesuffix(b"/")
    if kind in _PLAIN_KINDS and _is_usual(plain) and _is_usual_link(kind, size, link):
        return Member(plain, kind, mode, size, link, pieces)  # type: ignore[arg-type]
    target = _normalised(link) if kind == "hardlink" else link
    faults = _path_faults(path, kind) + _other_faults(kind, size, link, target)
    if faults:
        raise refusal(path, *faults)
    return Member(_normalised(path), kind, mode, size, target, pieces)  # type: ignore[arg-type]


def printable(name: bytes) -> str:
    """A name from an archive, for people: cut where it is long, always printable."""
    text = name[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return repr(text + "..." if len(name) > _SHOWN_BYTES else text)


def refusal(path: bytes, *faults: str, todo: str = _MAKE_AGAIN) -> UnpackError:
    """The error that names a member, what is wrong with it, and what to do."""
    return UnpackError(
        f"archive member {printable(path)} is refused: {'; '.join(faults)}; {todo}",
        member=path.decode("utf-8", "backslashreplace"),
        faults=faults,
    )


def windows_fault(path: bytes) -> str | None:
    """Say why Windows can't store a path, None where it can.

    Checks every component of a path with slashes. That names may not end in a dot or a
    space is newer than Julia 1.12 (Tar.jl Tar.jl:521).
    """
    for part in path.split(b"/"):
        fault = _windows_name_fault(part)
        if fault:
            return fault
    return None


def require_portable(path: bytes, where: bytes) -> None:
    """Make sure that Windows can store a path, as ``portable`` asks (Tar.jl).

    Args:
        path: The path in the archive.
        where: What has it, for the message.

    Raises:
        UnportableNameError: It can't.
    """
    if fault := windows_fault(path):
        place = Path(os.fsdecode(where))
        raise UnportableNameError(f"{place}: {fault}; rename it", path=place)


def _is_usual(path: bytes) -> bool:
    """Whether a path is without fault and in normal form already.

    Told by searches for fixed bytes, since paths of 4,000 bytes may be many.
    """
    parts = b"/%b/" % path
    return (
        b"//" not in parts
        and b"/./" not in parts
        and b"/../" not in parts
        and b"\0" not in path
        and b"\n" not in path[-1:]
        and len(path) < _SHALLOW_BYTES
        and os.name != "nt"
    )


def _is_usual_link(kind: str, size: int, link: bytes) -> bool:
    """Whether a file, a folder or a symbolic link has the link and size that it may."""
    if kind == "file":
        return not link
    if size:
        return False
    if kind == "directory":
        return not link
    return 0 < len(link) <= LONGEST_PATH and b"\0" not in link


def _normalised(path: bytes) -> bytes:
    return b"/".join([part for part in path.split(b"/") if part not in {b"", b"."}])


def _is_deep(path: bytes) -> bool:
    return (
        len(path) >= _SHALLOW_BYTES and _normalised(path).count(b"/") >= _DEEPEST_PATH
    )


def _path_faults(path: bytes, kind: str) -> list[str]:
    ends_like_folder = path == b"." or path.endswith((b"/", b"/."))
    checks = (
        (not path, "path is empty"),
        (path.startswith(b"/"), "path is absolute"),
        (_DOTDOT.search(path), "path contains a '..' component"),
        (b"\0" in path, "path contains a NUL byte"),
        (len(path) > LONGEST_PATH, "path is longer than any system stores"),
        (_is_deep(path), f"path has more than {_DEEPEST_PATH:,} components"),
        (
            kind != "directory" and ends_like_folder,
            f"path of a {kind} ends like that of a folder",
        ),
    )
    faults = [fault for wrong, fault in checks if wrong]
    if os.name == "nt" and (fault := windows_fault(path)):
        faults.append(fault)
    return faults


def _other_faults(kind: str, size: int, link: bytes, target: bytes) -> list[str]:
    """What is wrong with a member but for its path; `target` is the link in use."""
    is_link = kind in {"hardlink", "symlink"}
    checks = (
        (kind not in KINDS, f"unsupported kind of member: {kind}"),
        (not is_link and link, "has a link target but is not a link"),
        (is_link and not target, f"{kind} without a target"),
        (b"\0" in link, "link target contains a NUL byte"),
        (len(link) > LONGEST_PATH, "link target is longer than any system stores"),
        (
            kind == "hardlink" and _DOTDOT.search(target),
            "hardlink target contains a '..' component",
        ),
        (
            kind in KINDS and kind != "file" and size,
            f"{kind} with a size of {size} bytes",
        ),
    )
    return [fault for wrong, fault in checks if wrong]


def _windows_name_fault(part: bytes) -> str | None:
    try:
        name = part.decode("utf-8")
    except UnicodeDecodeError:
        return f"name {part!r} is not Unicode"
    illegal = _WINDOWS_ILLEGAL.search(name)
    if illegal:
        return f"name {name!r} contains {illegal[0]!r}, which Windows refuses"
    if _WINDOWS_RESERVED.match(name):
        return f"name {name!r} is reserved on Windows"
    if name not in {".", ".."} and name.endswith((".", " ")):
        return f"name {name!r} ends in a dot or a space, which Windows drops"
    return None
