"""What holds for any platform."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from fetch_artifacts.platforms import Platform, platforms_match, select_platform

ARCHES = ["x86_64", "i686", "aarch64", "armv7l", "armv6l", "powerpc64le", "riscv64"]
SYSTEMS = ["linux", "macos", "windows", "freebsd", "openbsd"]
VALUES = st.text(string.ascii_lowercase + string.digits + "._é", min_size=1, max_size=5)


def optional(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | values


@st.composite
def platforms(draw: st.DrawFn, *, few: bool = False) -> Platform:
    """A platform with a triplet of its own; `few` draws from few, so that they meet."""
    os = draw(st.sampled_from(SYSTEMS[:1] if few else SYSTEMS))
    patch = st.integers(20, 22 if few else 40)
    tags: dict[str, str | None] = {
        "arch": draw(st.sampled_from(ARCHES[:2] if few else ARCHES)),
        "os": os,
        "libgfortran_version": draw(optional(st.sampled_from(["3", "4", "5"]))),
        "libstdcxx_version": draw(optional(patch.map("3.4.{}".format))),
        "cxxstring_abi": draw(optional(st.sampled_from(["cxx03", "cxx11"]))),
        "julia_version": draw(optional(st.sampled_from(["1.6.0", "1.6.7", "1.9.1"]))),
        "cuda": draw(optional(st.sampled_from(["11", "12.1", "none"]))),
    }
    if os == "linux":
        tags["libc"] = draw(optional(st.sampled_from(["glibc", "musl"])))
    if os == "macos":
        tags["os_version"] = draw(optional(st.integers(14, 25).map(str)))
    if os == "freebsd":
        tags["os_version"] = draw(optional(st.sampled_from(["12.1", "13.2"])))
    if not few:
        tags[draw(VALUES.map("x_{}".format))] = draw(optional(VALUES))
    return Platform.from_entry({tag: tags[tag] for tag in tags if tags[tag]})


@given(platforms())
def test_parsing_a_printed_platform_gives_it_back(platform: Platform) -> None:
    assert platform == Platform.parse(platform.triplet)


@given(platforms())
def test_an_entry_made_of_a_platform_gives_it_back(platform: Platform) -> None:
    entry = {**platform.to_entry(), "git-tree-sha1": "0" * 40, "lazy": True}
    assert platform == Platform.from_entry(entry)


@given(platforms(few=True), platforms(few=True))
def test_plain_platforms_match_both_ways_or_neither(a: Platform, b: Platform) -> None:
    assert platforms_match(a, b) == platforms_match(b, a)


@given(platforms())
def test_a_platform_matches_itself_and_its_host(platform: Platform) -> None:
    assert platforms_match(platform, platform)
    assert platforms_match(platform, platform.as_host())


@given(st.data())
def test_selecting_ignores_the_order_of_entries(data: st.DataObject) -> None:
    entries = data.draw(st.lists(platforms(few=True), max_size=8, unique=True))
    shuffled = data.draw(st.permutations(entries))
    want = data.draw(platforms(few=True)).as_host()
    expected = select_platform({entry: entry for entry in entries}, want)
    assert expected == select_platform({entry: entry for entry in shuffled}, want)


@given(st.lists(platforms(few=True), max_size=8, unique=True), platforms(few=True))
def test_the_selected_entry_fits_and_something_fits_or_nothing_is_selected(
    entries: list[Platform], want: Platform
) -> None:
    selected = select_platform({entry: entry for entry in entries}, want)
    fitting = [entry for entry in entries if platforms_match(entry, want)]
    assert bool(fitting) == (selected is not None)
    assert selected is None or selected in fitting
