from __future__ import annotations

import subprocess
import sys

import pytest

from fetch_artifacts.errors import PlatformError
from fetch_artifacts.platforms import Platform, host_platform


def test_importing_platforms_probes_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules);"  # what measures coverage is there
        "import fetch_artifacts.platforms;"
        "print(sorted({'platform', 'ctypes', 'subprocess',"
        "'fetch_artifacts.platforms.host_facts'}"
        ".intersection(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_a_base_is_taken_for_the_host() -> None:
    host = host_platform("x86_64-linux-gnu-libstdcxx26")
    assert host == Platform.parse("x86_64-linux-gnu-libstdcxx26").as_host()
    assert host == host_platform(host)


def test_a_base_must_be_a_triplet() -> None:
    with pytest.raises(PlatformError):
        host_platform("linux")
