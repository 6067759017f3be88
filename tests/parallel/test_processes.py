"""What a fork does to the program: nothing.

The tests run a program, as one with threads is not forked.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT TESTED: only on Linux are there forks"
)


BEGIN = """
import atexit, gc, os, sys
from fetch_artifacts.parallel import processes

def forked(work):
    with processes.signals_blocked() as mask:
        child = processes.fork(work, mask)
    processes.wait_for(child)
"""


def run(code: str) -> str:
    """Run a program; give what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fork_leaves_the_objects_of_the_program_alone() -> None:
    # A cycle that nothing needs any more is the program's to collect, once.
    code = """
gc.disable()
class Deletes:
    def __del__(self):
        print("deleted", flush=True)
one = Deletes()
one.itself = one
del one
def work():
    gc.collect()
    os.write(1, b"worked, ")
forked(work)
gc.collect()
"""
    assert run(code) == "worked, deleted\n"


def test_a_fork_runs_no_exit_function_and_flushes_nothing() -> None:
    code = """
atexit.register(print, "exit")
sys.stdout.reconfigure(write_through=False, line_buffering=False)
print("buffered")
forked(lambda: os.write(1, b"worked, "))
"""
    assert run(code) == "worked, buffered\nexit\n"
