"""How the values of a platform tag are compared (binaryplatforms.jl:281-338)."""

from __future__ import annotations

from typing import Protocol

from fetch_artifacts.platforms.versions import version_of


class CompareStrategy(Protocol):
    """How the values of one tag are compared."""

    def __call__(
        self, a: str, b: str, /, *, a_requested: bool, b_requested: bool
    ) -> bool:
        """Whether the values agree, and whose platform asked for this strategy."""


def compare_default(
    a: str,
    b: str,
    /,
    *,
    a_requested: bool,  # noqa: ARG001 - strategies share one signature
    b_requested: bool,  # noqa: ARG001
) -> bool:
    """Whether the values are the same text; any other strategy goes before this."""
    return a == b


def compare_version_cap(
    a: str, b: str, /, *, a_requested: bool, b_requested: bool
) -> bool:
    """Whether a version is not above the one of the platform that asked.

    Where both asked they must be equal (binaryplatforms.jl:305-319).

    Raises:
        PlatformError: A value is no version.
    """
    first, second = version_of("version", a), version_of("version", b)
    if a_requested and b_requested:
        return first == second
    return second <= first if a_requested else first <= second


def compare_minor_version(
    a: str,
    b: str,
    /,
    *,
    a_requested: bool,  # noqa: ARG001
    b_requested: bool,  # noqa: ARG001
) -> bool:
    """Whether two versions have the same major and minor numbers.

    It is how ``julia_version`` is compared (binaryplatforms.jl:88-94).

    Raises:
        PlatformError: A value is no version.
    """
    return version_of("julia_version", a)[:2] == version_of("julia_version", b)[:2]
