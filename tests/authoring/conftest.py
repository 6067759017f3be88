from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from pytest_httpserver import HTTPServer

from support.hub import Hub


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, called bucket, on moto's server; the server's URL."""
    if not (find_spec("moto") and find_spec("s3fs")):
        pytest.skip("NOT TESTED AGAINST S3: needs s3fs and moto[server]")
    import fsspec
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    # Not one that an earlier test made, without credentials or for another server.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    fsspec.filesystem("s3").mkdir("bucket")
    yield url
    fsspec.filesystem("s3").rm("bucket", recursive=True)  # moto's memory outlives it
    server.stop()
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def hub(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A stand-in of the Hugging Face Hub, which its client finds."""
    hub = Hub(httpserver)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    return hub
