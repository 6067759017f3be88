from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from support import s3 as moto
from support.hub import Hub


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, called bucket, on moto's server; the server's URL."""
    if moto.missing():
        pytest.skip(f"NOT TESTED AGAINST S3: needs {moto.missing()}")
    with moto.bucket(monkeypatch) as url:
        yield url


@pytest.fixture
def hub(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A stand-in of the Hugging Face Hub, which its client finds."""
    hub = Hub(httpserver)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    return hub
