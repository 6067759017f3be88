"""Recorded answers of real Julia, and what a system needs to compare with them."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomli

FIXTURES = Path(__file__).parents[2] / "julia_fixtures"

Case = dict[str, Any]

UNIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other modes")
ANY_NAMES = pytest.mark.skipif(
    sys.platform != "linux", reason="this system changes or refuses some names"
)


LOADED: dict[tuple[str, str], int] = {}
"""How many answers were loaded, by version and domain."""


@cache
def load_vectors(domain: str, version: str = "1.12.5") -> tuple[tuple[Case, Case], ...]:
    """Pairs of a case and that Julia's answer; an empty or uneven list is an error."""
    cases = tomli.loads((FIXTURES / "cases" / f"{domain}.toml").read_text("utf-8"))
    answers = tomli.loads(
        (FIXTURES / f"julia-{version}" / f"{domain}.toml").read_text("utf-8")
    )
    assert answers["julia"] == version
    pairs = tuple(zip(cases["case"], answers["answer"], strict=True))
    assert pairs, f"no vectors for {domain}"
    LOADED[version, domain] = len(pairs)
    return pairs
