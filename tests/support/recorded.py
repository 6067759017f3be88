"""``pytest --recorded``: only what is compared with recorded answers, and how much."""

from __future__ import annotations

from collections import Counter

import pytest

from support.fixtures import FIXTURES, LOADED

# Fewer answers than these mean that comparisons have vanished.
FLOOR = 2000


class RecordedOnly:
    """A plugin that keeps the tests of the modules that load recorded answers."""

    def __init__(self) -> None:
        self._passed = 0

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        kept: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            module = item.getparent(pytest.Module)
            loads = module is not None and hasattr(module.obj, "load_vectors")
            (kept if loads else others).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed += report.when == "call" and report.passed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if sum(LOADED.values()) < FLOOR:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print a line after everything else that pytest prints."""
        if hasattr(config, "workerinput"):
            return
        writer = config.get_terminal_writer()
        answers: Counter[str] = Counter()
        for (version, _), number in LOADED.items():
            answers[version] += number
        told = ", ".join(f"{n:,} of Julia {v}" for v, n in sorted(answers.items()))
        recorded = {
            (path.parent.name.removeprefix("julia-"), path.stem)
            for path in FIXTURES.glob("julia-*/*.toml")
        }
        left = sorted(recorded - LOADED.keys())
        unused = ", ".join(f"{domain} of {version}" for version, domain in left)
        writer.line(
            f"compared with recorded answers ({told}; no live Julia): "
            f"{self._passed} tests; recorded, but not compared: {unused or 'none'}",
            bold=True,
        )
        if sum(LOADED.values()) < FLOOR:
            writer.line(
                f"ERROR: expected at least {FLOOR} answers: some have vanished",
                red=True,
                bold=True,
            )
