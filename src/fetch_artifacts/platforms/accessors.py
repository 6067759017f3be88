"""What a platform is, tag by tag, and the names of its dynamic libraries.

Julia: ``arch``, ``os``, ``libc`` and the others of ``Base.BinaryPlatforms``. A platform
may be given as its triplet.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.platforms.platform import as_platform
from fetch_artifacts.platforms.versions import version_of

if TYPE_CHECKING:
    from os import PathLike

    from fetch_artifacts.platforms.platform import Platform

    StrPath: TypeAlias = str | PathLike[str]

_NAMES: Final = {
    "linux": "Linux",
    "macos": "macOS",
    "windows": "Windows",
    "freebsd": "FreeBSD",
    "openbsd": "OpenBSD",
}
_NARROW: Final = frozenset({"i686", "armv6l", "armv7l"})
_LIBRARIES: Final = {
    "windows": re.compile(r"(.*?)(?:-([.0-9]*))?\.dll", re.DOTALL),
    "macos": re.compile(r"(.*)()\.dylib", re.DOTALL),
}
_NUMBERS_BACKWARDS: Final = re.compile(r"(?:[0-9]+\.)*")
_LIBRARY: Final = re.compile(r"(.*?)\.so((?:\.[0-9]+)*)", re.DOTALL)


def arch(platform: Platform | str) -> str:
    """The architecture, such as ``x86_64``."""
    return as_platform(platform).tags["arch"]


def os(platform: Platform | str) -> str:
    """The operating system, such as ``linux``."""
    return as_platform(platform).tags["os"]


def libc(platform: Platform | str) -> str | None:
    """The C library, ``glibc`` or ``musl``; None where there is no choice."""
    return as_platform(platform).tags.get("libc")


def call_abi(platform: Platform | str) -> str | None:
    """The call ABI, such as ``eabihf``; None where there is no choice."""
    return as_platform(platform).tags.get("call_abi")


def wordsize(platform: Platform | str) -> int:
    """The bits of a word: 32 or 64."""
    return 32 if arch(platform) in _NARROW else 64


def platform_name(platform: Platform | str) -> str:
    """The system's name as it is written, such as ``macOS``.

    Raises:
        PlatformError: Julia has no name for the system.
    """
    system = os(platform)
    if system not in _NAMES:
        msg = f"platform name: expected one of {', '.join(_NAMES)}, found {system!r}"
        raise PlatformError(msg)
    return _NAMES[system]


def platform_dlext(platform: Platform | str | None = None) -> str:
    """What names of dynamic libraries end in: ``so``, ``dylib`` or ``dll``.

    Args:
        platform: The platform; this machine's unless given.
    """
    system = os(host_platform() if platform is None else platform)
    return {"windows": "dll", "macos": "dylib"}.get(system, "so")


def parse_dl_name_version(
    path: StrPath, platform: Platform | str
) -> tuple[str, str | None]:
    """Split the file name of a dynamic library.

    Julia: ``parse_dl_name_version`` (binaryplatforms.jl:787-820).

    Args:
        path: The library.
        platform: Its platform, or the name of its system as Julia's second argument.

    Returns:
        The library's name, and its version with all three parts; None where the file
        name has no version.

    Raises:
        PlatformError: It is not the name of a dynamic library there.
    """
    named = isinstance(platform, str) and platform in _NAMES
    system = str(platform) if named else os(platform)
    match = _LIBRARIES.get(system, _LIBRARY).fullmatch(Path(path).name)
    if match is None:
        ending = {"windows": ".dll", "macos": ".dylib"}.get(system, ".so")
        msg = f"{path}: expected a library's name, such as libfoo{ending}"
        raise PlatformError(msg)
    name, version = match[1], match[2] or ""
    if system == "macos":  # its version is found from the end, which is linear
        end = len(_NUMBERS_BACKWARDS.sub("", name[::-1], count=1))
        name, version = name[:end], name[end:]
    version = version.strip(".")
    return name, str(version_of("library", version)) if version else None


def valid_dl_path(path: StrPath, platform: Platform | str) -> bool:
    """Whether a path has the name of a dynamic library. Julia: ``valid_dl_path``."""
    try:
        parse_dl_name_version(path, platform)
    except PlatformError:
        return False
    return True


# What help() prints, and what a pickle names, is where users import it from.
for _public in (
    arch,
    call_abi,
    libc,
    os,
    parse_dl_name_version,
    platform_dlext,
    platform_name,
    valid_dl_path,
    wordsize,
):
    _public.__module__ = __name__.rpartition(".")[0]
