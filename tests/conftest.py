"""Keep every test away from the user's depot, environment and network settings."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_httpserver import HTTPServer

from fetch_artifacts.network import fetcher
from fetch_artifacts.network.session import ServerLimits
from support.hangs import Hangs
from support.isolation import isolate
from support.recorded import RecordedOnly

# How long an example takes says how busy the machine is.
settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")
settings.register_profile("deep", settings.get_profile("patient"), max_examples=5000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests of clusters start many processes, and take a minute or two."""
    parser.addoption(
        "--clusters", action="store_true", help="start clusters, of Dask and MPI"
    )
    parser.addoption(
        "--recorded",
        action="store_true",
        help="run only what is compared with recorded answers of Julia, and count it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hear signals, end what hangs, and keep to recorded answers where asked to."""
    # A job in the background may ignore it, as one of nohup does a hang-up, and their
    # processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.pluginmanager.register(Hangs(config), "hangs")
    if config.option.recorded:
        config.pluginmanager.register(RecordedOnly(), "recorded")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Spell out bytes of a path that are not UTF-8: pytest-xdist can't carry them."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode())
        for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Servers that fail are tried again at once; what is tested of pauses sets limits.
    monkeypatch.setattr(fetcher, "ServerLimits", partial(ServerLimits, pause=0.001))
    isolate(monkeypatch, tmp_path / "home")
    # A Julia on PATH would decide the platform, half a second after it is asked.
    monkeypatch.setenv("JULIA", "there-is-no-such-julia")


@pytest.fixture(scope="session")
def make_httpserver() -> Iterator[HTTPServer]:
    """Serve each client in a thread, so that a silent one holds up nobody."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let so much time pass that every stamp is old enough to be trusted."""
    real, passed = time.time_ns, [0]
    monkeypatch.setattr(time, "time_ns", lambda: real() + passed[0])

    def pass_time() -> None:
        passed[0] += 10_000_000_000

    return pass_time


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty depot, the only one on JULIA_DEPOT_PATH."""
    path = tmp_path / "depot"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(path))
    return path


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Set the umask; it is 022 at first, and as it was afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)
