"""Platforms are read, printed, matched and chosen as by Julia, and found alike."""

from __future__ import annotations

from random import Random

import pytest

from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.errors import JuliaThrewError, PlatformError
from fetch_artifacts.platforms import Platform, platforms_match, select_platform
from fetch_artifacts.platforms.host_facts import host_facts

REFUSED = "refused"
BASES = (
    *("x86_64-linux-gnu", "x86_64-linux-musl", "i686-linux-gnu", "i686-linux-musl"),
    *("aarch64-linux-gnu", "aarch64-linux-musl", "powerpc64le-linux-gnu"),
    *("armv7l-linux-gnueabihf", "armv7l-linux-musleabihf"),
    *("x86_64-w64-mingw32", "i686-w64-mingw32"),
)
FORTRANS = ("-libgfortran3", "-libgfortran4", "-libgfortran5")
STRINGS = ("-cxx03", "-cxx11")
SPELLINGS = (
    *("amd64-linux-gnu", "arm64-linux-gnu", "i386-linux-gnu", "i986-w64-mingw32"),
    *("x86_64-linux-gnu-gcc4", "x86_64-pc-linux-gnu", "arm-linux-gnueabihf"),
    *("x86_64-linux", "ppc64le-linux-gnu", "x86_64-linux-gnu-libstdcxx19"),
)
# 1.5 gives Darwin and FreeBSD a version of its own, and refuses nothing.
NEWER_SPELLINGS = (
    *("x86_64-apple-darwin", "arm64-apple-darwin20.1.0", "x86_64-unknown-freebsd"),
    *("amd64-portbld-freebsd12.1", "armv6l-linux-gnu", "x86_64-linux-gnu-cuda+11.4"),
    *("", "linux", "x86_64", "X86_64-linux-gnu", "x86_64-linux-gnu-libgfortran6"),
    *("x86_64-linux-gnu-cxx11-libgfortran5", "wasm32-linux-gnu", "x86_64-linux-gnu-"),
)
EXTRAS = (
    *("-libstdcxx19", "-libstdcxx26", "-cuda+11.4", "-cuda+none", "-mpi+mpich"),
    *("-julia_version+1.9.0", "-julia_version+1.10.4", "-mpi+openmpi"),
)


def _julia_triplet(julia: Julia, text: str) -> str:
    try:
        return julia.triplet(text)
    except JuliaThrewError:
        return REFUSED


def _ours_triplet(text: str) -> str:
    try:
        return Platform.parse(text).triplet
    except PlatformError:
        return REFUSED


def _julia_select(julia: Julia, want: str, have: list[str]) -> str | None:
    return julia.select_platform(want, have)


def _ours_select(want: str, have: list[str]) -> str | None:
    host = want.startswith("host:")
    platform = Platform.parse(want.removeprefix("host:"))
    candidates = {Platform.parse(each): each for each in have}
    return select_platform(candidates, platform.as_host() if host else platform)


@pytest.mark.parametrize("ending", ["", *FORTRANS, *STRINGS, FORTRANS[2] + STRINGS[1]])
def test_printing(julia: Julia, ending: str) -> None:
    for base in BASES:
        text = base + ending
        assert _julia_triplet(julia, text) == _ours_triplet(text), text


@pytest.mark.parametrize("text", SPELLINGS)
def test_other_spellings(julia: Julia, text: str) -> None:
    assert _julia_triplet(julia, text) == _ours_triplet(text), text


@pytest.mark.requires_julia("1.6")
def test_newer_spellings(julia: Julia) -> None:
    for text in NEWER_SPELLINGS:
        assert _julia_triplet(julia, text) == _ours_triplet(text), text


@pytest.mark.requires_julia("1.6")
def test_tags(julia: Julia) -> None:
    for text in EXTRAS:
        triplet = "x86_64-linux-gnu" + text
        assert julia.platform_tags(triplet) == dict(Platform.parse(triplet).tags), text


def _random_triplet(random: Random, *, extras: bool) -> str:
    triplet = random.choice(BASES[:3])  # few enough to match now and then
    triplet += random.choice(["", *FORTRANS]) + random.choice(["", *STRINGS])
    if extras:
        triplet += random.choice(["", *EXTRAS])
    return triplet


@pytest.mark.parametrize("seed", range(20))
def test_matching(julia: Julia, seed: int) -> None:
    random = Random(seed)
    a, b = (_random_triplet(random, extras=False) for _ in range(2))

    assert julia.platforms_match(a, b) == platforms_match(a, b), (a, b)


@pytest.mark.requires_julia("1.10")
def test_matching_with_any_tags(julia: Julia) -> None:
    for seed in range(50):
        random = Random(seed)
        a, b = (_random_triplet(random, extras=True) for _ in range(2))
        assert julia.platforms_match(a, b) == platforms_match(a, b), (a, b)
        host = Platform.parse(b).as_host()
        expected = julia.platforms_match(a, f"host:{b}")
        assert expected == platforms_match(a, host), (a, b)


@pytest.mark.parametrize("seed", range(20))
def test_choosing_among_entries_with_the_same_tags(julia: Julia, seed: int) -> None:
    # Before 1.10 only the text of the triplets decided among those that match.
    random = Random(seed)
    have = sorted(
        {random.choice(BASES[:3]) + random.choice(FORTRANS) for _ in range(6)}
    )
    want = _random_triplet(random, extras=False)

    assert _julia_select(julia, want, have) == _ours_select(want, have), (want, have)


@pytest.mark.requires_julia("1.10")
def test_choosing_among_any_entries(julia: Julia) -> None:
    for seed in range(50):
        random = Random(seed)
        have = sorted({_random_triplet(random, extras=True) for _ in range(8)})
        want = _random_triplet(random, extras=True)
        for each in (want, f"host:{want}"):
            assert _julia_select(julia, each, have) == _ours_select(each, have), have


def test_the_host_is_what_the_installed_julia_says_it_is(
    julia: Julia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA", julia.program())

    facts = host_facts()

    source = "the running Julia" if julia.way == "juliacall" else julia.program()
    expected = Platform.parse(julia.host_triplet()).as_host()
    assert expected == facts.platform
    assert {fact.source for fact in facts.tags} == {source}
