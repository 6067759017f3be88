from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.settings.environment import Settings
from support.fetching import IMPATIENT, QUICK


@pytest.fixture
def partial_dir(tmp_path: Path) -> Path:
    return tmp_path / "staging" / "partial"


@pytest.fixture
def fetcher(partial_dir: Path) -> Iterator[HttpFetcher]:
    settings = Settings.from_environ()
    with HttpFetcher(settings, partial_dir=partial_dir, limits=QUICK) as fetcher:
        yield fetcher


@pytest.fixture
def impatient() -> Iterator[HttpFetcher]:
    with HttpFetcher(Settings.from_environ(), limits=IMPATIENT) as fetcher:
        yield fetcher
