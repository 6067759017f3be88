"""Triplets such as ``x86_64-linux-gnu-libgfortran5``: the text form of a platform.

Julia: ``triplet(p)`` and ``parse(Platform, text)`` (binaryplatforms.jl:514-783).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.julia_dict import KeyTable
from fetch_artifacts.platforms.tags import TRIPLET_TAGS, GivenTags
from fetch_artifacts.platforms.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
_SYSTEMS: Final = {
    "macos": r"-apple-darwin[\d.]*",
    "freebsd": r"-(?:.*-)?freebsd[\d.]*",
    "openbsd": r"-(?:.*-)?openbsd[\d.]*",
    "windows": r"-w64-mingw32",
    "linux": r"-(?:.*-)?linux",
}
_LIBCS: Final = {"gnu": "glibc", "musl": "musl"}
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
    *("libc", "call_abi", "libgfortran_version", "libstdcxx_version", "cxxstring_abi"),
)
_VERSIONED: Final = {"macos": "darwin", "freebsd": "freebsd", "openbsd": "openbsd"}


@cache
def _grammar() -> re.Pattern[str]:
    """Compiled on first use; binaryplatforms.jl:665-683."""
    systems = "|".join(f"(?P<{name}>{text})" for name, text in _SYSTEMS.items())
    return re.compile(
        rf"(?P<arch>{'|'.join(_ARCHES)}|i\d86)"
        rf"(?P<system>{systems})"
        rf"(?:-(?P<libc>{'|'.join(_LIBCS)}))?"
        r"(?P<call_abi>eabihf|eabi)?"
        rf"(?:-(?P<gfortran>{'|'.join(_GFORTRANS)}))?"
        r"(?:-(?P<cxx>cxx03|cxx11))?"
        r"(?:-libstdcxx(?P<stdcxx>[0-9]+))?"
        r"(?P<tags>(?:-[^-]+\+[^-]+)*)$"
    )


def parse_triplet(text: str) -> GivenTags:
    """Split a triplet into its tags, which are not normalised.

    Raises:
        PlatformError: Julia would not take it for a triplet.
    """
    match = _grammar().match(text)
    if match is None:
        msg = (
            f"platform {text!r}: expected a triplet such as "
            "x86_64-linux-gnu-libgfortran5-cxx11, of an architecture and a system "
            "that Julia knows and with its parts in this order"
        )
        raise PlatformError(msg)
    found = match.groupdict()
    tags: dict[str, str] = {}
    if libc := found["libc"]:
        tags["libc"] = _LIBCS[libc]
    if call_abi := found["call_abi"]:
        tags["call_abi"] = call_abi
    if gfortran := found["gfortran"]:
        tags["libgfortran_version"] = _GFORTRANS[gfortran]
    if cxx := found["cxx"]:
        tags["cxxstring_abi"] = cxx
    if stdcxx := found["stdcxx"]:
        tags["libstdcxx_version"] = f"3.4.{stdcxx}"
    extras: dict[str, str] = {}
    for part in found["tags"].split("-")[1:]:
        tag, value, *_ = part.split("+")  # a third piece is dropped, as Julia does
        extras[tag] = value
    tags |= extras
    tags.pop("os_version", None)  # only the system part counts (l. 728-744)
    os = next(name for name in _SYSTEMS if found[name] is not None)
    if version := _os_version(os, found["system"]):
        version_of("os_version", version)  # Julia refuses anything else here
        tags["os_version"] = version

    def order() -> Iterable[str]:
        # l. 712-746: a table of what may be there, then what else is, the version last
        table = KeyTable(_PLACED, room=0)
        for name in (*KeyTable(extras), "os_version"):
            table.add(name)
        return (name for name in table if name in tags)

    return GivenTags(_ARCHES.get(found["arch"], "i686"), os, tags, order)


def _os_version(os: str, system: str) -> str:
    """The digits and dots after darwin, freebsd or openbsd, "" where there are none."""
    if os not in _VERSIONED:
        return ""
    match = re.match(rf".*{_VERSIONED[os]}([0-9.]+)", system, re.DOTALL)
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
        PlatformError: A version that is part of a triplet is none.
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
