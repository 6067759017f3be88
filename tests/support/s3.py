"""A bucket on S3, for which moto's server stands in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest


def missing() -> str:
    """What is not installed of what `bucket` needs, "" if it is all there."""
    needed = {"s3fs": "s3fs", "moto": "moto[server]"}
    return ", ".join(name for module, name in needed.items() if not find_spec(module))


@contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, called bucket; gives the server's URL."""
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


def let_all_read() -> None:
    """Let everybody read the files in the bucket, without credentials."""
    import fsspec

    allowed = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    fsspec.filesystem("s3").call_s3("put_bucket_policy", Bucket="bucket", Policy=policy)
