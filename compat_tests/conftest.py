"""One oracle for the whole run, an empty depot for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from compat_tests.oracle import NoJuliaError
from compat_tests.questions import Julia, open_julia, version_numbers
from support.isolation import isolate


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle",
        choices=["auto", "juliacall", "process"],
        default="auto",
        help="how to reach Julia; auto: juliacall where it is installed",
    )
    parser.addoption(
        "--skip-without-julia",
        action="store_true",
        help="without a Julia skip the comparisons instead of failing",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "requires_julia(version): what the test compares came with that one"
    )


@pytest.fixture(scope="session")
def _session_julia(request: pytest.FixtureRequest) -> Iterator[Julia]:
    with ExitStack() as stack:
        try:
            julia = stack.enter_context(open_julia(request.config.option.oracle))
        except NoJuliaError as error:
            if request.config.option.skip_without_julia:
                pytest.skip(f"NOT COMPARED WITH JULIA: {error}")
            pytest.fail(f"{error}; or skip the comparisons with --skip-without-julia")
        yield julia


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
def julia(request: pytest.FixtureRequest, _session_julia: Julia, depot: Path) -> Julia:
    """Real Julia on `depot`; skips where `requires_julia` asks for a newer one."""
    if marker := request.node.get_closest_marker("requires_julia"):
        needed, found = marker.args[0], _session_julia.version()
        if version_numbers(found) < version_numbers(needed):
            pytest.skip(f"needs Julia {needed}, found {found}")
    return _session_julia.at(depot)
