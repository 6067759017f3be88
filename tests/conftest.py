"""Keep every test away from the user's depot, environment and network settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SCRUBBED_PREFIXES = ("JULIA_", "FETCH_ARTIFACTS_")
SCRUBBED = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("BINARYPROVIDER_COPYDEREF", "NETRC"),
)


@pytest.fixture(autouse=True)
def _scrubbed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(SCRUBBED_PREFIXES) or name in SCRUBBED:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("JULIA_PKG_SERVER", "")  # no test asks the public server


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty depot, the only one on JULIA_DEPOT_PATH."""
    path = tmp_path / "depot"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(path))
    return path
