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


def run(code: str) -> str:
    """Run a program; give what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
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
import gc
from fetch_artifacts.parallel.processes import fork, wait_for
gc.disable()
class Deletes:
    def __del__(self):
        print("deleted", flush=True)
one = Deletes()
one.itself = one
del one
def work():
    gc.collect()
fork(work, wait_for)
print("forked", flush=True)
gc.collect()
"""
    assert run(code) == "forked\ndeleted\n"


def test_a_fork_runs_no_exit_function_and_flushes_nothing() -> None:
    code = """
import atexit
from fetch_artifacts.parallel.processes import fork, wait_for
atexit.register(print, "exit")
print("buffered")
fork(int, wait_for)
"""
    assert run(code) == "buffered\nexit\n"
