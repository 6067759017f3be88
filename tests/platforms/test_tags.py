from __future__ import annotations

from typing import Any

import pytest

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
)


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
