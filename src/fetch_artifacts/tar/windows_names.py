"""Which names Windows can't store (Tar.jl Tar.jl:500-535, ``check_windows_path``)."""

from __future__ import annotations

import re
from typing import Final

_ILLEGAL: Final = re.compile(r'[\x00-\x1f"*:<>?\\|]')
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|(?:com|lpt)[1-9])(?:\.|\Z)", re.IGNORECASE
)


def windows_fault(path: bytes) -> str | None:
    """Say why Windows can't store a path, None where it can.

    Checks every component of a path with slashes. That names may not end in a dot or a
    space is newer than Julia 1.12 (Tar.jl Tar.jl:521).
    """
    for part in path.split(b"/"):
        fault = _name_fault(part)
        if fault:
            return fault
    return None


def _name_fault(part: bytes) -> str | None:
    try:
        name = part.decode("utf-8")
    except UnicodeDecodeError:
        return f"name {part!r} is not Unicode"
    illegal = _ILLEGAL.search(name)
    if illegal:
        return f"name {name!r} contains {illegal[0]!r}, which Windows refuses"
    if _RESERVED.match(name):
        return f"name {name!r} is reserved on Windows"
    if name not in {".", ".."} and name.endswith((".", " ")):
        return f"name {name!r} ends in a dot or a space, which Windows drops"
    return None
