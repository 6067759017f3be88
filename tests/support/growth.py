"""How much more work a larger input makes, without a clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def growth(work: Callable[[T], object], small: T, large: T) -> float:
    """How many times as many calls the work makes for the large input.

    Calls of functions in Python and in C count, and each step of a generator.
    """
    for given in (small, large):
        work(given)  # what is remembered from now on does not count
    return _calls(work, large) / _calls(work, small)


def _calls(work: Callable[[T], object], given: T) -> int:
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work(given)
    finally:
        sys.setprofile(before)
    return count
