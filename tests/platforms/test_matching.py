from __future__ import annotations

from typing import Any

import pytest
import tomli

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
    compare_default,
    compare_minor_version,
    compare_version_cap,
    first_difference,
    platforms_match,
    select_platform,
)
from support.fixtures import FIXTURES, Case, load_vectors

JLLS = sorted((FIXTURES / "jll").glob("*.toml"))


def by(key: str) -> Any:
    return lambda case: case[key] if isinstance(case, dict) and key in case else ""


@pytest.mark.parametrize(("case", "answer"), load_vectors("match"), ids=by("a"))
def test_two_platforms_match_where_they_do_in_julia(case: Case, answer: Case) -> None:
    if not answer["ok"]:
        with pytest.raises(PlatformError):
            platforms_match(case["a"], case["b"])
        return
    a, b = Platform.parse(case["a"]), Platform.parse(case["b"])
    ours = {
        "plain": platforms_match(a, b),
        "host": platforms_match(a, b.as_host()),
        "equal": a == b,
    }
    assert {key: answer[key] for key in ours} == ours


@pytest.mark.parametrize(("case", "answer"), load_vectors("select"), ids=by("want"))
def test_the_platform_that_julia_selects_is_selected(case: Case, answer: Case) -> None:
    have = {Platform.parse(triplet): triplet for triplet in case["have"]}
    want = Platform.parse(case["want"])
    assert answer["plain"] == (select_platform(have, want) or "")
    assert answer["host"] == (select_platform(have, want.as_host()) or "")


def test_there_are_entries_of_at_least_20_real_packages() -> None:
    assert len(JLLS) >= 20


@pytest.mark.parametrize("path", JLLS, ids=lambda path: path.stem)
def test_julias_choice_of_a_real_packages_entries_is_ours(path: Any) -> None:
    package = tomli.loads(path.read_text("utf-8"))
    entries = {
        Platform.from_entry(entry): entry["git-tree-sha1"]
        for entry in package["entries"]
    }
    assert len(package["selected"]) >= 12
    assert package["selected"] == {
        triplet: select_platform(entries, Platform.parse(triplet).as_host()) or ""
        for triplet in package["selected"]
    }


class TestMatching:
    def test_triplets_are_taken_for_platforms(self) -> None:
        assert platforms_match("x86_64-linux", Platform("amd64", "linux"))
        assert not platforms_match("x86_64-linux-gnu", "x86_64-linux-musl")

    @pytest.mark.parametrize(
        ("version", "fits"), [("3.4.25", True), ("3.4.26", True), ("3.4.27", False)]
    )
    def test_a_hosts_libstdcxx_is_the_newest_it_can_run(
        self, version: str, *, fits: bool
    ) -> None:
        host = Platform("x86_64", "linux", libstdcxx_version="3.4.26").as_host()
        artifact = Platform("x86_64", "linux", libstdcxx_version=version)
        assert fits == platforms_match(artifact, host)
        assert fits == platforms_match(host, artifact)

    def test_versions_of_two_artifacts_or_two_hosts_must_be_equal(self) -> None:
        old = Platform("x86_64", "linux", libstdcxx_version="3.4.25")
        new = Platform("x86_64", "linux", libstdcxx_version="3.4.26")
        assert not platforms_match(old, new)
        assert not platforms_match(old.as_host(), new.as_host())
        assert platforms_match(new.as_host(), new.as_host())

    def test_a_host_runs_what_was_built_for_an_older_macos(self) -> None:
        host = Platform.parse("x86_64-apple-darwin20").as_host()
        assert platforms_match("x86_64-apple-darwin18", host)
        assert not platforms_match("x86_64-apple-darwin21", host)

    @pytest.mark.parametrize(
        ("version", "fits"), [("1.6.5", True), ("1.7.0", False), ("2.6.0", False)]
    )
    def test_julia_versions_agree_in_major_and_minor(
        self, version: str, *, fits: bool
    ) -> None:
        ours = Platform("x86_64", "linux", julia_version="1.6.0")
        theirs = Platform("x86_64", "linux", julia_version=version)
        assert fits == platforms_match(ours, theirs)

    def test_a_julia_version_that_is_none_can_not_be_compared(self) -> None:
        odd = Platform("x86_64", "linux", julia_version="nightly")
        with pytest.raises(PlatformError, match="nightly"):
            platforms_match(odd, "x86_64-linux-gnu-julia_version+1.9.0")
        assert not platforms_match(odd, "aarch64-linux-gnu-julia_version+1.9.0")


class TestCompareStrategies:
    def test_a_tag_can_be_compared_as_its_platform_wants(self) -> None:
        host = Platform("x86_64", "linux", cuda="12.2").with_compare_strategy(
            "cuda", compare_version_cap
        )
        assert platforms_match("x86_64-linux-gnu-cuda+11.8", host)
        assert not platforms_match("x86_64-linux-gnu-cuda+12.4", host)

    def test_a_strategy_is_told_who_asked_for_it(self) -> None:
        asked = []

        def strategy(
            a: str, b: str, /, *, a_requested: bool, b_requested: bool
        ) -> bool:
            asked.append((a, b, a_requested, b_requested))
            return True

        plain = Platform("x86_64", "linux", mpi="a")
        special = Platform("x86_64", "linux", mpi="b").with_compare_strategy(
            "mpi", strategy
        )
        assert platforms_match(plain, special)
        assert platforms_match(special, plain)
        assert platforms_match(special, special)
        assert asked == [
            ("a", "b", False, True),
            ("b", "a", True, False),
            ("b", "b", True, True),
        ]

    def test_two_different_strategies_for_a_tag_are_an_error(self) -> None:
        platform = Platform("x86_64", "linux", cuda="11")
        cap = platform.with_compare_strategy("cuda", compare_version_cap)
        minor = platform.with_compare_strategy("cuda", compare_minor_version)
        with pytest.raises(PlatformError, match="cuda"):
            platforms_match(cap, minor)

    def test_the_default_strategy_gives_way_to_any_other(self) -> None:
        platform = Platform("x86_64", "linux", cuda="11")
        default = platform.with_compare_strategy("cuda", compare_default)
        cap = Platform("x86_64", "linux", cuda="12").with_compare_strategy(
            "cuda", compare_version_cap
        )
        assert platforms_match(default, cap)
        assert platforms_match(default, platform)
        assert default != platform  # binaryplatforms.jl:166-169

    def test_a_strategy_needs_its_tag(self) -> None:
        with pytest.raises(PlatformError, match="cuda"):
            Platform("x86_64", "linux").with_compare_strategy("cuda", compare_default)


class TestDifference:
    @pytest.mark.parametrize(
        ("candidate", "difference"),
        [
            ("x86_64-linux-gnu-cuda+11", None),
            ("aarch64-w64-mingw32", ("arch", "aarch64", "x86_64")),
            ("x86_64-w64-mingw32", ("os", "windows", "linux")),
            ("x86_64-linux-musl", ("libc", "musl", "glibc")),
            (
                "x86_64-linux-gnu-libgfortran4",
                ("libgfortran_version", "4.0.0", "5.0.0"),
            ),
            ("x86_64-linux-gnu-libstdcxx31", ("libstdcxx_version", "3.4.31", "3.4.30")),
        ],
    )
    def test_the_first_tag_that_differs_is_named(
        self, candidate: str, difference: tuple[str, str, str] | None
    ) -> None:
        wanted = Platform.parse("x86_64-linux-gnu-libgfortran5-cxx11-libstdcxx30")
        found = first_difference(Platform.parse(candidate), wanted.as_host())
        assert difference == found


class TestSelecting:
    @pytest.mark.parametrize(
        ("have", "want", "selected"),
        [  # Julia 1.12.5
            ("-libgfortran3 -libgfortran5 .", "", "."),
            ("-libgfortran3 -libgfortran5 .", "-libgfortran5", "-libgfortran5"),
            ("-libgfortran3 -libgfortran5 .", "-libgfortran4", "."),
            ("-libgfortran3 -libgfortran5", "", "-libgfortran5"),
            ("-libstdcxx9 -libstdcxx30", "", "-libstdcxx9"),
            ("-cuda+none -cuda+11.0", "", "-cuda+none"),
            ("-julia_version+1.9.4 -julia_version+1.12.0", "", "-julia_version+1.9.4"),
        ],
    )
    def test_fewest_differing_tags_then_the_greatest_text_wins(
        self, have: str, want: str, selected: str
    ) -> None:
        entries = {
            Platform.parse("x86_64-linux-gnu" + tail.strip(".")): tail
            for tail in have.split()
        }
        assert selected == select_platform(entries, "x86_64-linux-gnu" + want)

    def test_nothing_is_selected_where_nothing_fits(self) -> None:
        assert select_platform({}, "x86_64-linux-gnu") is None
        windows = {Platform("x86_64", "windows"): 1}
        assert select_platform(windows, "x86_64-linux-gnu") is None

    def test_another_platform_than_this_machines_can_be_asked_for(self) -> None:
        entries = {Platform("x86_64", "windows"): 1, Platform("x86_64", "linux"): 2}
        assert select_platform(entries, "x86_64-w64-mingw32") == 1

    def test_entries_of_one_triplet_are_told_apart_by_their_tags(self) -> None:
        old = Platform.parse("x86_64-apple-darwin20.1")
        new = Platform.parse("x86_64-apple-darwin20.2")
        assert old.triplet == new.triplet
        assert select_platform({old: 1, new: 2}, "x86_64-apple-darwin") == 2
        assert select_platform({new: 2, old: 1}, "x86_64-apple-darwin") == 2
