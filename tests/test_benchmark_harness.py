"""The harness of the benchmarks: who runs when, and what the table says."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from itertools import pairwise, product

import pytest

from benchmarks.harness import compare, memory_folder, peak_memory, per_call


def test_contenders_take_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    contenders = {name: lambda name=name: calls.append(name) for name in ("ours", "b")}

    compare("title", contenders, rounds=2, before=lambda: calls.append("-"))

    assert "".join(calls) == "-ours-b-b-ours-b-ours"


def test_each_contender_follows_each_other() -> None:
    calls: list[str] = []
    contenders = {name: partial(calls.append, name) for name in "abc"}

    compare("title", contenders, rounds=5, reference="a")

    assert "".join(calls) == "abccbabcaacbcabbac"
    assert {*pairwise(calls)} == {*product("abc", repeat=2)}


def test_a_float_counts_as_the_time_and_ratios_are_of_paired_rounds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A machine that is ten times as slow in one round changes no ratio.
    ours = iter([9.0, 0.001, 0.01, 0.001])
    other = iter([9.0, 0.002, 0.02, 0.002])

    timings = compare(
        "title", {"ours": lambda: next(ours), "b": lambda: next(other)}, rounds=3
    )

    assert timings["b"].seconds == (0.002, 0.02, 0.002)
    assert timings["b"].ratio == 2.0
    assert capsys.readouterr().out.splitlines() == [
        "",
        "title",
        "              min     median    by ours",
        "  ours       1 ms       1 ms       1.00",
        "  b          2 ms       2 ms       2.00",
    ]


def test_a_command_that_fails_is_no_contender() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]

    with pytest.raises(subprocess.CalledProcessError):
        compare("title", {"ours": command}, rounds=1)


def test_the_time_of_one_call_is_the_mean_of_many() -> None:
    calls: list[int] = []

    taken = per_call(lambda: calls.append(1), 10)()

    assert len(calls) == 10
    assert 0 <= taken < 0.1


@pytest.mark.skipif(sys.platform == "win32", reason="wait4 exists on Unix only")
def test_the_peak_memory_is_that_of_the_command_alone() -> None:
    ballast = bytearray(300_000_000)  # this process must not count

    peak = peak_memory([sys.executable, "-c", "bytearray(40_000_000)"])

    assert 40_000_000 < peak < 200_000_000
    assert len(ballast) == 300_000_000


def test_the_memory_folder_is_gone_afterwards() -> None:
    with memory_folder() as folder:
        (folder / "file").touch()

    assert not folder.exists()
