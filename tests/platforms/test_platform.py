from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
    as_platform,
    compare_default,
    compare_version_cap,
)


def by(key: str) -> Any:
    return lambda case: case[key] if isinstance(case, dict) and key in case else ""


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


def test_a_tag_is_an_item() -> None:
    platform = Platform("x86_64", "linux", cuda="10.1")
    assert platform["cuda"] == "10.1"
    assert "cuda" in platform
    assert "mpi" not in platform
    with pytest.raises(KeyError):
        platform["mpi"]


def test_strategies_can_be_given_at_once() -> None:
    strategies = {"cuda": compare_version_cap}
    platform = Platform("x86_64", "linux", cuda="11", compare_strategies=strategies)
    later = Platform("x86_64", "linux", cuda="11")
    assert platform == later.with_compare_strategy("cuda", compare_version_cap)
    given = Platform(
        "x86_64",
        "linux",
        julia_version="1.9",
        compare_strategies={"julia_version": compare_default},
    )
    assert given.compare_strategies == {"julia_version": compare_default}
    assert strategies == {"cuda": compare_version_cap}


@pytest.mark.parametrize("value", [11, 1.5, True, b"x", ["11"], object()])
def test_a_value_that_is_no_text_is_an_error(value: Any) -> None:
    with pytest.raises(PlatformError, match="'cuda': expected text"):
        Platform("x86_64", "linux", cuda=value)


@pytest.mark.parametrize(("arch", "os"), [(3, "linux"), ("x86_64", None)])
def test_so_is_an_architecture_or_a_system(arch: Any, os: Any) -> None:
    with pytest.raises(PlatformError, match="expected text"):
        Platform(arch, os)


def test_a_number_comes_with_what_to_write() -> None:
    wrong: Any = 11
    with pytest.raises(PlatformError, match="found 11 of type int; write '11'"):
        Platform("x86_64", "linux", cuda=wrong)
