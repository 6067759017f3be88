"""The tests that are generated for an Artifacts.toml."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fetch_artifacts.conformance.compare import (
    Comparison,
    Wanted,
    bound_platforms,
    names_in,
)
from fetch_artifacts.conformance.questions import open_julia
from fetch_artifacts.conformance.report import describe
from fetch_artifacts.errors import FetchArtifactsError, NoJuliaError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fetch_artifacts.conformance.check import Check
    from fetch_artifacts.conformance.questions import Julia

_HOST = "host"


class Oracle:
    """The Julia of a test process, started when it is first asked for.

    Args:
        choice: Which Julia, None for what the environment says.
        optional: Whether tests are skipped without one.
        tell: Called with which Julia is used, and why.
    """

    def __init__(
        self, choice: str | None, *, optional: bool, tell: Callable[[str], None]
    ) -> None:
        self._choice = choice
        self._tell = tell
        self._optional = optional
        self._stack = ExitStack()
        self._julia: Julia | None = None
        self._none: str | None = None

    def julia(self) -> Julia:
        """Give the Julia; fail or skip the test where there is none."""
        if self._none is None and self._julia is None:
            try:
                opened = open_julia(self._choice, tell=self._tell)
                self._julia = self._stack.enter_context(opened)
                version = (
                    self._julia.version()
                )  # a program starts at its first question
                self._tell(f"comparing with Julia {version}: {self._julia.reason}")
            except NoJuliaError as error:
                self._none = str(error)
        if self._none is not None:
            if self._optional:
                pytest.skip(f"NOT COMPARED WITH JULIA: {self._none}")
            hint = "or skip these tests with --artifacts-conform-optional"
            pytest.fail(f"{self._none}; {hint}", pytrace=False)
        assert self._julia is not None  # noqa: S101 - opened above
        return self._julia

    def close(self) -> None:
        """End it."""
        self._stack.close()


class ConformFile(pytest.File):
    """An Artifacts.toml to compare.

    Args:
        oracle: The Julia to ask.
        platforms: Triplets to compare for beside the host's, or ``"all"``.
    """

    def __init__(self, *, oracle: Oracle, platforms: list[str], **rest: Any) -> None:
        super().__init__(**rest)
        self._oracle = oracle
        self._platforms = platforms

    def collect(self) -> Iterator[pytest.Item]:
        """Generate a test of the file, and one for each name and platform."""
        yield self._item("file", lambda comparison, _wanted: comparison.file(), None)
        wanted: dict[str, Wanted | None] = {_HOST: None}
        try:
            wanted |= {each.triplet: each for each in self._wanted()}
        except PlatformError as error:
            raise self.CollectError(str(error)) from error
        for label, platform in wanted.items():
            yield self._item(f"downloads[{label}]", Comparison.platform, platform)
        for name in names_in(self.path):
            ask = partial(_ask_name, name)
            for label, platform in wanted.items():
                yield self._item(f"{name}[{label}]", ask, platform)

    def _wanted(self) -> Iterator[Wanted]:
        for triplet in self._platforms:
            if triplet == "all":
                yield from bound_platforms(self.path)
            else:
                yield Wanted.of(triplet)

    def _item(
        self,
        name: str,
        ask: Callable[[Comparison, Wanted], Iterable[Check]],
        wanted: Wanted | None,
    ) -> pytest.Item:
        return ConformItem.from_parent(
            self, name=name, oracle=self._oracle, ask=ask, wanted=wanted
        )


def _ask_name(name: str, comparison: Comparison, wanted: Wanted) -> Iterator[Check]:
    return comparison.name(name, wanted)


class ConformItem(pytest.Item):
    """One comparison.

    Args:
        oracle: The Julia to ask.
        ask: What gives the checks for a platform.
        wanted: The platform, None for the one that Julia runs on.
    """

    def __init__(
        self,
        *,
        oracle: Oracle,
        ask: Callable[[Comparison, Wanted], Iterable[Check]],
        wanted: Wanted | None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self._oracle = oracle
        self._ask = ask
        self._wanted = wanted

    def runtest(self) -> None:
        """Ask both, and fail with what differs."""
        julia = self._oracle.julia()
        comparison = Comparison(julia, self.path)
        checks = list(self._ask(comparison, self._wanted or Wanted.host(julia)))
        different = [
            describe(check) for check in checks if check.outcome == "different"
        ]
        if different:
            pytest.fail("\n".join(different), pytrace=False)
        if all(check.outcome == "skipped" for check in checks):
            pytest.skip("; ".join(sorted({check.skipped for check in checks})))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override] # pytest's own is narrower by a union
        """Show our errors as their messages."""
        if isinstance(excinfo.value, FetchArtifactsError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the test in the report."""
        return self.path, None, f"{self.path.name}: {self.name}"
