from __future__ import annotations

import pytest

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms.versions import (
    canonical_version,
    compare_default,
    compare_minor_version,
    compare_version_cap,
    parse_version,
)


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
def test_versions_are_ordered_as_julias(lower: str, higher: str) -> None:
    def below(cap: str, value: str) -> bool:
        return compare_version_cap(value, cap, a_requested=False, b_requested=True)

    assert below(higher, lower)
    assert not below(lower, higher)


@pytest.mark.parametrize(
    ("a_requested", "b_requested", "agree"),
    [(True, False, False), (False, True, True), (True, True, False)],
)
def test_a_cap_is_that_of_the_platform_that_asked(
    *, a_requested: bool, b_requested: bool, agree: bool
) -> None:
    requested = {"a_requested": a_requested, "b_requested": b_requested}
    assert agree == compare_version_cap("1.2", "1.10", **requested)
    assert compare_version_cap("1.2", "1.2.0", **requested)


@pytest.mark.parametrize(
    ("a", "b", "text", "minor"),
    [("1.9.0", "1.9.0", True, True), ("1.9.0", "1.9.4", False, True), ("1", "2", 0, 0)],
)
def test_who_asked_makes_no_difference_to_the_other_strategies(
    a: str, b: str, *, text: bool, minor: bool
) -> None:
    for asked in (True, False):
        requested = {"a_requested": asked, "b_requested": not asked}
        assert text == compare_default(a, b, **requested)
        assert minor == compare_minor_version(a, b, **requested)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("5", "5.0.0"), ("v1.2", "1.2.0"), ("1.0rc.1", "1.0.0-rc.1"), ("new", "new")],
)
def test_a_version_is_written_with_all_its_parts(text: str, canonical: str) -> None:
    assert canonical == canonical_version(text)
    assert (parse_version(text) is None) == (text == "new")


def test_a_number_of_more_than_32_bits_is_refused() -> None:
    assert parse_version("4294967295.0.0") is not None
    with pytest.raises(PlatformError, match="32 bits"):
        parse_version("4294967296")


@pytest.mark.parametrize(
    "text",
    ["9" * 5_000, f"1.{'9' * 5_000}", f"1.2.3a.{'9' * 5_000}", "1a.2" + "0" * 20],
)
def test_numbers_of_any_length_are_told_apart_from_versions(text: str) -> None:
    with pytest.raises(
        PlatformError, match=r"expected numbers of at most (32|64) bits"
    ):
        parse_version(text)
    assert parse_version("0" * 5_000 + "1") == parse_version("1")
