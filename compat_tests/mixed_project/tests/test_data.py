"""What both languages find under the name is one folder."""

from pathlib import Path

import mixed

from fetch_artifacts.conformance.questions import Julia

TOML = Path(__file__).parents[1] / "Artifacts.toml"


def test_julia_finds_the_same_data(julia_oracle: Julia) -> None:
    assert mixed.data() == julia_oracle.place("data", TOML)
