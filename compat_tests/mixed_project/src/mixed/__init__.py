"""A package in Python and in Julia, with one Artifacts.toml."""

from pathlib import Path

from fetch_artifacts import artifact


def data() -> Path:
    """The folder of the data set, the same one as in Julia."""
    return artifact("data")
