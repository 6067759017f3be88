"""Forks hash what one process hashes, whatever becomes of them.

Each test runs a program: forks are made only where there is one thread, and the
processes of pytest-xdist have more.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.trees import Tree, make_tree

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT TESTED: only on Linux are there forks"
)

BEGIN = """
import atexit, os, signal, sys, threading
from fetch_artifacts.git_tools import files, forks
from fetch_artifacts.parallel import processes

folder = sys.argv[1]
paths = [os.fsencode(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
files.LARGE = 1000
real, parent = forks.hash_small_file, os.getpid()
expected = [real(path, "git-sha1") for path in paths]

forks.WORTH_A_FORK, forks._BLOCK, forks._PAGES_A_FILE = 1, 1, 1 << 40
forks.available_cores = processes.available_cores = lambda: 3
begun, begins = os.pipe()

def in_parent():
    "Nothing, in the first call but waiting until both forks are at work."
    global in_parent
    assert os.read(begun, 1) and os.read(begun, 1)
    in_parent = lambda: None

def in_fork():
    os.write(begins, b"1")

def hash_small_file(path, algorithm):
    in_parent() if os.getpid() == parent else in_fork()
    return real(path, algorithm)

def hashed():
    forks.hash_small_file = hash_small_file
    return list(forks.hash_small_files(paths, "git-sha1"))

def no_child_is_left():
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        return True
"""

FILES: Tree = {
    **{f"f{number}": "1" * number for number in range(30)},
    "large": "1" * 1000,
    "program": (b"1", 0o755),
}


def run(tree: Path, code: str, *, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program on the files of a folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + code, str(tree)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "tree", FILES)


WHAT_BECOMES_OF_FORKS = {
    "all is well": "",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "out of memory": "raise MemoryError",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)",
    "told to end": "raise SystemExit(1)",
}


@pytest.mark.parametrize(
    "end", WHAT_BECOMES_OF_FORKS.values(), ids=WHAT_BECOMES_OF_FORKS
)
def test_the_digests_are_those_of_one_process(tree: Path, end: str) -> None:
    code = f"""
def in_fork():
    os.write(begins, b"1")
    {end}

assert hashed() == expected
assert no_child_is_left()
"""
    assert run(tree, code).stderr == ""


def test_a_program_that_ignores_its_children_gets_the_digests(tree: Path) -> None:
    run(
        tree,
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN); assert hashed() == expected",
    )


NO_FORKS = {
    "another thread": "threading.Thread(target=signal.pause, daemon=True).start()",
    "gevent": "sys.modules['gevent'] = sys",
    "jax": "sys.modules['jax'] = sys",
    "the system refuses": """
def fork():
    raise BlockingIOError("no more processes")
os.fork = fork""",
    "no memory to spare": "forks._PAGES_A_FILE = 1",
    "one core": "processes.available_cores = lambda: 1",
    "a confined program": """
def refuse(*_):
    raise PermissionError
processes.open = refuse""",
    "few files": "forks.WORTH_A_FORK = len(paths)",
}


@pytest.mark.parametrize("reason", NO_FORKS.values(), ids=NO_FORKS)
def test_one_process_hashes_where_no_fork_may_be_or_pays(
    tree: Path, reason: str
) -> None:
    code = f"""
in_parent = lambda: None
def in_fork():
    os.kill(parent, signal.SIGKILL)
{reason}
assert hashed() == expected
"""
    run(tree, code)


def test_few_files_are_collected_where_one_process_hashes_them(tree: Path) -> None:
    code = """
assert forks.available_cores() == 1 or forks.files_at_once() == forks.MOST_FILES
threading.Thread(target=signal.pause, daemon=True).start()
assert forks.files_at_once() < 1000
"""
    run(tree, code)


def test_a_worker_of_a_process_pool_does_not_fork(tree: Path) -> None:
    code = """
import multiprocessing
context = multiprocessing.get_context("fork")
parents, worker = context.Pipe()
context.Process(target=lambda: worker.send(forks.may_fork())).start()
assert forks.may_fork() and not parents.recv()
"""
    run(tree, code)


def test_a_sub_interpreter_does_not_fork(tree: Path) -> None:
    code = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
found = interpreters.run_string(interpreters.create(), '''
from fetch_artifacts.parallel.processes import may_fork
assert not may_fork()
''')
assert found is None, found
"""
    run(tree, code)


def test_the_error_is_that_of_one_process(tree: Path) -> None:
    code = """
from fetch_artifacts.errors import UnhashableFileError
paths[::4] = [os.path.join(os.fsencode(folder), b"gone")] * len(paths[::4])
try:
    hashed()
except UnhashableFileError as error:
    assert str(error).startswith(os.path.join(folder, "gone") + ": can't be read")
    assert no_child_is_left()
else:
    raise AssertionError
"""
    assert run(tree, code).stderr == ""


def test_an_interrupt_ends_the_forks(tree: Path) -> None:
    code = """
gate, opens = os.pipe()

def in_fork():
    os.write(begins, b"1")
    os.read(gate, 1)

def in_parent():
    assert os.read(begun, 1) and os.read(begun, 1)
    os.write(opens, bytes(len(paths)))
    raise KeyboardInterrupt

try:
    hashed()
except KeyboardInterrupt:
    assert no_child_is_left()
else:
    raise AssertionError
"""
    assert run(tree, code).stderr == ""


def test_ctrl_c_is_heard_once(tree: Path) -> None:
    # A terminal sends it to all processes of a program at once.
    code = """
def in_fork():
    os.write(begins, b"1")
    signal.pause()

def in_parent():
    assert os.read(begun, 1) and os.read(begun, 1)
    os.killpg(0, signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
hashed()
"""
    done = run(tree, code, status=-signal.SIGINT)
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("\nKeyboardInterrupt\n")


def test_a_fork_leaves_no_trace_of_the_program(tree: Path) -> None:
    code = """
class Garbage:
    def __del__(self):
        os.write(2, b"" if os.getpid() == parent else b"finalizer")

def in_fork():
    os.write(begins, b"1")
    many = [[] for _ in range(10_000)]  # enough to collect garbage
    signal.raise_signal(signal.SIGTERM)

garbage = Garbage()
garbage.itself = garbage
del garbage
atexit.register(print, "at exit")
signal.signal(signal.SIGTERM, lambda *_: os.write(2, b"handler"))
print("not flushed", end=", ")
assert hashed() == expected
"""
    done = run(tree, code)
    assert (done.stdout, done.stderr) == ("not flushed, at exit\n", "")
