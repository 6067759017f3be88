"""TOML text that we write is what Julia writes for the same values, byte for byte."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import tomli_w

from fetch_artifacts import julia_toml
from fetch_artifacts.conformance.questions import Julia

KEYS = ("a", "Zz", "with-dash", "under_score", "9", "b c", "über", "dot.ted", "")
ODD_STRINGS = (
    *("", "plain", "über 😀", 'quote"', "back\\slash", "tab\t", "two\nlines", "\r\n"),
    *("\x00", "\x1b", "\x7f", "\x85", "\u2028", "'", "#", "\ufeff", "e\u0301"),
)
NUMBERS = (
    *(0, -1, 2**63 - 1, -(2**63), 1_000_000),
    *(0.0, -0.0, 1.0, 0.1, 1e10, 1e-7, 123456.789, 1e300, 5e-324, 1 / 3),
    *(float("inf"), float("-inf"), float("nan")),
)


def _julia_text(julia: Julia, table: dict[str, Any]) -> str:
    return julia.print_toml(tomli_w.dumps(table))


def _ours_text(table: dict[str, Any]) -> str:
    return julia_toml.dumps(table)


def _entry(random: Random) -> dict[str, Any]:
    entry: dict[str, Any] = {"git-tree-sha1": random.randbytes(20).hex()}
    if random.random() < 0.5:
        entry["lazy"] = random.choice([True, False])
    if count := random.randrange(3):
        entry["download"] = [
            {
                "url": f"https://example.org/{number}/ü?download=1&x=y#z",
                "sha256": random.randbytes(32).hex(),
                "size": random.randrange(2**40),
            }
            for number in range(count)
        ]
    return entry


def _artifacts_table(random: Random) -> dict[str, Any]:
    """What an Artifacts.toml may say."""
    platforms = [("linux", "x86_64"), ("windows", "i686"), ("macos", "aarch64")]
    return {
        random.choice(["Data", "with space", "a.b", "ünï", "x_1"]) + str(number): (
            _entry(random)
            if random.random() < 0.6
            else [
                _entry(random) | {"os": os, "arch": arch, "libc": "glibc"}
                for os, arch in platforms[: random.randrange(1, 4)]
            ]
        )
        for number in range(random.randrange(5))
    }


def _any_value(random: Random, depth: int) -> Any:
    kinds = ["string", "other"]
    kinds += ["array", "table", "tables", "mixed"] if depth else []
    match random.choice(kinds):
        case "string":
            return random.choice(ODD_STRINGS) + random.choice(ODD_STRINGS)
        case "other":
            return random.choice([*NUMBERS, True, False])
        case "array":
            return [random.choice(NUMBERS) for _ in range(random.randrange(4))]
        case "table":
            return _any_table(random, depth - 1)
        case "tables":
            return [_any_table(random, depth - 1) for _ in range(random.randrange(3))]
        case _:
            return [random.choice(ODD_STRINGS), _any_table(random, 0)]


def _any_table(random: Random, depth: int) -> dict[str, Any]:
    keys = random.sample(KEYS, random.randrange(5))
    return {key: _any_value(random, depth) for key in keys}


@pytest.mark.parametrize("seed", range(30))
def test_an_artifacts_toml(julia: Julia, seed: int) -> None:
    table = _artifacts_table(Random(seed))

    assert _julia_text(julia, table) == _ours_text(table), table


@pytest.mark.requires_julia("1.12")  # each older one escapes or sorts in its own way
def test_any_table(julia: Julia) -> None:
    for seed in range(200):
        table = _any_table(Random(seed), 3)
        assert _julia_text(julia, table) == _ours_text(table), table
