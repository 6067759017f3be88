"""What hangs says where, and ends.

pytest-timeout makes a test fail after the time that pyproject.toml gives it. Where that
does not end it, or where the end of a session hangs, the process ends here.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Generator

import pytest

LONGEST = 1200.0  # seconds, of a test or of the end of a session


class Hangs:
    """A plugin that ends a process of pytest in which something hangs."""

    def __init__(self, config: pytest.Config) -> None:
        capture = config.pluginmanager.get_plugin("capturemanager")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            self._stderr = os.dup(2)

    def _watch(self) -> None:
        faulthandler.dump_traceback_later(LONGEST, exit=True, file=self._stderr)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._watch()
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._watch()

    def pytest_unconfigure(self) -> None:
        """Let a worker wait for the others as long as they take."""
        faulthandler.cancel_dump_traceback_later()
        os.close(self._stderr)
