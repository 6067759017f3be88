"""What a fork does to the program: nothing.

The tests run a program, as one with threads is not forked.
"""

from __future__ import annotations

import platform
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


@pytest.mark.skipif(
    not platform.libc_ver()[0], reason="NOT TESTED: malloc is not that of glibc"
)
def test_threads_of_a_fork_may_share_the_memory_that_they_free() -> None:
    # For each thread glibc reserves 64 MB of addresses, unless they share.
    code = """
import threading
def reserved():
    "Pages of addresses that four threads take, in MB, less their stacks."
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[0])
    barrier = threading.Barrier(5)
    def use():
        bytes(100_000)
        barrier.wait()
        barrier.wait()
    threading.stack_size(1 << 20)
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads: thread.start()
    barrier.wait()
    with open("/proc/self/statm") as file:
        after = int(file.read().split()[0])
    barrier.wait()
    for thread in threads: thread.join()
    return (after - before) * os.sysconf("SC_PAGESIZE") >> 20
def work():
    processes.reuse_memory()
    os.write(1, b"%d " % reserved())
forked(work)
print(reserved())
"""
    shared, own = map(int, run(code).split())
    assert shared < 64 < own
