from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts.network import partial_file
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import IMPATIENT, QUICK


@pytest.fixture
def partial_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "staging" / "partial"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def slow_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every link counts as slow, so what comes is kept from the first byte on."""
    monkeypatch.setattr(partial_file, "_HEAD_SECONDS", 0)


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    with HttpFetcher(Settings.from_environ(), limits=QUICK) as fetcher:
        yield fetcher


@pytest.fixture
def impatient() -> Iterator[HttpFetcher]:
    with HttpFetcher(Settings.from_environ(), limits=IMPATIENT) as fetcher:
        yield fetcher
