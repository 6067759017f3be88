from __future__ import annotations

from typing import Any

import pytest

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
)
from support.fixtures import Case, load_vectors


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
