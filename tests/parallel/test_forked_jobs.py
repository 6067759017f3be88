"""Jobs run in forks as in threads, whatever becomes of the forks.

Each test runs a program: forks are made only where there is one thread, and the
processes of pytest-xdist have more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT TESTED: only on Linux are there forks"
)

BEGIN = """
import functools, logging, os, signal, sys, threading, time
from fetch_artifacts.parallel import forked_jobs, threads
from fetch_artifacts.errors import DownloadError, FetchArtifactsError

parent, stopped, heard = os.getpid(), threading.Event(), []

def begin(send):
    global tell
    tell = send

def run(jobs, processes=2, workers=4, hear=heard.append):
    if not isinstance(jobs, dict):
        jobs = dict(enumerate(jobs))
    return forked_jobs.run_in_forks(
        jobs, processes=processes, workers=workers, stopped=stopped, begin=begin,
        hear=hear,
    )

def results(*args, **more):
    return {key: done.result() for key, done in run(*args, **more).items()}

def in_fork():
    return os.getpid() != parent

def no_child_is_left():
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        return True
"""


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def test_the_results_come_from_forks_in_the_order_of_the_jobs(folder: Path) -> None:
    code = """
def job(number):
    open(os.path.join(folder, f"{os.getpid()}"), "a").close()
    while len(os.listdir(folder)) < 2:
        time.sleep(0.01)
    time.sleep(0.01 * (number % 3))
    return number, os.getpid()
folder = sys.argv[1]
found = run({f"job {n}": functools.partial(job, n) for n in range(20)})
assert list(found) == [f"job {n}" for n in range(20)]
numbers, processes = zip(*(done.result() for done in found.values()))
assert numbers == tuple(range(20))
assert len(set(processes)) == 2 and parent not in processes
assert no_child_is_left() and not stopped.is_set()
"""
    assert run(code, folder).stderr == ""


def test_as_many_jobs_as_wanted_run_at_once(folder: Path) -> None:
    code = """
folder = sys.argv[1]
def job():
    name = os.path.join(folder, f"{os.getpid()} {threading.get_ident()}")
    open(name, "x").close()
    time.sleep(0.02)
    most = len(os.listdir(folder))
    os.unlink(name)
    return most
assert max(results([job] * 30, processes=2, workers=5).values()) in (4, 5)
"""
    run(code, folder)


def test_there_are_no_more_threads_than_jobs() -> None:
    code = """
def job():
    time.sleep(0.02)
    return threading.active_count()
assert max(results([job] * 6, workers=50).values()) <= 3 + len(["main", "lifeline"])
"""
    run(code)


def test_an_error_keeps_its_class_its_values_and_where_it_came_from() -> None:
    code = """
def job():
    raise DownloadError("https://example.org/x: no answer", url="u", status=503)
error = run([job, int])[0].exception()
assert type(error) is DownloadError and error.status == 503 and error.url == "u"
assert str(error) == "https://example.org/x: no answer"
assert "in job" in str(error.__cause__)
"""
    assert run(code).stderr == ""


def test_the_handlers_of_this_process_get_each_record_once() -> None:
    code = """
records = []
class Handler(logging.Handler):
    def emit(self, record):
        said = record.getMessage()
        records.append((record.name, record.levelname, said, in_fork()))
log = logging.getLogger("fetch_artifacts.some.module")
for name in ("", "fetch_artifacts"):
    logging.getLogger(name).addHandler(Handler())
logging.getLogger("fetch_artifacts").setLevel(logging.INFO)
logging.getLogger("fetch_artifacts").propagate = False
def job():
    log.debug("unwanted")
    log.info("%s of %d", "one", 2)
    logging.getLogger("other").warning("of another library")
run([job])
name = "fetch_artifacts.some.module"
assert sorted(records) == [
    (name, "INFO", "one of 2", False),
    ("other", "WARNING", "of another library", False),
], records
"""
    assert run(code).stderr == ""


def test_a_warning_is_shown_where_nobody_handles_records() -> None:
    code = """
run([lambda: logging.getLogger("fetch_artifacts").warning("old %s", "entry")])
"""
    assert run(code).stderr == "old entry\n"


def test_a_handler_is_not_finalized_in_a_fork(folder: Path) -> None:
    code = """
file = open(os.path.join(sys.argv[1], "log"), "w")
file.write("once")
logging.basicConfig(stream=file)
file = None
run([int])
logging.root.handlers[0].stream.close()
"""
    assert run(code, folder).stderr == ""
    assert (folder / "log").read_text() == "once"


def test_a_record_comes_without_what_can_not_be_pickled() -> None:
    code = """
class Record(logging.LogRecord):
    def __init__(self, name, *rest):
        super().__init__(name, *rest)
        self.lock, self.place = threading.Lock(), name.upper()
logging.setLogRecordFactory(Record)
logging.basicConfig(format="%(place)s: %(message)s")
run([lambda: logging.getLogger("other").warning("of %d", 1)])
"""
    assert run(code).stderr == "OTHER: of 1\n"


def test_a_warning_of_each_fork_is_shown_once(folder: Path) -> None:
    code = """
logging.basicConfig(format="%(message)s", level=logging.INFO)
def job():
    os.mkdir(os.path.join(sys.argv[1], str(os.getpid())))
    while len(os.listdir(sys.argv[1])) < 2:
        time.sleep(0.01)
    for said in ("twice", "twice", f"{os.getpid()}"):
        logging.warning(said)
    logging.info("not a warning")
run([job] * 2, workers=2)
"""
    said = run(code, folder).stderr.splitlines()
    expected = ["twice", "twice", *["not a warning"] * 2, *names(folder)]
    assert sorted(said) == sorted(expected)


def test_messages_come_in_the_order_of_each_job() -> None:
    code = """
def job(number):
    for step in range(50):
        tell((number, step))
run([functools.partial(job, number) for number in range(4)])
for number in range(4):
    assert [step for job, step in heard if job == number] == list(range(50))
"""
    run(code)


NOTHING_COMES = {
    "no more memory": "raise MemoryError",
    "no more threads": 'raise RuntimeError("can\'t start new thread")',
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "an outcome that can't be pickled": "return lambda: 0",
    "an error that can't be pickled": "raise ValueError(lambda: 0)",
    "an error that can't be made again": """
        class Odd(Exception):
            def __init__(self, first, second): super().__init__(first)
        globals()["Odd"] = Odd
        raise Odd(1, 2)""",
    "an outcome of 1 MB": "return '1' * 1_000_000",
}


@pytest.mark.parametrize("what", NOTHING_COMES.values(), ids=NOTHING_COMES)
def test_what_a_fork_could_not_do_this_process_does(what: str) -> None:
    code = f"""
def job(number):
    if in_fork() and number == 3:
        {what}
    return number
found = results([functools.partial(job, number) for number in range(8)])
assert found == dict(enumerate(range(8))), found
assert no_child_is_left()
"""
    assert run(code).stderr == ""


NO_FORKS = {
    "no more processes": "os.fork = lambda: open('/nowhere')",
    "no more open files": "import resource\n"
    "least = len(os.listdir('/proc/self/fd'))\n"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (least, 99))",
    "a fork can't begin": "begin = lambda send: 1 / 0",
}


@pytest.mark.parametrize("reason", NO_FORKS.values(), ids=NO_FORKS)
def test_this_process_does_all_where_the_system_refuses_forks(reason: str) -> None:
    code = f"""
{reason}
assert set(results([os.getpid] * 5).values()) == {{parent}}
"""
    assert run(code).stderr == ""


def test_jobs_beyond_those_that_fit_into_the_pipe_run_here() -> None:
    code = """
forked_jobs._MOST = 3
found = results([os.getpid] * 5)
assert [found[number] == parent for number in range(5)] == [False] * 3 + [True] * 2
"""
    run(code)


def test_a_program_that_ignores_its_children_gets_the_results() -> None:
    run(
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "assert all(results([in_fork] * 5).values())"
    )


def test_a_fork_ignores_what_terminals_and_schedulers_send() -> None:
    code = """
def job():
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        os.kill(os.getpid(), getattr(signal, name))
    return in_fork()
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: sys.exit(1))
assert all(results([job] * 4).values())
"""
    run(code)


STOPPED = """
folder = sys.argv[1]
def job(number):
    open(os.path.join(folder, f"begun {number}"), "x").close()
    stopped.wait(50)
    time.sleep(0.1)
    open(os.path.join(folder, f"ended {number}"), "x").close()

def begun():
    return len(os.listdir(folder)) >= 4

jobs = [functools.partial(job, number) for number in range(6)]
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


ALL = [f"{what} {number}" for what in ("begun", "ended") for number in range(4)]


@pytest.mark.parametrize("is_kept", [False, True])
def test_an_interrupt_stops_the_forks_and_waits_for_their_end(
    folder: Path, *, is_kept: bool
) -> None:
    # In the second case, another program holds this process's end of the pipe open.
    code = f"""
import subprocess
{STOPPED}
real = os.pipe
def pipe():
    ends = real()
    os.set_inheritable(ends[1], {is_kept})
    return ends
os.pipe = pipe

def interrupt():
    while not begun():
        time.sleep(0.01)
    os.killpg(0, signal.SIGINT)

def hear(message):
    global other
    os.pipe = real
    other = subprocess.Popen(
        ["sleep", "300"], close_fds=False, start_new_session=True
    )
    threading.Thread(target=interrupt).start()

jobs[3] = lambda job=jobs[3]: (tell("begun"), job())
try:
    run(jobs, hear=hear)
except KeyboardInterrupt:
    other.kill()
    other.wait()
    assert stopped.is_set() and no_child_is_left()
    print("interrupted")
"""
    assert run(code, folder).stdout == "interrupted\n"
    assert names(folder) == ALL


def test_an_interrupt_that_ends_no_wait_is_heard_soon() -> None:
    # One that comes right before the wait does not end it, nor does this one.
    code = """
def interrupt():
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

def hear(message):
    threading.Thread(target=interrupt).start()

try:
    run([lambda: (tell("begun"), stopped.wait(50))], hear=hear)
except KeyboardInterrupt:
    print("interrupted")
"""
    begun = time.monotonic()
    assert run(code).stdout == "interrupted\n"
    assert time.monotonic() - begun < 30


def test_an_interrupt_while_forks_are_made_leaves_none_behind() -> None:
    code = """
real = os.fork
def fork():
    child = real()
    if child:
        os.kill(parent, signal.SIGINT)
    return child
os.fork = fork
try:
    run([functools.partial(stopped.wait, 50)] * 4)
except KeyboardInterrupt:
    assert stopped.is_set() and no_child_is_left()
    print("interrupted")
"""
    assert run(code).stdout == "interrupted\n"


ALARM = """
def late(*_):
    raise TimeoutError("late")
signal.signal(signal.SIGALRM, late)
"""
WHEN_IT_IS_LATE = {
    "a message is waited for": """
def job():
    stopped.wait(50)
signal.setitimer(signal.ITIMER_REAL, 0.5)""",
    "forks are made": """
real = os.pipe
def pipe():
    os.kill(parent, signal.SIGALRM)
    return real()
os.pipe = pipe""",
    "an error is made again": """
class Odd(Exception):
    def __setstate__(self, state):
        os.kill(parent, signal.SIGALRM)
def job():
    error = Odd()
    error.note = "note"
    raise error""",
}


@pytest.mark.parametrize("when", WHEN_IT_IS_LATE.values(), ids=WHEN_IT_IS_LATE)
def test_no_error_of_a_signal_handler_is_lost(when: str) -> None:
    code = f"""
{ALARM}
job = int
{when}
try:
    run([job])
except TimeoutError as error:
    assert stopped.is_set() and no_child_is_left()
    print(error)
"""
    assert run(code).stdout == "late\n"


def test_an_interrupt_right_before_a_fork_blocks_no_signals() -> None:
    code = """
real = signal.pthread_sigmask
def interrupted(how, numbers):
    before = real(how, numbers)
    if how == signal.SIG_BLOCK and set(numbers):
        raise KeyboardInterrupt
    return before
signal.pthread_sigmask = interrupted
try:
    run([int])
except KeyboardInterrupt:
    print(real(signal.SIG_BLOCK, ()))
"""
    assert run(code).stdout == "set()\n"


def test_an_error_of_the_listener_stops_the_forks(folder: Path) -> None:
    code = f"""
{STOPPED}
def hear(message):
    while not begun():
        time.sleep(0.01)
    raise ZeroDivisionError
jobs[3] = lambda job=jobs[3]: (tell("begun"), job())
try:
    run(jobs, hear=hear)
except ZeroDivisionError:
    assert no_child_is_left()
    print("stopped")
"""
    assert run(code, folder).stdout == "stopped\n"
    assert names(folder) == ALL


def test_forks_stop_when_their_parent_is_killed(folder: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", f"{BEGIN}{STOPPED}\nrun(jobs)", str(folder)],
        start_new_session=True,
    )
    with program:
        while len(names(folder)) < 4:
            assert program.poll() is None
            time.sleep(0.01)
        os.kill(program.pid, signal.SIGKILL)
    for _ in range(1000):
        if names(folder) == ALL:
            break
        time.sleep(0.01)
    assert names(folder) == ALL
