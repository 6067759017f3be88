"""How many comparisons were made, with which Julia, and how many were not, for what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from fetch_artifacts.conformance.questions import version_numbers
from fetch_artifacts.conformance.transports import Transport

LIVE = "compared_live"
RECORDED = "compared_recorded"
SKIPPED = "not_compared"
JULIA = "julia"
ANSWERS = "answers"

# Tests that a Julia of that version or newer takes part in, at least. Fewer means that
# comparisons have vanished, and fails the session.
FLOORS = {"1.5": 300, "1.6": 330, "1.10": 340, "1.12": 350}


@dataclass
class Counted:
    """A transport that counts what it carries.

    Attributes:
        transport: The transport.
        answers: How many lines it carried since the last look.
    """

    transport: Transport
    answers: int = 0

    def exchange(self, request: str) -> str:
        self.answers += 1
        return self.transport.exchange(request)

    def close(self) -> None:
        self.transport.close()

    def take(self) -> int:
        answers, self.answers = self.answers, 0
        return answers


@dataclass
class Tally:
    """The counts of one run; a plugin of the process that reports."""

    check_floor: bool
    live: int = 0
    recorded: int = 0
    answers: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    julias: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = dict(report.user_properties)
        if report.when == "teardown":
            self.answers += int(str(facts.get(ANSWERS, 0)))
            return
        self.julias |= {str(facts[JULIA])} if JULIA in facts else set()
        if report.skipped and not hasattr(report, "wasxfail"):
            if needed := facts.get(SKIPPED):
                self.skipped[str(needed)] += 1
        elif report.when == "call":
            self.live += LIVE in facts
            self.recorded += int(str(facts.get(RECORDED, 0)))

    def line(self) -> str:
        skipped = ", ".join(
            f"{number} for {what}" for what, number in sorted(self.skipped.items())
        )
        return (
            f"compared with {' and '.join(sorted(self.julias)) or 'no live Julia'}: "
            f"{self.live} tests live ({self.answers:,} answers), "
            f"{self.recorded:,} recorded answers; skipped: {skipped or 'none'}"
        )

    def fault(self) -> str:
        """Why the run is to fail, where too little was compared."""
        versions = [version_numbers(julia.split()[1]) for julia in self.julias]
        if not self.check_floor or not versions:
            return ""
        floor = max(
            (
                number
                for least, number in FLOORS.items()
                if version_numbers(least) <= min(versions)
            ),
            default=0,
        )
        if self.live >= floor:
            return ""
        return f"expected at least {floor} live comparisons: some have vanished"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.fault() and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        terminalreporter.write_line(self.line(), bold=True)
        if fault := self.fault():
            terminalreporter.write_line(f"ERROR: {fault}", red=True, bold=True)
