from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
import tomli

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import (
    Platform,
)
from support.fixtures import Case, load_vectors


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
    assert answer["triplet"] == platform.triplet


@pytest.mark.parametrize(("case", "answer"), load_vectors("order"))
def test_the_tags_of_an_entry_come_in_julias_order(case: Case, answer: Case) -> None:
    entries = tomli.loads(case["toml"])[case["name"]]
    assert answer["triplets"] == [Platform.from_entry(e).triplet for e in entries]
    assert answer["want"] == Platform.parse(case["platform"]).triplet


class TestTextForm:
    def test_a_platform_prints_as_its_triplet(self) -> None:
        platform = Platform("armv7l", "linux", libgfortran_version="3")
        assert str(platform) == "armv7l-linux-gnueabihf-libgfortran3"

    def test_tags_of_no_fixed_place_come_in_the_order_of_julias_table(self) -> None:
        platform = Platform("x86_64", "linux", mpi="mpich", cuda="11.4", zz="1")
        assert platform.triplet == "x86_64-linux-gnu-mpi+mpich-zz+1-cuda+11.4"
        platform = Platform("x86_64", "linux", gpu="rocm", gpu_version="none", mode="x")
        expected = "x86_64-linux-gnu-gpu_version+none-gpu+rocm-mode+x"
        assert expected == platform.triplet
        assert expected == platform.as_host().triplet
        assert expected == pickle.loads(pickle.dumps(platform)).triplet

    def test_more_tags_than_julias_first_table_has_room_for(self) -> None:
        tags: Any = {f"tag{number}": "x" for number in range(1, 15)}
        printed = Platform("x86_64", "linux", **tags).triplet.split("-")[3:]
        order = (4, 2, 14, 5, 11, 8, 6, 1, 10, 9, 3, 7, 13, 12)  # by Julia 1.5.3
        assert [f"tag{number}+x" for number in order] == printed

    def test_a_tag_without_a_value_takes_no_slot(self) -> None:
        platform = Platform("x86_64", "linux", libc=None, mpi="a", cuda=None)
        assert platform.triplet == "x86_64-linux-gnu-mpi+a"

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


@pytest.mark.parametrize(
    "text",
    [
        lambda count: "x86_64-linux" + "-a+a+a+a" * count + "-",
        lambda count: "x86_64" + "-linux" * count + "-x",
        lambda count: "x86_64" + "-freebsd" * count + "-freebsd9x",
        lambda count: "x86_64-apple-darwin" + "1." * count + "x",
    ],
)
def test_to_refuse_a_text_takes_a_time_that_grows_as_it_does(
    text: Callable[[int], str],
) -> None:
    def seconds(count: int) -> float:
        bad = text(count)
        before = time.process_time()
        with pytest.raises(PlatformError, match="expected a triplet"):
            Platform.parse(bad)
        return time.process_time() - before

    # A regular expression takes over a minute for 20 of the first.
    assert seconds(4_000) < 20 * max(seconds(1_000), 0.01)
