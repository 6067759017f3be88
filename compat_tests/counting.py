"""How many comparisons were made, with which Julia, and how many were not, for what."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from fetch_artifacts.conformance.questions import version_numbers
from fetch_artifacts.conformance.transports import Transport

LIVE = "compared_live"
RECORDED = "compared_recorded"
SKIPPED = "not_compared"
NO_JULIA = "NOT COMPARED WITH JULIA"
JULIA = "julia"
ANSWERS = "answers"
VERBS = "verbs"
KNOWN_VERBS = "known_verbs"
# The verbs whose arguments are a question: how many stand before that one's verb.
_WRAPPERS = {"logged": 0, "seconds": 1}

# Tests that a Julia of that version or newer takes part in, at least. Fewer means that
# comparisons have vanished, and fails the session. Julia 1.5.3 takes part in 385. The
# others follow from the tests: `requires_julia` gives 1.6 sixteen more and two recorded
# domains fewer, 1.10 four more, 1.12 seven more; 1.13 skips thirty of gc's. Each floor
# is eight below, for a machine without nginx, git or a build backend.
FLOORS = {"1.5": 377, "1.6": 391, "1.10": 395, "1.12": 402, "1.13": 372}


@dataclass
class Counted:
    """A transport that counts what it carries.

    Attributes:
        transport: The transport.
        answers: How many questions it carried since the last look.
        verbs: Their verbs.
    """

    transport: Transport
    answers: int = 0
    verbs: set[str] = field(default_factory=set)

    def exchange(self, request: str) -> str:
        for verb in _verbs(request):
            self.answers += 1
            self.verbs.add(verb)
        return self.transport.exchange(request)

    def close(self) -> None:
        self.transport.close()

    def take(self) -> tuple[int, list[str]]:
        taken = self.answers, sorted(self.verbs)
        self.answers, self.verbs = 0, set()
        return taken


def _verbs(request: str) -> Iterator[str]:
    """The verbs of a request, of those inside it too."""
    verb, _, *arguments = (base64.b64decode(each) for each in request.split(" "))
    yield verb.decode()
    if verb == b"batch":
        for each in arguments:
            yield from _verbs(each.decode())
    elif (place := _WRAPPERS.get(verb.decode())) is not None:
        yield arguments[place].decode()


def _floor(version: tuple[int, ...]) -> int:
    """The floor of the newest Julia in the table that is no newer than a version."""
    reached = [least for least in FLOORS if version_numbers(least) <= version]
    return FLOORS[max(reached, key=version_numbers)] if reached else 0


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped that does not say what it needed."""
    text = str(report.longrepr)
    return "want of a Julia" if NO_JULIA in text else "another reason"


@dataclass(eq=False)  # pluggy wants plugins that hash
class Tally:
    """The counts of one run; a plugin of the process that reports."""

    check_floor: bool
    live: int = 0
    recorded: int = 0
    answers: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    julias: set[str] = field(default_factory=set)
    verbs: set[str] = field(default_factory=set)
    known_verbs: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = dict(report.user_properties)
        if report.when == "teardown":
            self.answers += int(str(facts.get(ANSWERS, 0)))
            self.verbs |= set(str(facts.get(VERBS, "")).split())
            self.known_verbs |= set(str(facts.get(KNOWN_VERBS, "")).split())
            return
        self.julias |= {str(facts[JULIA])} if JULIA in facts else set()
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[str(facts.get(SKIPPED) or _reason(report))] += 1
        elif report.when == "call":
            self.live += LIVE in facts
            self.recorded += int(str(facts.get(RECORDED, 0)))

    def line(self) -> str:
        skipped = ", ".join(
            f"{number} for {what}" for what, number in sorted(self.skipped.items())
        )
        return (
            f"compared with {' and '.join(sorted(self.julias)) or 'no live Julia'}: "
            f"{self.live} tests live ({self.answers:,} answers; "
            f"{len(self.known_verbs & self.verbs)} of {len(self.known_verbs)} verbs), "
            f"{self.recorded:,} recorded answers; skipped: {skipped or 'none'}"
        )

    def fault(self) -> str:
        """Why the run is to fail, where too little was compared."""
        versions = [version_numbers(julia.split()[1]) for julia in self.julias]
        if not self.check_floor or not versions:
            return ""
        floor = _floor(min(versions))
        if unasked := self.known_verbs - self.verbs:
            return f"no test asks Julia: {', '.join(sorted(unasked))}"
        if self.live >= floor:
            return ""
        return f"expected at least {floor} live comparisons: some have vanished"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.fault() and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the line after everything else that pytest prints."""
        if hasattr(config, "workerinput"):
            return
        writer = config.get_terminal_writer()
        writer.line(self.line(), bold=True)
        if fault := self.fault():
            writer.line(f"ERROR: {fault}", red=True, bold=True)
