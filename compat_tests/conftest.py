"""One oracle for the whole run, an empty depot for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from compat_tests.counting import (
    ANSWERS,
    JULIA,
    KNOWN_VERBS,
    LIVE,
    NO_JULIA,
    SKIPPED,
    VERBS,
    Counted,
    Tally,
)
from fetch_artifacts.conformance.pytest_plugin import teller
from fetch_artifacts.conformance.questions import Julia, open_julia, version_numbers
from fetch_artifacts.errors import NoJuliaError
from support.hangs import Hangs
from support.isolation import isolate

# A batch of ten cases is an example. One julia and one folder serve all examples.
LIVE_PROFILE = settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("live", LIVE_PROFILE)
settings.register_profile("deep", LIVE_PROFILE, max_examples=2000)
settings.load_profile("live")

collect_ignore = ["mixed_project"]  # a project of its own, which a test runs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle",
        metavar="auto|juliacall|process|PATH",
        help="how to reach Julia; auto: juliacall where it is installed",
    )
    parser.addoption(
        "--skip-without-julia",
        action="store_true",
        help="without a Julia skip the comparisons instead of failing",
    )
    parser.addoption(
        "--live-floor",
        action="store_true",
        help="fail where fewer tests than usual were compared with a live Julia",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "requires_julia(version): what the test compares came with that one"
    )
    tally = Tally(check_floor=config.option.live_floor)
    config.pluginmanager.register(tally, "tally")
    config.pluginmanager.register(Hangs(config), "hangs")


@pytest.fixture(scope="session")
def _session_julia(request: pytest.FixtureRequest) -> Iterator[Julia]:
    with ExitStack() as stack:
        try:
            choice = request.config.option.oracle
            tell = teller(request.config)
            julia = stack.enter_context(open_julia(choice, tell=tell))
            tell(f"comparing with Julia {julia.version()}: {julia.reason}")
            yield replace(julia, transport=Counted(julia.transport))
        except NoJuliaError as error:
            if request.config.option.skip_without_julia:
                pytest.skip(f"{NO_JULIA}: {error}")
            msg = f"{error}\nOr skip the comparisons with --skip-without-julia."
            pytest.fail(msg, pytrace=False)


@pytest.fixture(scope="session")
def _known_verbs(_session_julia: Julia) -> list[str]:
    return _session_julia.capabilities()


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path / "home")


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty depot, the only one of Julia and of ours."""
    path = tmp_path / "depot"
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(path))
    return path


@pytest.fixture
def julia(
    request: pytest.FixtureRequest,
    _session_julia: Julia,
    _known_verbs: list[str],
    depot: Path,
) -> Iterator[Julia]:
    """Real Julia on `depot`; skips where `requires_julia` asks for a newer one."""
    note = request.node.user_properties.append
    version, way = _session_julia.version(), _session_julia.way
    note((JULIA, f"Julia {version} ({way})"))
    marker = request.node.get_closest_marker("requires_julia")
    if marker and version_numbers(version) < version_numbers(marker.args[0]):
        note((SKIPPED, f"Julia {marker.args[0]}"))
        pytest.skip(f"needs Julia {marker.args[0]}, found {version}")
    note((LIVE, True))
    counted = _session_julia.transport
    assert isinstance(counted, Counted)
    counted.take()
    yield _session_julia.at(depot)
    answers, verbs = counted.take()
    note((ANSWERS, answers))
    note((VERBS, " ".join(verbs)))
    note((KNOWN_VERBS, " ".join(_known_verbs)))
