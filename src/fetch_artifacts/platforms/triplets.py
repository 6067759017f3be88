"""Triplets such as ``x86_64-linux-gnu-libgfortran5``: the text form of a platform.

Julia: ``triplet(p)`` and ``parse(Platform, text)`` (binaryplatforms.jl:514-783).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.julia_dict import KeyTable
from fetch_artifacts.platforms.tags import TRIPLET_TAGS, GivenTags
from fetch_artifacts.platforms.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_ARCHES: Final = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "arm": "armv7l",
    "armv7l": "armv7l",
    "armv6l": "armv6l",
    "powerpc64le": "powerpc64le",
    "ppc64le": "powerpc64le",
    "riscv64": "riscv64",
    "rv64": "riscv64",
}  # and i686, which goes by any digit
# How the part of a triplet begins that says the system, in the order of trial.
_PREFIXES: Final = {
    "macos": "darwin",
    "freebsd": "freebsd",
    "openbsd": "openbsd",
    "windows": "mingw32",
    "linux": "linux",
}
_VENDORS: Final = {"macos": "apple", "windows": "w64"}  # others may have any, or none
_VERSIONED: Final = frozenset({"macos", "freebsd", "openbsd"})
_LIBCS: Final = {"gnu": "glibc", "musl": "musl"}
_CALL_ABIS: Final = ("", "eabihf", "eabi")
_LIBC_PARTS: Final = {
    f"{libc}{abi}": (name, abi) for libc, name in _LIBCS.items() for abi in _CALL_ABIS
}
_CXXSTRING_ABIS: Final = frozenset({"cxx03", "cxx11"})
# Before Julia 1.0, triplets spelled this as `-gcc4` and so on.
_GFORTRANS: Final = {
    "libgfortran3": "3",
    "gcc4": "3",
    "libgfortran4": "4",
    "gcc7": "4",
    "libgfortran5": "5",
    "gcc8": "5",
}
_PLACED: Final = (
    "libc",
    "call_abi",
    "libgfortran_version",
    "libstdcxx_version",
    "cxxstring_abi",
)
_I686: Final = re.compile(r"i\d86")
_DIGITS: Final = re.compile(r"[\d.]*")
_LIBSTDCXX: Final = re.compile(r"libstdcxx([0-9]+)")
_SHOWN: Final = 100  # characters of a text in a message


class _System(NamedTuple):
    """Where a triplet may say its system.

    Attributes:
        name: The system.
        at: Which part of the triplet says it.
        call_abi: What the part ends in.
    """

    name: str
    at: int
    call_abi: str


def parse_triplet(text: str) -> GivenTags:
    """Split a triplet into its tags, which are not normalised.

    Raises:
        PlatformError: Julia would not take it for a triplet.
    """
    parts = _parts(text)
    first_extra = len(parts)
    while first_extra > 1 and "+" in parts[first_extra - 1][1:-1]:
        first_extra -= 1
    arch = "i686" if _I686.fullmatch(parts[0]) else _ARCHES.get(parts[0])
    for system in _systems(parts) if arch else ():
        tags = _placed_tags(system, parts, first_extra)
        if arch and tags is not None:
            version = _os_version(system, parts)
            return _given(arch, system.name, tags, parts[first_extra:], version)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    msg = (
        f"platform {shown!r}: expected a triplet such as "
        "x86_64-linux-gnu-libgfortran5-cxx11, of an architecture and a system "
        "that Julia knows and with its parts in this order"
    )
    raise PlatformError(msg)


def _parts(text: str) -> list[str]:
    """Split a triplet at its dashes.

    Julia matches a regular expression (l. 665-683) that can take for ever to find out
    that a text doesn't match. This gives the same result in one pass.
    """
    parts = text.split("-")
    if "+" not in parts[-1]:
        parts[-1] = parts[-1].removesuffix("\n")  # PCRE's "$" may stand before one
    return parts


def _systems(parts: Sequence[str]) -> Iterator[_System]:
    """Yield where a triplet may say its system, in the order of Julia's trials."""
    lines = (at for at, part in enumerate(parts) if at and "\n" in part)
    last = min(next(lines, len(parts)), len(parts) - 1)
    for name, prefix in _PREFIXES.items():
        if name in _VENDORS:
            places = range(2, 3) if parts[1:2] == [_VENDORS[name]] else range(0)
        else:
            places = range(last, 0, -1)
        for at in places:
            if at <= last and parts[at].startswith(prefix):
                rest = parts[at].removeprefix(prefix)
                if name in _VERSIONED:
                    rest = _DIGITS.sub("", rest, count=1)
                if rest in _CALL_ABIS:
                    yield _System(name, at, rest)


def _placed_tags(
    system: _System, parts: Sequence[str], first_extra: int
) -> dict[str, str] | None:
    """Return the tags that have a place of their own after a triplet's system.

    None where anything else is in their place.
    """
    if first_extra - system.at > len(_PLACED):
        return None
    left = list(parts[system.at + 1 : first_extra])
    tags: dict[str, str] = {}
    call_abi = system.call_abi
    if not call_abi and left and left[0] in _LIBC_PARTS:
        tags["libc"], call_abi = _LIBC_PARTS[left.pop(0)]
    if call_abi:
        tags["call_abi"] = call_abi
    if left and left[0] in _GFORTRANS:
        tags["libgfortran_version"] = _GFORTRANS[left.pop(0)]
    if left and left[0] in _CXXSTRING_ABIS:
        tags["cxxstring_abi"] = left.pop(0)
    if left and (match := _LIBSTDCXX.fullmatch(left[0])):
        left.pop(0)
        tags["libstdcxx_version"] = f"3.4.{match[1]}"
    return None if left else tags


def _given(
    arch: str, os: str, tags: dict[str, str], parts: Sequence[str], version: str
) -> GivenTags:
    # A third piece of a part is dropped, as Julia does.
    extras = dict(part.split("+")[:2] for part in parts)
    tags |= extras
    tags.pop("os_version", None)  # only the system part counts (l. 728-744)
    if version:
        version_of("os_version", version)  # Julia refuses anything else here
        tags["os_version"] = version

    def order() -> Iterable[str]:
        # l. 712-746: a table of what may be there, then what else is, the version last
        table = KeyTable(_PLACED, room=0)
        for name in (*KeyTable(extras), "os_version"):
            table.add(name)
        return (name for name in table if name in tags)

    return GivenTags(arch, os, tags, order)


def _os_version(system: _System, parts: Sequence[str]) -> str:
    """Return the digits and dots after a system's name, "" where there are none."""
    if system.name not in _VERSIONED:
        return ""
    text = "-".join(parts[1 : system.at + 1])
    match = re.match(rf".*{_PREFIXES[system.name]}([0-9.]+)", text, re.DOTALL)
    return match[1] if match else ""


def format_triplet(
    tags: Mapping[str, str], ordered: Callable[[], Iterable[str]]
) -> str:
    """Write a platform's tags as a triplet.

    Args:
        tags: The tags, normalised.
        ordered: Returns their names in the order of those that have no fixed place.
            Called only where there are several.

    Raises:
        PlatformError: A version that is part of a triplet is not valid.
    """
    parts = [tags["arch"] + _system_text(tags) + _libc_text(tags)]
    if (value := tags.get("libgfortran_version")) is not None:
        parts.append(f"libgfortran{version_of('libgfortran_version', value).major}")
    if (value := tags.get("cxxstring_abi")) is not None:
        parts.append(value)
    if (value := tags.get("libstdcxx_version")) is not None:
        parts.append(f"libstdcxx{version_of('libstdcxx_version', value).patch}")
    extras = tags.keys() - TRIPLET_TAGS
    if extras:
        names = ordered() if len(extras) > 1 else extras
        parts += (f"{tag}+{tags[tag]}" for tag in names if tag in extras)
    return "-".join(parts)


def _system_text(tags: Mapping[str, str]) -> str:
    text = {
        "linux": "-linux",
        "macos": "-apple-darwin",
        "windows": "-w64-mingw32",
        "freebsd": "-unknown-freebsd",
        "openbsd": "-unknown-openbsd",
    }.get(tags["os"], "-unknown")
    if "os_version" not in tags or tags["os"] not in {"macos", "freebsd"}:
        return text
    version = version_of("os_version", tags["os_version"])
    minor = f".{version.minor}" if tags["os"] == "freebsd" else ""
    return f"{text}{version.major}{minor}"


def _libc_text(tags: Mapping[str, str]) -> str:
    libc = tags.get("libc")
    text = "" if libc is None else "-gnu" if libc == "glibc" else f"-{libc}"
    return text + tags.get("call_abi", "")
