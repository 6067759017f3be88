"""Texts from outside meet regular expressions that take linear time, all of them."""

from __future__ import annotations

import re

import pytest

from fetch_artifacts.authoring.mirrors import environment
from fetch_artifacts.julia_toml import julia_text
from fetch_artifacts.platforms import triplets
from support.attacks import slow_text
from support.patterns import Use, uses_of_patterns

USES, UNKNOWN = uses_of_patterns()
# Those of which a part is known only when a function is called, by module.
LATER = {
    "fetch_artifacts.authoring.mirrors.environment": [
        pattern for pattern, _ in environment._FACTS.values()
    ],
    "fetch_artifacts.julia_toml.julia_text": [julia_text._ODD_CHARACTER],
    "fetch_artifacts.julia_toml.tables": [r"\]", "="],
    "fetch_artifacts.network.pkg_server": [r"\w+:///?([^\\/]+)(?:\Z|/)"],
    "fetch_artifacts.platforms.triplets": [
        rf"(?s).*{prefix}([0-9.]+)" for prefix in triplets._PREFIXES.values()
    ],
}


def test_patterns_that_are_made_later_are_known_here() -> None:
    assert set(LATER) == UNKNOWN
    assert len(USES) > 100


@pytest.mark.parametrize("use", USES, ids=str)
def test_each_takes_linear_time(use: Use) -> None:
    assert slow_text(use.pattern, use.run) is None


@pytest.mark.parametrize(
    "pattern", [each for group in LATER.values() for each in group]
)
def test_what_is_made_later_takes_linear_time(pattern: str) -> None:
    compiled = re.compile(pattern)
    assert slow_text(compiled, compiled.match) is None


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a+)+b",
        r"(?:[a-z]|\w)*-",
        r'"(?:\\(?:\n[ \n]*|.)|[^"\\\n])*"',  # once that of a string in TOML
        r"[ \n]+\Z",
        r"[a-z][a-z0-9]*://.+",
        r"(.*?)((?:\.[0-9]+)*)\.dylib",
    ],
)
def test_one_that_takes_longer_is_found(pattern: str) -> None:
    compiled = re.compile(pattern, re.DOTALL)
    assert slow_text(compiled, compiled.search) is not None
