from __future__ import annotations

from pathlib import Path

import pytest

from support.published import publish


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Artifacts.toml in the working directory that binds Demo."""
    monkeypatch.chdir(tmp_path)
    published = publish(tmp_path / "served")
    target = tmp_path / "Artifacts.toml"
    published.toml.rename(target)
    return target
