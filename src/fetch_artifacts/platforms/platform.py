"""A platform: the set of tags of a machine, or of what an artifact was built for.

Julia: ``Base.BinaryPlatforms.Platform``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.tags import (
    GivenTags,
    normalised_tags,
    ordered_tags,
    tags_by_keyword,
    tags_of_entry,
)
from fetch_artifacts.platforms.triplets import format_triplet, parse_triplet
from fetch_artifacts.platforms.versions import (
    compare_minor_version,
    compare_version_cap,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fetch_artifacts.platforms.versions import CompareStrategy


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
    _ordered: Callable[[], Iterable[str]] = field(compare=False)

    def __init__(
        self,
        /,
        arch: str,
        os: str,
        *,
        validate_strict: bool = False,
        compare_strategies: Mapping[str, CompareStrategy] | None = None,
        **tags: str | None,
    ) -> None:
        """Normalise the tags as Julia does.

        Args:
            arch: The architecture, such as ``x86_64``.
            os: The operating system, such as ``linux``.
            validate_strict: Whether to refuse what Julia is not built for.
            compare_strategies: How to compare tags that are not compared as text;
                ``julia_version`` has a strategy unless one is given.
            **tags: Any further tags; the values are text.

        Raises:
            PlatformError: A tag is malformed, or is not valid under `validate_strict`.
        """
        given = tags_by_keyword(arch, os, tags)
        _fill_from(self, given, compare_strategies, strict=validate_strict)

    @classmethod
    def parse(cls, triplet: str, *, validate_strict: bool = False) -> Platform:
        """Read a triplet. Julia: ``parse(Platform, triplet)``.

        Raises:
            PlatformError: Julia would not take it for a triplet.
        """
        given = parse_triplet(triplet)
        return _fill_from(cls.__new__(cls), given, strict=validate_strict)

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Platform:
        """The platform of one entry of an Artifacts.toml (Artifacts.jl:281-305).

        Every string but the tree hash is a tag.

        Raises:
            PlatformError: ``os`` or ``arch`` is missing, or a tag is malformed.
        """
        return _fill_from(cls.__new__(cls), tags_of_entry(entry))

    def to_entry(self) -> dict[str, str]:
        """The tags as keys of an entry. Julia: ``pack_platform!``."""
        return dict(self.tags)

    def __getitem__(self, tag: str) -> str:
        """The value of a tag. Julia: ``p[tag]``.

        Raises:
            KeyError: The platform has no such tag.
        """
        return self.tags[tag]

    def __contains__(self, tag: object) -> bool:
        """Whether the platform has a tag. Julia: ``haskey(p, tag)``."""
        return tag in self.tags

    @property
    def triplet(self) -> str:
        """The text form, such as ``x86_64-linux-gnu-libgfortran5-cxx11``.

        Tags without a place of their own come last, in the order of Julia's hash table,
        which is that of Julia 1.12.

        Raises:
            PlatformError: A tag that must hold a version doesn't.
        """
        return format_triplet(self.tags, self._ordered)

    def as_host(self) -> Platform:
        """This platform as a machine: versions are the highest it can run.

        Julia: ``HostPlatform(p)``.
        """
        caps = {
            tag: compare_version_cap
            for tag in ("os_version", "libstdcxx_version")
            if tag in self.tags
        }
        return self._with_strategies(caps)

    def with_compare_strategy(self, tag: str, strategy: CompareStrategy) -> Platform:
        """This platform with another strategy. Julia: ``set_compare_strategy!``.

        Raises:
            PlatformError: The platform has no such tag.
        """
        if tag not in self.tags:
            msg = f"compare strategy: expected a tag of {self}, found {tag!r}"
            raise PlatformError(msg)
        return self._with_strategies({tag: strategy})

    def _with_strategies(self, changed: Mapping[str, CompareStrategy]) -> Platform:
        strategies = {**self.compare_strategies, **changed}
        return _fill(
            Platform.__new__(Platform), dict(self.tags), strategies, self._ordered
        )

    def __hash__(self) -> int:
        return hash(
            (
                frozenset(self.tags.items()),
                frozenset(self.compare_strategies.items()),
            )
        )

    def __reduce__(self) -> tuple[object, ...]:
        # The read-only views can't be pickled.
        order = tuple(self._ordered())
        return _make, (dict(self.tags), dict(self.compare_strategies), order)

    def __str__(self) -> str:
        try:
            return self.triplet
        except PlatformError:
            return repr(self)  # an error message must be able to name any platform

    def __repr__(self) -> str:
        arch, os, *others = self.tags.items()
        rest = "".join(f", {tag}={value!r}" for tag, value in others)
        return f"Platform({arch[1]!r}, {os[1]!r}{rest})"


def _fill_from(
    platform: Platform,
    given: GivenTags,
    strategies: Mapping[str, CompareStrategy] | None = None,
    *,
    strict: bool = False,
) -> Platform:
    """Set the fields of a new platform from what it is made of, and return it."""
    tags = normalised_tags(given.arch, given.os, given.tags, strict=strict)
    strategies = dict(strategies or {})
    if "julia_version" in tags:
        strategies.setdefault("julia_version", compare_minor_version)
    return _fill(platform, tags, strategies, lambda: ordered_tags(given, tags))


def _fill(
    platform: Platform,
    tags: Mapping[str, str],
    strategies: Mapping[str, CompareStrategy],
    ordered: Callable[[], Iterable[str]],
) -> Platform:
    """Set the fields of a new platform, and return it."""
    object.__setattr__(platform, "tags", MappingProxyType(tags))
    object.__setattr__(platform, "compare_strategies", MappingProxyType(strategies))
    object.__setattr__(platform, "_ordered", ordered)
    return platform


def _make(
    tags: dict[str, str],
    strategies: dict[str, CompareStrategy],
    order: tuple[str, ...] = (),
) -> Platform:
    """Make a platform of its parts; pickles name this function.

    Args:
        tags: Its tags.
        strategies: Its compare strategies.
        order: Its tags in the order of Julia's table; old pickles lack it.
    """
    names = order or tuple(tags)
    return _fill(Platform.__new__(Platform), tags, strategies, lambda: names)


def as_platform(platform: Platform | str) -> Platform:
    """A platform as it is, or the one that a triplet names.

    Raises:
        PlatformError: It is not a triplet.
    """
    if isinstance(platform, str):
        return Platform.parse(platform)
    if isinstance(platform, Platform):
        return platform
    msg = f"platform: expected a Platform or a triplet, found {platform!r}"  # type: ignore[unreachable]
    raise PlatformError(msg)


# What help() prints, and what a pickle names, is where users import it from.
for _public in (Platform, as_platform, _make):
    _public.__module__ = __name__.rpartition(".")[0]
