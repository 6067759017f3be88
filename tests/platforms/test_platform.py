from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest
import tomli

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
    as_platform,
    compare_default,
    compare_minor_version,
    compare_version_cap,
    first_difference,
    platforms_match,
    select_platform,
)
from support.fixtures import FIXTURES, Case, load_vectors

JLLS = sorted((FIXTURES / "jll").glob("*.toml"))


def with_sorted_extra_tags(triplet: str) -> str:
    """Julia prints the extra tags in the order of its hash table, we sort them."""
    parts = triplet.split("-")
    fixed = [part for part in parts if "+" not in part]
    return "-".join(fixed + sorted(part for part in parts if "+" in part))


def by(key: str) -> Any:
    return lambda case: case[key] if isinstance(case, dict) and key in case else ""


@pytest.mark.parametrize(("case", "answer"), load_vectors("triplet"), ids=by("s"))
def test_a_triplet_means_what_it_means_to_julia(case: Case, answer: Case) -> None:
    if not answer["ok"]:
        with pytest.raises(PlatformError):
            Platform.parse(case["s"])
        return
    platform = Platform.parse(case["s"])
    assert answer["tags"] == platform.tags
    assert with_sorted_extra_tags(answer["triplet"]) == platform.triplet


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


class TestNormalising:
    def test_arch_os_tags_and_values_become_lower_case(self) -> None:
        platform = Platform("X86_64", "Linux", CUDA="11.0RC", libc="GLIBC")
        assert platform.tags == {
            "arch": "x86_64",
            "os": "linux",
            "cuda": "11.0rc",
            "libc": "glibc",
        }

    @pytest.mark.parametrize(
        ("given", "julias"),
        [  # cpuid.jl:81-97
            ("amd64", "x86_64"),
            ("i386", "i686"),
            ("i586", "i686"),
            ("armv6", "armv6l"),
            ("arm", "armv7l"),
            ("armv8", "armv7l"),
            ("arm64", "aarch64"),
            ("ppc64le", "powerpc64le"),
            ("loongarch64", "loongarch64"),
        ],
    )
    def test_an_architecture_gets_the_name_julia_gives_it(
        self, given: str, julias: str
    ) -> None:
        assert julias == Platform(given, "windows").tags["arch"]

    def test_linux_has_glibc_unless_told_otherwise(self) -> None:
        assert Platform("x86_64", "linux").tags["libc"] == "glibc"
        assert Platform("x86_64", "linux", libc="musl").tags["libc"] == "musl"
        assert "libc" not in Platform("x86_64", "macos").tags

    def test_arm_linux_has_hard_floats_unless_told_otherwise(self) -> None:
        assert Platform("armv7l", "linux").tags["call_abi"] == "eabihf"
        assert Platform("armv6l", "linux", call_abi="eabi").tags["call_abi"] == "eabi"
        assert "call_abi" not in Platform("aarch64", "linux").tags

    @pytest.mark.parametrize(
        ("text", "stored"),
        [("5", "5.0.0"), ("v3.4", "3.4.0"), ("01.2.3", "1.2.3"), ("new", "new")],
    )
    @pytest.mark.parametrize(
        "tag", ["libgfortran_version", "libstdcxx_version", "os_version"]
    )
    def test_a_version_tag_is_stored_with_all_its_parts(
        self, tag: str, text: str, stored: str
    ) -> None:
        assert (
            stored
            == Platform.from_entry({"arch": "x86_64", "os": "linux", tag: text}).tags[
                tag
            ]
        )

    def test_another_tags_value_is_never_taken_for_a_version(self) -> None:
        platform = Platform("x86_64", "linux", cuda="11", julia_version="1.9")
        assert platform.tags["cuda"] == "11"
        assert platform.tags["julia_version"] == "1.9"

    def test_a_tag_given_as_none_is_left_out(self) -> None:
        assert Platform("x86_64", "linux") == Platform("x86_64", "linux", cuda=None)

    def test_lower_case_is_one_character_for_one(self) -> None:
        # Julia's lowercase of the same three letters and of the dotted capital I
        platform = Platform(
            "x86_64", "linux", name="\u03a3\u0391\u03a3", dotted="\u0130"
        )
        assert platform.tags["name"] == "\u03c3\u03b1\u03c3"
        assert platform.tags["dotted"] == "i"

    @pytest.mark.parametrize("character", "+- /<>:\"'\\|?*")
    def test_a_character_that_no_triplet_or_file_name_can_hold_is_refused(
        self, character: str
    ) -> None:
        with pytest.raises(PlatformError, match="mpi"):
            Platform("x86_64", "linux", mpi=f"a{character}b")
        with pytest.raises(PlatformError, match="expected no spaces"):
            Platform.from_entry(
                {"arch": "x86_64", "os": "linux", f"a{character}b": "1"}
            )

    def test_a_pre_release_version_is_refused(self) -> None:
        with pytest.raises(PlatformError, match=r"5\.0\.0-rc1"):
            Platform("x86_64", "linux", libgfortran_version="5rc1")

    def test_a_version_beyond_32_bits_is_refused(self) -> None:
        with pytest.raises(PlatformError, match="32 bits"):
            Platform.parse("x86_64-linux-gnu-libstdcxx4294967296")

    @pytest.mark.parametrize("tag", ["ARCH", "Os"])
    def test_arch_and_os_can_not_be_given_twice(self, tag: str) -> None:
        with pytest.raises(PlatformError, match=tag.lower()):
            Platform.from_entry({"arch": "x86_64", "os": "linux", tag: "x"})


class TestStrictValidation:
    @pytest.mark.parametrize(
        "triplet",
        [
            "x86_64-linux-gnu-libgfortran5-cxx11-libstdcxx30",
            "armv6l-linux-musleabihf",
            "riscv64-linux-gnu",
            "aarch64-w64-mingw32",
            "aarch64-apple-darwin20",
            "x86_64-unknown-openbsd",
            "powerpc64le-unknown-freebsd13.2",
        ],
    )
    def test_what_julia_is_built_for_passes(self, triplet: str) -> None:
        strict = Platform.parse(triplet, validate_strict=True)
        assert Platform.parse(triplet) == strict

    @pytest.mark.parametrize(
        ("arch", "os", "tags", "fault"),
        [
            ("vax", "linux", {}, "arch = 'vax'"),
            ("x86_64", "plan9", {}, "os = 'plan9'"),
            ("powerpc64le", "windows", {}, "arch = 'powerpc64le'"),
            ("i686", "macos", {}, "arch = 'i686'"),
            ("x86_64", "linux", {"libc": "uclibc"}, "libc = 'uclibc'"),
            ("x86_64", "macos", {"libc": "glibc"}, "libc = 'glibc'"),
            ("x86_64", "linux", {"call_abi": "eabi"}, "call_abi = 'eabi'"),
            ("armv7l", "linux", {"call_abi": "soft"}, "call_abi = 'soft'"),
            ("x86_64", "linux", {"cxxstring_abi": "cxx14"}, "cxxstring_abi = 'cxx14'"),
            (
                "x86_64",
                "linux",
                {"libgfortran_version": "new"},
                "libgfortran_version = 'new'",
            ),
        ],
    )
    def test_what_julia_is_not_built_for_is_refused(
        self, arch: str, os: str, tags: dict[str, Any], fault: str
    ) -> None:
        Platform.from_entry({"arch": arch, "os": os, **tags})
        with pytest.raises(PlatformError, match=fault):
            Platform(arch, os, validate_strict=True, **tags)

    def test_every_fault_is_named_at_once(self) -> None:
        with pytest.raises(PlatformError, match=r"os = 'plan9', libc = 'x'"):
            Platform("x86_64", "plan9", libc="x", validate_strict=True)

    def test_validate_strict_can_be_a_tag_of_an_entry(self) -> None:
        entry = {"arch": "vax", "os": "linux", "validate_strict": "true"}
        assert Platform.from_entry(entry).tags["validate_strict"] == "true"


class TestTextForm:
    def test_a_platform_prints_as_its_triplet(self) -> None:
        platform = Platform("armv7l", "linux", libgfortran_version="3")
        assert str(platform) == "armv7l-linux-gnueabihf-libgfortran3"

    def test_tags_of_no_fixed_place_are_printed_sorted(self) -> None:
        platform = Platform("x86_64", "linux", mpi="mpich", cuda="11.4", zz="1")
        assert platform.triplet == "x86_64-linux-gnu-cuda+11.4-mpi+mpich-zz+1"

    def test_an_unknown_system_is_printed_as_unknown(self) -> None:
        assert Platform("vax", "plan9").triplet == "vax-unknown"

    def test_a_version_that_is_none_has_no_triplet_but_can_be_shown(self) -> None:
        platform = Platform("x86_64", "linux", libgfortran_version="new")
        with pytest.raises(PlatformError, match="libgfortran_version"):
            _ = platform.triplet
        expected = (
            "Platform('x86_64', 'linux', libc='glibc', libgfortran_version='new')"
        )
        assert expected == str(platform)

    def test_the_last_tag_of_a_name_counts(self) -> None:
        platform = Platform.parse("x86_64-linux-gnu-mpi+a-mpi+b-libc+musl")
        assert platform.triplet == "x86_64-linux-musl-mpi+b"

    def test_the_system_alone_gives_its_version(self) -> None:
        platform = Platform.parse("x86_64-apple-darwin-os_version+20")
        assert "os_version" not in platform.tags


class TestEntries:
    def test_the_strings_of_an_entry_are_its_tags(self) -> None:
        entry: dict[str, Any] = {
            "arch": "x86_64",
            "os": "linux",
            "git-tree-sha1": "43563e7631a7eafae1f9f8d9d332e3de44ad7239",
            "lazy": True,
            "size": 3,
            "download": [{"url": "https://example.org/x.tar.gz"}],
            "cuda": "11.4",
        }
        assert Platform("x86_64", "linux", cuda="11.4") == Platform.from_entry(entry)

    @pytest.mark.parametrize(
        "entry",
        [
            {"os": "linux"},
            {"arch": "x86_64"},
            {"arch": 64, "os": "linux"},
            {"arch": "x86_64", "os": ["linux"]},
        ],
    )
    def test_an_entry_without_os_or_arch_is_refused(
        self, entry: dict[str, Any]
    ) -> None:
        with pytest.raises(PlatformError, match=r"expected a string as '(os|arch)'"):
            Platform.from_entry(entry)

    def test_to_entry_gives_all_tags(self) -> None:
        assert Platform("x86_64", "macos", os_version="20").to_entry() == {
            "arch": "x86_64",
            "os": "macos",
            "os_version": "20.0.0",
        }


class TestValues:
    def test_equal_platforms_have_equal_hashes(self) -> None:
        a = Platform("x86_64", "linux", mpi="mpich", julia_version="1.9.0")
        b = Platform.parse("x86_64-linux-gnu-julia_version+1.9.0-mpi+mpich")
        assert a == b
        assert hash(a) == hash(b)

    def test_a_host_is_not_equal_to_the_same_platform(self) -> None:
        platform = Platform.parse("x86_64-apple-darwin20")
        assert platform != platform.as_host()
        assert platform.as_host() == platform.as_host().as_host()

    def test_a_platform_without_versions_is_its_own_host(self) -> None:
        platform = Platform.parse("x86_64-linux-gnu")
        assert platform == platform.as_host()

    def test_tags_can_not_be_changed(self) -> None:
        platform: Any = Platform("x86_64", "linux")
        with pytest.raises(TypeError):
            platform.tags["libc"] = "musl"
        with pytest.raises(AttributeError):
            platform.tags = {}

    def test_a_platform_can_be_pickled_and_copied(self) -> None:
        platform = Platform.parse("x86_64-apple-darwin20").as_host()
        assert platform == pickle.loads(pickle.dumps(platform))
        assert platform == copy.deepcopy(platform)

    def test_the_repr_makes_the_platform_again(self) -> None:
        platform = Platform("x86_64", "linux", cuda="11")
        assert platform == eval(repr(platform))


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

    @pytest.mark.parametrize(
        ("lower", "higher"),
        [
            ("1.9", "1.10"),
            ("1.0rc1", "1.0"),
            ("1.0alpha", "1.0beta"),
            ("1.0rc.2", "1.0rc.10"),
            ("1.0rc", "1.0rc.1"),
            ("1.0a.1", "1.0a.x"),
        ],
    )
    def test_versions_are_ordered_as_julias(self, lower: str, higher: str) -> None:
        def below(cap: str, value: str) -> bool:
            return compare_version_cap(value, cap, a_requested=False, b_requested=True)

        assert below(higher, lower)
        assert not below(lower, higher)

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


# Written in protocol 2 by the modules fetch_artifacts.platforms and compare_strategies
# that were there before this package.
OLD_PICKLES = {
    "x86_64-linux-gnu": (
        b"\x80\x02cfetch_artifacts.platforms\n_make\nq\x00}q\x01(X\x04\x00\x00\x00archq"
        b"\x02X\x06\x00\x00\x00x86_64q\x03X\x02\x00\x00\x00osq\x04X\x05\x00\x00\x00linuxq"
        b"\x05X\x04\x00\x00\x00libcq\x06X\x05\x00\x00\x00glibcq\x07u}q\x08\x86q\tRq\n."
    ),
    "x86_64-apple-darwin20": (
        b"\x80\x02cfetch_artifacts.platforms\n_make\nq\x00}q\x01(X\x04\x00\x00\x00archq"
        b"\x02X\x06\x00\x00\x00x86_64q\x03X\x02\x00\x00\x00osq\x04X\x05\x00\x00\x00macosq"
        b"\x05X\n\x00\x00\x00os_versionq\x06X\x06\x00\x00\x0020.0.0q\x07u}q\x08X\n\x00\x00"
        b"\x00os_versionq\tcfetch_artifacts.compare_strategies\ncompare_version_cap\n"
        b"q\ns\x86q\x0bRq\x0c."
    ),
}


@pytest.mark.parametrize("triplet", OLD_PICKLES)
def test_old_pickles_of_hosts_load(triplet: str) -> None:
    host = Platform.parse(triplet).as_host()
    assert host == pickle.loads(OLD_PICKLES[triplet])


def test_a_pickle_names_no_module_inside_the_package() -> None:
    host = Platform.parse("x86_64-apple-darwin20").as_host()
    assert b"fetch_artifacts.platforms.platform" not in pickle.dumps(host, 2)
    assert b"fetch_artifacts.platforms\ncompare_version_cap" in pickle.dumps(host, 2)


def test_as_platform_takes_a_platform_or_a_triplet() -> None:
    platform = Platform("x86_64", "linux")
    assert as_platform(platform) is platform
    assert platform == as_platform("x86_64-linux-gnu")


def test_importing_platforms_probes_nothing() -> None:
    code = (
        "import sys; import fetch_artifacts.platforms;"
        "print(sorted({'platform', 'ctypes', 'subprocess',"
        "'fetch_artifacts.platforms.host_facts'}"
        ".intersection(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
