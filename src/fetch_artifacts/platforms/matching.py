"""Whether two platforms match, and which of several matches best.

Two platforms match when every tag that both have agrees; how it has to agree is the
tag's compare strategy. Julia: ``platforms_match`` and ``select_platform``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.platform import Platform, as_platform
from fetch_artifacts.platforms.versions import compare_default

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fetch_artifacts.platforms.versions import CompareStrategy

T = TypeVar("T")

PlatformChoice: TypeAlias = "Platform | Callable[[], Platform]"
"""A platform, or a function that finds it out once there is a choice to make."""


def first_difference(
    candidate: Platform, wanted: Platform
) -> tuple[str, str, str] | None:
    """Why a candidate does not fit: the tag, its value there and the one wanted.

    None if it fits. A tag that only one of them has makes no difference. The
    architecture and the system are compared first, then the others by name.

    Raises:
        PlatformError: Both have a strategy of their own for a tag, and not the same
            one; or a version to be compared is invalid.
    """
    wants = wanted.tags
    special = candidate.compare_strategies, wanted.compare_strategies
    for tag, value in candidate.tags.items():
        want = wants.get(tag)
        if want is None:
            continue
        if tag in special[0] or tag in special[1]:
            agree = _agree_by_strategy(tag, value, want, *special)
        else:
            agree = value == want
        if not agree:
            return tag, value, want
    return None


def _agree_by_strategy(
    tag: str,
    a: str,
    b: str,
    a_strategies: Mapping[str, CompareStrategy],
    b_strategies: Mapping[str, CompareStrategy],
) -> bool:
    a_strategy = a_strategies.get(tag, compare_default)
    b_strategy = b_strategies.get(tag, compare_default)
    strategy = a_strategy if b_strategy is compare_default else b_strategy
    if a_strategy is not strategy and a_strategy is not compare_default:
        msg = (
            f"platform tag {tag!r}: expected one compare strategy for {a!r} and {b!r}, "
            f"found {a_strategy} and {b_strategy}"
        )
        raise PlatformError(msg)
    return strategy(
        a,
        b,
        a_requested=a_strategy is strategy,
        b_requested=b_strategy is strategy,
    )


def platforms_match(a: Platform | str, b: Platform | str) -> bool:
    """Whether every tag that both platforms have agrees. Triplets are parsed.

    Raises:
        PlatformError: As `first_difference`, or a text is not a triplet.
    """
    return first_difference(as_platform(a), as_platform(b)) is None


def select_platform(
    candidates: Mapping[Platform, T], platform: Platform | str
) -> T | None:
    """The value of the candidate that fits best, None if none fits.

    Best is the one that differs from the platform by the fewest tag names, then the
    one whose triplet is the greatest text (binaryplatforms.jl:1079-1110).

    Raises:
        PlatformError: As `platforms_match`.
    """
    wanted = as_platform(platform)
    fitting = [key for key in candidates if first_difference(key, wanted) is None]
    if not fitting:
        return None
    if len(fitting) > 1:
        losses = [len(wanted.tags.keys() ^ key.tags.keys()) for key in fitting]
        least = min(losses)
        fitting = [
            key for key, loss in zip(fitting, losses, strict=True) if loss == least
        ]
    if len(fitting) > 1:
        # Several platforms may share a triplet: the order of entries must not decide.
        fitting.sort(key=lambda key: (key.triplet, tuple(key.tags.items())))
    return candidates[fitting[-1]]


# What help() prints, and what a pickle names, is where users import it from.
for _public in (first_difference, platforms_match, select_platform):
    _public.__module__ = __name__.rpartition(".")[0]
