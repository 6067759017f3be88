from __future__ import annotations

import re
from pathlib import Path

import pytest

from fetch_artifacts.settings import pyproject
from fetch_artifacts.settings.pyproject import KEYS, read_table


def test_a_key_that_is_not_known_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(
        "[tool.fetch-artifacts]\nplatfrom = 'x'\nother = 1\nplatform = 'y'\n", "utf-8"
    )
    for _ in range(2):
        assert read_table(path)["platform"] == "y"
    told = sorted(record.getMessage() for record in caplog.records)
    start = f"{path}: [tool.fetch-artifacts] knows no key"
    assert told == [
        f"{start} 'other', so it is ignored",
        f"{start} 'platfrom', so it is ignored; did you mean 'platform'?",
    ]


def test_all_keys_that_are_read_are_known() -> None:
    source = Path(pyproject.__file__).parents[1]
    text = "".join(path.read_text("utf-8") for path in source.rglob("*.py"))
    assert set(re.findall(r'read_table\(.*?\)\.get\(\s*"([^"]+)"', text)) == KEYS
