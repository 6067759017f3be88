"""Which of several entries fits a machine: Julia's ``Base.BinaryPlatforms``.

A platform is a set of tags. Two platforms match when every tag that both have agrees;
how it has to agree is the tag's compare strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.compare_strategies import (
    CompareStrategy,
    compare_default,
    compare_minor_version,
    compare_version_cap,
)
from fetch_artifacts.platforms.tags import normalised_tags
from fetch_artifacts.platforms.triplets import format_triplet, parse_triplet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = (
    "CompareStrategy",
    "Platform",
    "as_platform",
    "compare_default",
    "compare_minor_version",
    "compare_version_cap",
    "first_difference",
    "host_platform",
    "platforms_match",
    "select_platform",
)

T = TypeVar("T")

# Artifacts.jl:292-303: the strings of an entry that are no tags
_NOT_TAGS: Final = frozenset({"os", "arch", "git-tree-sha1"})


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Platform:
    """A machine, or what an artifact was built for, as a set of tags.

    Tags and values are lower case and normalised as Julia's; ``libc`` and ``call_abi``
    have defaults on Linux. A tag given as None is left out.

    Two platforms are equal when their tags and compare strategies are; to ask whether
    one fits the other, use `platforms_match`.

    Attributes:
        tags: Every tag with its value, ``arch`` and ``os`` first.
        compare_strategies: The tags that are not compared as text.
    """

    tags: Mapping[str, str]
    compare_strategies: Mapping[str, CompareStrategy]

    def __init__(
        self,
        /,
        arch: str,
        os: str,
        *,
        validate_strict: bool = False,
        **tags: str | None,
    ) -> None:
        """Normalise the tags as Julia does.

        Args:
            arch: The architecture, such as ``x86_64``.
            os: The operating system, such as ``linux``.
            validate_strict: Whether to refuse what Julia is not built for.
            **tags: Any further tags.

        Raises:
            PlatformError: A tag can't be one, or is not valid under `validate_strict`.
        """
        _fill(self, normalised_tags(arch, os, tags, strict=validate_strict))

    @classmethod
    def parse(cls, triplet: str, *, validate_strict: bool = False) -> Platform:
        """Read a triplet. Julia: ``parse(Platform, triplet)``.

        Raises:
            PlatformError: Julia would not take it for a triplet.
        """
        tags = normalised_tags(*parse_triplet(triplet), strict=validate_strict)
        return _fill(cls.__new__(cls), tags)

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Platform:
        """The platform of one entry of an Artifacts.toml (Artifacts.jl:281-305).

        Every string but the tree hash is a tag.

        Raises:
            PlatformError: ``os`` or ``arch`` is missing, or a tag can't be one.
        """
        for key in ("os", "arch"):
            if not isinstance(entry.get(key), str):
                found = repr(entry[key]) if key in entry else "nothing"
                msg = f"platform entry: expected a string as {key!r}, found {found}"
                raise PlatformError(msg)
        strings = {
            key: value
            for key, value in entry.items()
            if isinstance(value, str) and key not in _NOT_TAGS
        }
        tags = normalised_tags(entry["arch"], entry["os"], strings)
        return _fill(cls.__new__(cls), tags)

    def to_entry(self) -> dict[str, str]:
        """The tags as keys of an entry. Julia: ``pack_platform!``."""
        return dict(self.tags)

    @property
    def triplet(self) -> str:
        """The text form, such as ``x86_64-linux-gnu-libgfortran5-cxx11``.

        Tags without a place of their own come last, sorted.

        Raises:
            PlatformError: A tag that must hold a version doesn't.
        """
        return format_triplet(self.tags)

    def as_host(self) -> Platform:
        """This platform as a machine: versions are the highest it can run.

        Julia: ``HostPlatform(p)``.
        """
        caps = {
            tag: compare_version_cap
            for tag in ("os_version", "libstdcxx_version")
            if tag in self.tags
        }
        return _make(dict(self.tags), {**self.compare_strategies, **caps})

    def with_compare_strategy(self, tag: str, strategy: CompareStrategy) -> Platform:
        """This platform with another strategy. Julia: ``set_compare_strategy!``.

        Raises:
            PlatformError: The platform has no such tag.
        """
        if tag not in self.tags:
            msg = f"compare strategy: expected a tag of {self}, found {tag!r}"
            raise PlatformError(msg)
        return _make(dict(self.tags), {**self.compare_strategies, tag: strategy})

    def __hash__(self) -> int:
        return hash(
            (
                frozenset(self.tags.items()),
                frozenset(self.compare_strategies.items()),
            )
        )

    def __reduce__(self) -> tuple[object, ...]:
        # The read-only views can't be pickled.
        return _make, (dict(self.tags), dict(self.compare_strategies))

    def __str__(self) -> str:
        try:
            return self.triplet
        except PlatformError:
            return repr(self)  # an error message must be able to name any platform

    def __repr__(self) -> str:
        arch, os, *others = self.tags.items()
        rest = "".join(f", {tag}={value!r}" for tag, value in others)
        return f"Platform({arch[1]!r}, {os[1]!r}{rest})"


def _fill(
    platform: Platform,
    tags: Mapping[str, str],
    strategies: Mapping[str, CompareStrategy] | None = None,
) -> Platform:
    """Set the fields of a new platform, and give it back."""
    if strategies is None:
        compared = {"julia_version": compare_minor_version}
        strategies = compared if "julia_version" in tags else {}
    object.__setattr__(platform, "tags", MappingProxyType(tags))
    object.__setattr__(platform, "compare_strategies", MappingProxyType(strategies))
    return platform


def _make(tags: dict[str, str], strategies: dict[str, CompareStrategy]) -> Platform:
    return _fill(Platform.__new__(Platform), tags, strategies)


if TYPE_CHECKING:
    PlatformChoice: TypeAlias = Platform | Callable[[], Platform]


def as_platform(platform: Platform | str) -> Platform:
    """A platform as it is, or the one that a triplet names.

    Raises:
        PlatformError: It is no triplet.
    """
    return Platform.parse(platform) if isinstance(platform, str) else platform


def first_difference(
    candidate: Platform, wanted: Platform
) -> tuple[str, str, str] | None:
    """Why a candidate does not fit: the tag, its value there and the one wanted.

    None if it fits. A tag that only one of them has makes no difference. The
    architecture and the system are compared first, then the others by name.

    Raises:
        PlatformError: Both have a strategy of their own for a tag, and not the same
            one; or a version to be compared is none.
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
        PlatformError: As `first_difference`, or a text is no triplet.
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


def host_platform(base: Platform | str | None = None) -> Platform:
    """This machine's platform, or `base` taken for the machine's.

    Julia: ``HostPlatform()`` and ``HostPlatform(base)``; see
    `fetch_artifacts.platforms.host_facts`.

    Raises:
        PlatformError: `base` is no triplet.
        SettingsError: A setting that names the platform is wrong.
    """
    from fetch_artifacts.platforms.host_facts import host_platform as by_host

    return by_host(base)
