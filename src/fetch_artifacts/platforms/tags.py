"""The tags of a platform: which there are, how Julia normalises and validates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.julia_dict import KeyTable
from fetch_artifacts.platforms.versions import canonical_version, parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Names that `uname -m` may print, and those that Julia uses (cpuid.jl:81-97)
_ARCH_ALIASES: Final = {
    "amd64": "x86_64",
    "i386": "i686",
    "i486": "i686",
    "i586": "i686",
    "armv6": "armv6l",
    "arm": "armv7l",
    "armv7": "armv7l",
    "armv8": "armv7l",
    "armv8l": "armv7l",
    "arm64": "aarch64",
    "ppc64le": "powerpc64le",
}
# What Julia 1.12 is built for (binaryplatforms.jl:194-256)
_ARCHES: Final = frozenset(
    {"x86_64", "i686", "armv7l", "armv6l", "aarch64", "powerpc64le", "riscv64"}
)
_SYSTEMS: Final = frozenset({"linux", "macos", "freebsd", "openbsd", "windows"})
_ARCHES_OF: Final = {
    "windows": frozenset({"x86_64", "i686", "armv7l", "aarch64"}),
    "macos": frozenset({"x86_64", "aarch64"}),
}
_ARM: Final = frozenset({"armv7l", "armv6l"})
_LIBCS: Final = frozenset({"glibc", "musl"})
_CALL_ABIS: Final = frozenset({"eabihf", "eabi"})
_CXXSTRING_ABIS: Final = frozenset({"cxx03", "cxx11"})

REQUIRED_TAGS: Final = ("os", "arch")
"""The tags that every platform has, in the order in which Artifacts.jl reads them."""

TRIPLET_TAGS: Final = frozenset(
    {*REQUIRED_TAGS, "os_version", "libc", "call_abi"}
    | {"libgfortran_version", "libstdcxx_version", "cxxstring_abi"}
)
"""The tags with a place of their own in a triplet (binaryplatforms.jl:514-562)."""

KNOWN_TAGS: Final = TRIPLET_TAGS | {
    *("julia_version", "llvm_version", "sanitize", "march", "debug"),
    *("cuda", "cuda_platform", "mpi"),
}
"""Julia's own tags, and those that public JLL packages use."""

_TREE_HASH: Final = "git-tree-sha1"  # the only string of an entry that is not a tag
_VERSION_TAGS: Final = frozenset(
    {"libgfortran_version", "libstdcxx_version", "os_version"}
)
_FORBIDDEN: Final = frozenset("+- /<>:\"'\\|?*")  # binaryplatforms.jl:129


class GivenTags(NamedTuple):
    """What a platform is made of; nothing is normalised yet.

    Attributes:
        arch: The architecture.
        os: The operating system.
        tags: All other tags.
        order: Returns their names in the order in which Julia's constructor of
            ``Platform`` comes upon them. It costs more than the rest, and only some
            triplets depend on it.
    """

    arch: str
    os: str
    tags: Mapping[str, str | None]
    order: Callable[[], Iterable[str]]


def tags_by_keyword(arch: str, os: str, tags: Mapping[str, str | None]) -> GivenTags:
    """What ``Platform(arch, os; tags...)`` is made of (binaryplatforms.jl:127-135)."""
    names = tuple(tags)
    return GivenTags(arch, os, tags, lambda: KeyTable(names))


def tags_of_entry(entry: Mapping[str, Any]) -> GivenTags:
    """Return the tags of an entry of an Artifacts.toml.

    Every string but the tree hash is a tag (Artifacts.jl:292-303); nothing is
    normalised.

    Raises:
        PlatformError: ``os`` or ``arch`` is missing or not a string.
    """
    for key in REQUIRED_TAGS:
        if not isinstance(entry.get(key), str):
            found = repr(entry[key]) if key in entry else "nothing"
            msg = f"platform entry: expected a string as {key!r}, found {found}"
            raise PlatformError(msg)
    others = {
        key: value
        for key, value in entry.items()
        if isinstance(value, str) and key != _TREE_HASH and key not in REQUIRED_TAGS
    }
    keys = tuple(entry)

    def order() -> Iterable[str]:
        strings = {*others, *REQUIRED_TAGS, _TREE_HASH}
        found = (key for key in KeyTable(keys, room=0) if key in strings)
        table = KeyTable(found, room=0)
        for name in (*REQUIRED_TAGS, _TREE_HASH):
            table.remove(name)
        return table

    return GivenTags(entry["arch"], entry["os"], others, order)


def ordered_tags(given: GivenTags, tags: Mapping[str, str]) -> Iterable[str]:
    """Return the names of a platform's tags in the order of Julia's table of them.

    Args:
        given: What the platform was made of.
        tags: Its tags, normalised.
    """
    table = KeyTable(("arch", "os"))
    for name in given.order():
        if given.tags[name] is not None:
            table.add(_lower(name))
    for name in ("libc", "call_abi"):  # those that it got by default
        if name in tags:
            table.add(name)
    return table


def normalised_tags(
    arch: str, os: str, tags: Mapping[str, str | None], *, strict: bool = False
) -> dict[str, str]:
    """All tags of a platform, ``arch`` and ``os`` first, then the others by name.

    Julia: the constructor of ``Platform`` (binaryplatforms.jl:47-97).

    Raises:
        PlatformError: A tag or a value is malformed; if `strict`, also where Julia is
            not built for such a platform.
    """
    others: dict[str, str] = {}
    for name, value in tags.items():
        tag = _lower(name)
        if tag in {"arch", "os"}:
            msg = f"platform tags: expected {tag!r} once, found it again as {name!r}"
            raise PlatformError(msg)
        if value is not None:
            text = _lower(_text_of(name, value))
            others[tag] = canonical_version(text) if tag in _VERSION_TAGS else text
    if not _FORBIDDEN.isdisjoint("".join((*others, *others.values()))):
        raise _forbidden_character(others)
    os, arch = _lower(_text_of("os", os)), _lower(_text_of("arch", arch))
    arch = _ARCH_ALIASES.get(arch, arch)
    if os == "linux":
        others.setdefault("libc", "glibc")
        if arch in _ARM:
            others.setdefault("call_abi", "eabihf")
    normalised = {"arch": arch, "os": os, **dict(sorted(others.items()))}
    if strict:
        _check_strictly(normalised)
    return normalised


def _text_of(tag: str, value: object) -> str:
    if isinstance(value, str):
        return value
    number = isinstance(value, int | float)
    instead = f"write {str(value)!r}" if number else "give text"
    msg = (
        f"platform tag {tag!r}: expected text, found {value!r} of type "
        f"{type(value).__name__}; {instead}"
    )
    raise PlatformError(msg)


def _forbidden_character(tags: Mapping[str, str]) -> PlatformError:
    odd, tag, value = next(
        (char, tag, value)
        for tag, value in tags.items()
        for char in tag + value
        if char in _FORBIDDEN
    )
    return PlatformError(
        f"platform tag {tag!r} = {value!r}: expected no spaces, no quotes and none of "
        f"+ - / \\ < > : | ? *, found {odd!r}"
    )


def _lower(text: str) -> str:
    """Julia's lowercase: one character for one, whatever stands around it."""
    if text.isascii():
        return text.lower()
    return "".join(char.lower()[0] for char in text)


def _check_strictly(tags: Mapping[str, str]) -> None:
    faults = [
        f"{tag} = {tags[tag]!r}" if tag in tags else f"no {tag}"
        for tag in _invalid_tags(tags)
    ]
    if faults:
        msg = (
            f"platform {dict(tags)}: expected a platform that Julia supports, found "
            + ", ".join(faults)
        )
        raise PlatformError(msg)


def _invalid_tags(tags: Mapping[str, str]) -> Iterator[str]:
    arch, os = tags["arch"], tags["os"]
    if arch not in _ARCHES_OF.get(os, _ARCHES):
        yield "arch"
    if os not in _SYSTEMS:
        yield "os"
    if not _is_one_of(tags.get("libc"), _LIBCS if os == "linux" else None):
        yield "libc"
    on_arm = os == "linux" and arch in _ARM
    if not _is_one_of(tags.get("call_abi"), _CALL_ABIS if on_arm else None):
        yield "call_abi"
    for tag in ("libgfortran_version", "libstdcxx_version"):
        if tag in tags and parse_version(tags[tag]) is None:
            yield tag
    if tags.get("cxxstring_abi", "cxx11") not in _CXXSTRING_ABIS:
        yield "cxxstring_abi"


def _is_one_of(value: str | None, allowed: frozenset[str] | None) -> bool:
    """Whether a value is allowed; where nothing is, there must be none."""
    return value is None if allowed is None else value in allowed
