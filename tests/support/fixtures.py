"""Recorded answers of real Julia."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import tomli

FIXTURES = Path(__file__).parents[2] / "julia_fixtures"

Case = dict[str, Any]


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
    return pairs
