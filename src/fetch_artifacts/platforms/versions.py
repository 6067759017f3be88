"""The versions that a platform tag can hold, and how the values of a tag compare.

Julia: ``VersionNumber`` (version.jl) and the compare strategies of
``Base.BinaryPlatforms`` (binaryplatforms.jl:281-338).
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from fetch_artifacts.errors import PlatformError

# version.jl:111-120, less what needs a "-" or a "+": no tag value may contain those.
_VERSION: Final = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([a-z][0-9a-z]*(?:\.[0-9a-z]+)*)?$",
    re.IGNORECASE | re.ASCII,
)
_SHOWN: Final = 80  # characters of a version in a message

Identifier = tuple[bool, int, str]
"""One part of a pre-release: text or not, then its number or its text."""


class VersionNumber(NamedTuple):
    """A version that sorts as Julia's does: a pre-release before its release.

    Attributes:
        final: Whether this is a release, not a pre-release.
        prerelease: The parts of a pre-release; numbers sort before text.
    """

    major: int
    minor: int
    patch: int
    final: bool
    prerelease: tuple[Identifier, ...]

    def __str__(self) -> str:
        release = f"{self.major}.{self.minor}.{self.patch}"
        parts = (text or str(number) for _, number, text in self.prerelease)
        return release if self.final else f"{release}-{'.'.join(parts)}"


@lru_cache(maxsize=256)  # an Artifacts.toml repeats a few versions many times
def parse_version(text: str) -> VersionNumber | None:
    """Read a version as Julia's ``tryparse(VersionNumber, text)``; None if it is none.

    One to three numbers; those left out are 0.

    Raises:
        PlatformError: A number has more than 32 bits, which Julia doesn't hold.
    """
    match = _VERSION.match(text)
    if match is None:
        return None
    prerelease = match[4]
    first, second, third = (
        _number(part or "0", 32, text) for part in match.groups()[:3]
    )
    named = prerelease.split(".") if prerelease else ()
    parts = tuple(
        (False, _number(part, 64, text), "") if part.isdigit() else (True, 0, part)
        for part in named
    )
    return VersionNumber(first, second, third, not parts, parts)


def _number(digits: str, bits: int, version: str) -> int:
    """Read a part of a version; Julia holds them in so many bits (version.jl:7, 80).

    Raises:
        PlatformError: It has more.
    """
    digits = digits.lstrip("0") or "0"
    number = int(digits) if len(digits) <= bits else 1 << bits
    if number >> bits:
        shown = version if len(version) <= _SHOWN else f"{version[:_SHOWN]}..."
        msg = f"version {shown!r}: expected numbers of at most {bits} bits"
        raise PlatformError(msg)
    return number


@lru_cache(maxsize=256)
def canonical_version(text: str) -> str:
    """A version with all its parts, ``5.0.0`` for ``5``; other text as it is.

    Raises:
        PlatformError: A number has more than 32 bits.
    """
    return str(parse_version(text) or text)


def version_of(tag: str, value: str) -> VersionNumber:
    """Read the version that a tag must hold to be compared or printed.

    Raises:
        PlatformError: The value is not a version.
    """
    version = parse_version(value)
    if version is None:
        msg = f"tag {tag!r}: expected a version such as 1.2.3, found {value!r}"
        raise PlatformError(msg)
    return version


class CompareStrategy(Protocol):
    """How the values of one tag are compared."""

    def __call__(
        self, a: str, b: str, /, *, a_requested: bool, b_requested: bool
    ) -> bool:
        """Whether the values agree, and whose platform asked for this strategy."""


def compare_default(a: str, b: str, /, **_requested: bool) -> bool:
    """Whether the values are the same text; any other strategy goes before this."""
    return a == b


def compare_version_cap(
    a: str, b: str, /, *, a_requested: bool, b_requested: bool
) -> bool:
    """Whether a version is not above the one of the platform that asked.

    Where both asked they must be equal (binaryplatforms.jl:305-319).

    Raises:
        PlatformError: A value is not a version.
    """
    first, second = version_of("version", a), version_of("version", b)
    if a_requested and b_requested:
        return first == second
    return second <= first if a_requested else first <= second


def compare_minor_version(a: str, b: str, /, **_requested: bool) -> bool:
    """Whether two versions have the same major and minor numbers.

    It is how ``julia_version`` is compared (binaryplatforms.jl:88-94).

    Raises:
        PlatformError: A value is not a version.
    """
    return version_of("julia_version", a)[:2] == version_of("julia_version", b)[:2]


# What help() prints, and what a pickle names, is where users import it from.
for _public in (
    CompareStrategy,
    compare_default,
    compare_minor_version,
    compare_version_cap,
):
    _public.__module__ = __name__.rpartition(".")[0]
# Hosts that were pickled before this was a package name their strategies by this path.
sys.modules["fetch_artifacts.compare_strategies"] = sys.modules[__name__]
