"""Keep a test away from the user's depots, environment and network settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PREFIXES = ("JULIA_", "FETCH_ARTIFACTS_")
NAMES = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("BINARYPROVIDER_COPYDEREF", "NETRC", "NO_COLOR", "FORCE_COLOR", "TERM"),
)


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Scrub the environment, and make an empty folder the home; no public server."""
    for name in list(os.environ):
        if name.startswith(PREFIXES) or name in NAMES:
            monkeypatch.delenv(name)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("JULIA_PKG_SERVER", "")
