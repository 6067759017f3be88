"""The rules are those of Julia's pidfile.jl, the waiting times measured on 1.12.5."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import cache
from pathlib import Path

import pytest

from fetch_artifacts.errors import LockTimeoutError
from fetch_artifacts.files.locks import waiting
from fetch_artifacts.files.locks.lock_file import LockHolder, parse_holder
from fetch_artifacts.files.locks.pidlock import is_held, pid_lock
from support.fixtures import UNIX

HOST = socket.gethostname()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "artifact_usage.toml.pid"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def leave_lock(path: Path, content: str, *, age: float) -> None:
    """A lock file of someone else, last refreshed so many seconds ago."""
    path.write_text(content)
    path.chmod(0o444)
    moment = time.time() - age
    os.utime(path, (moment, moment))


def is_free(path: Path, *, stale_age: float = 3) -> bool:
    try:
        with pid_lock(path, stale_age=stale_age, timeout=0):
            return True
    except LockTimeoutError:
        return False


@cache
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_file_holds_pid_and_host_without_a_newline(path: Path) -> None:
    with pid_lock(path, stale_age=3):
        assert path.read_bytes() == f"{os.getpid()} {HOST}".encode()


# Julia's is 0444 less the umask. Who may not read it waits for all of its stale age,
# also where its process is dead.
@UNIX
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_file_can_be_read_by_all_whatever_the_umask_is(
    path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with pid_lock(path, stale_age=3):
            assert path.stat().st_mode & 0o7777 == 0o444
    finally:
        os.umask(before)


def test_the_file_is_gone_afterwards(path: Path) -> None:
    with pid_lock(path, stale_age=3):
        pass
    assert not path.exists()


def test_the_file_is_gone_after_an_error(path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), pid_lock(path, stale_age=3):
        raise RuntimeError("inside")
    assert not path.exists()


def test_the_file_is_refreshed_again_and_again(path: Path) -> None:
    with pid_lock(path, stale_age=0.2):
        for _ in range(2):
            os.utime(path, (0, 0))
            wait_until(lambda: path.stat().st_mtime > 0)


def test_the_file_is_refreshed_after_half_a_stale_age(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float | None] = []
    wait = threading.Event.wait

    def noted(self: threading.Event, timeout: float | None = None) -> bool:
        pauses.append(timeout)
        return wait(self, timeout)

    monkeypatch.setattr(threading.Event, "wait", noted)
    with pid_lock(path, stale_age=300):
        wait_until(lambda: 150 in pauses)


def test_release_does_not_wait_for_the_next_refresh(path: Path) -> None:
    began = time.perf_counter()
    with pid_lock(path, stale_age=600):
        pass
    assert time.perf_counter() - began < 60


# Measured on 1.12.5, stale_age 3 (pidfile.jl). Here a hundred times as
# long, so that a machine that is busy for seconds changes nothing.
@pytest.mark.parametrize(
    ("content", "age", "free"),
    [
        ("{dead} {host}", 4, True),
        ("{alive} {host}", 4, False),
        ("{alive} {host}", 14, False),
        ("{alive} {host}", 16, True),
        ("{dead} elsewhere", 14, False),
        ("{dead} elsewhere", 16, True),
        ("", 2, False),
        ("", 4, True),
        ("{dead} {host}\n", 14, False),  # a newline makes the host a foreign one
        ("{dead} {host}\n", 16, True),
        ("{dead}", 4, True),
        ("0 {host}", 4, True),
        ("2147483648 {host}", 4, True),
        ("nonsense", 4, True),
    ],
)
def test_a_lock_is_stale_by_the_rules_of_julia(
    path: Path, content: str, age: float, free: bool
) -> None:
    text = content.format(dead=dead_pid(), alive=os.getpid(), host=HOST)
    leave_lock(path, text, age=100 * age)
    assert free is is_free(path, stale_age=300)


def test_a_holder_that_may_be_alive_is_told_when_its_lock_is_taken_over(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave_lock(path, f"{dead_pid()} elsewhere", age=1600)
    assert is_free(path, stale_age=300)
    assert [each.levelname for each in caplog.records] == ["WARNING"]


def test_another_users_process_counts_as_alive(path: Path) -> None:
    leave_lock(path, f"1 {HOST}", age=400)
    assert not is_free(path, stale_age=300)


def test_a_wait_ends_when_the_lock_becomes_stale(path: Path) -> None:
    began = time.perf_counter()
    leave_lock(path, "", age=0)
    with pid_lock(path, stale_age=0.4, timeout=60):
        waited = time.perf_counter() - began
    assert waited > 0.3


def test_a_lock_from_the_future_is_stale_once_it_was_watched_long_enough(
    path: Path,
) -> None:
    leave_lock(path, f"{dead_pid()} {HOST}", age=-3600)
    with pid_lock(path, stale_age=0.3, timeout=60):
        pass


def test_a_lock_from_the_future_that_is_refreshed_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_lock(path, f"{dead_pid()} elsewhere", age=-3600)
    sleep = time.sleep

    def refresh_and_sleep(seconds: float) -> None:
        sleep(seconds)
        moment = time.time() + 3600
        os.utime(path, (moment, moment))

    monkeypatch.setattr(time, "sleep", refresh_and_sleep)
    with (
        pytest.raises(LockTimeoutError),
        pid_lock(path, stale_age=0.1, timeout=1),
    ):
        pass


def test_a_wait_removes_one_stale_lock_and_no_second(path: Path) -> None:
    removed: list[str] = []

    class LeaveAnother(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            removed.append(record.getMessage())
            leave_lock(path, f"{dead_pid()} elsewhere", age=100)

    logger = logging.getLogger("fetch_artifacts.files.locks.waiting")
    handler = LeaveAnother()
    logger.addHandler(handler)
    leave_lock(path, f"{dead_pid()} {HOST}", age=100)
    try:
        with (
            pytest.raises(LockTimeoutError, match="elsewhere"),
            pid_lock(path, stale_age=3, timeout=0.1),
        ):
            pass
    finally:
        logger.removeHandler(handler)
    assert len(removed) == 1
    assert str(path) in removed[0]


def test_a_lock_that_was_replaced_is_left_to_its_new_holder(path: Path) -> None:
    with pid_lock(path, stale_age=3):
        path.unlink()
        path.write_text("1 elsewhere")
    assert path.read_text() == "1 elsewhere"


def test_a_lock_that_was_removed_is_no_error(path: Path) -> None:
    with pid_lock(path, stale_age=0.05):
        path.unlink()
        time.sleep(0.1)
    assert not path.exists()


def test_a_wait_ends_at_once_when_the_holder_is_done(path: Path) -> None:
    leave_lock(path, f"{os.getpid()} {HOST}", age=0)
    released = threading.Event()

    def release() -> None:
        released.set()
        path.unlink()

    threading.Timer(0.4, release).start()
    with pid_lock(path, stale_age=600, timeout=60):
        assert released.is_set()


def crowd(path: Path, *, times: int = 1) -> list[int]:
    """How many of eight threads were inside whenever one of them had the lock."""
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(times):
            with pid_lock(path, stale_age=300):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


def test_threads_exclude_each_other(path: Path) -> None:
    assert crowd(path, times=5) == [1] * 40


def test_processes_exclude_each_other(path: Path, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    script = (
        "import sys; from pathlib import Path;"
        "from fetch_artifacts.files.locks.pidlock import pid_lock\n"
        "for _ in range(50):\n"
        "    with pid_lock(Path(sys.argv[1]), stale_age=300):\n"
        "        counter = Path(sys.argv[2])\n"
        "        counter.write_text(str(int(counter.read_text()) + 1))\n"
    )
    command = [sys.executable, "-c", script, str(path), str(counter)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert counter.read_text() == "150"


def test_after_two_seconds_the_waiter_is_told_who_holds_the_lock(path: Path) -> None:
    leave_lock(path, "4711 elsewhere", age=0)
    written = path.stat().st_mtime
    told: list[LockHolder] = []

    def tell(lock: Path, holder: LockHolder, seconds: float) -> None:
        assert lock == path
        assert seconds >= 2
        told.append(holder)
        threading.Timer(0.6, path.unlink).start()

    with pid_lock(path, stale_age=600, timeout=60, on_wait=tell):
        pass
    assert [LockHolder(pid=4711, host="elsewhere", since=written)] == told


def test_the_waiter_is_told_again_and_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert waiting._SAID_EVERY == 10
    monkeypatch.setattr(waiting, "_SAID_AFTER", 0.0)
    monkeypatch.setattr(waiting, "_SAID_EVERY", 0.1)
    leave_lock(path, "4711 elsewhere", age=0)

    def free_when_told(record: logging.LogRecord) -> bool:
        if len(caplog.records) == 2:
            path.unlink(missing_ok=True)
        return True

    caplog.handler.addFilter(free_when_told)
    try:
        with pid_lock(path, stale_age=600, timeout=60):
            pass
    finally:
        caplog.handler.removeFilter(free_when_told)
    assert len(caplog.records) >= 3
    for record in caplog.records:
        assert "waiting for process 4711 on elsewhere" in record.getMessage()
        assert record.levelno == logging.WARNING


def test_who_has_waited_long_looks_less_often(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_lock(path, f"{os.getpid()} {HOST}", age=0)
    waited = [0.0]
    pauses: list[float] = []

    def pause(_: waiting.Wait, seconds: float) -> None:
        assert seconds <= max(0.25, waited[0] / 16)
        pauses.append(seconds)
        waited[0] += seconds
        if waited[0] > 60:
            path.unlink()

    monkeypatch.setattr(waiting.Wait, "seconds", lambda _: waited[0])
    monkeypatch.setattr(waiting.Wait, "pause", pause)
    with pid_lock(path, stale_age=300):
        assert pauses[0] < 0.01
    assert max(pauses) == pauses[-1] == 1.0


def test_a_wait_can_be_stopped(path: Path) -> None:
    leave_lock(path, "4711 elsewhere", age=0)
    stopped = threading.Event()
    threading.Timer(0.1, stopped.set).start()
    with (
        pytest.raises(CancelledError),
        pid_lock(path, stale_age=600, stopped=stopped),
    ):
        pass
    assert path.exists()


def test_giving_up_names_the_holder_and_the_file_to_delete(path: Path) -> None:
    leave_lock(path, "4711 elsewhere", age=0)
    with (
        pytest.raises(LockTimeoutError, match="process 4711 on elsewhere") as caught,
        pid_lock(path, stale_age=20, timeout=0),
    ):
        pass
    assert str(path) in str(caught.value)
    assert path == caught.value.path
    assert path == pickle.loads(pickle.dumps(caught.value)).path


def test_an_empty_lock_file_names_no_holder(path: Path) -> None:
    leave_lock(path, "", age=0)
    with (
        pytest.raises(LockTimeoutError, match="held by an unknown process"),
        pid_lock(path, stale_age=20, timeout=0),
    ):
        pass


def test_a_missing_folder_is_an_error_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError),
        pid_lock(tmp_path / "none" / "x.pid", stale_age=3),
    ):
        pass


def test_the_lock_is_released_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with pid_lock(Path("x.pid"), stale_age=3):
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert not (tmp_path / "x.pid").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from fetch_artifacts.files.locks.pidlock import pid_lock\n"
        "with pid_lock(Path('x.pid'), stale_age=3):\n"
        "    child = os.fork()\n"
        "    if child:\n"
        "        os.waitpid(child, 0)\n"
        "        print(os.path.exists('x.pid'), flush=True)\n"
        "if child:\n    print(os.path.exists('x.pid'))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert result.stdout == "True\nFalse\n"


# Julia waits for the stale age.
def test_the_lock_of_a_killed_holder_on_this_host_is_free_at_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from fetch_artifacts.files.locks.pidlock import pid_lock\n"
        "with pid_lock(Path(sys.argv[1]), stale_age=300):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.exists()
    assert is_free(path, stale_age=300)
    assert not [each for each in caplog.records if each.levelname == "WARNING"]


# In a container with the name of this host, and numbers of its own for processes.
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_a_holder_that_cannot_be_seen_is_known_by_the_lock_of_the_system(
    path: Path,
) -> None:
    fcntl = pytest.importorskip("fcntl")
    leave_lock(path, f"{dead_pid()} {HOST}", age=0)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not is_free(path, stale_age=300)
    assert is_free(path, stale_age=300)


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux tells")
def test_a_holder_that_has_ended_is_dead_before_its_parent_looks(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        leave_lock(path, f"{process.pid} {HOST}", age=0)
        assert is_free(path, stale_age=300)


def test_no_two_take_over_the_lock_of_a_dead_one(path: Path) -> None:
    for _ in range(20):
        leave_lock(path, f"{dead_pid()} {HOST}", age=0)
        assert crowd(path) == [1] * 8


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("folder", "a folder"),
        ("FIFO", "a FIFO"),
        ("dangling link", "a symbolic link"),
        ("other name", "a file with other names as well"),
    ],
)
def test_what_is_no_lock_file_is_an_error_at_once(
    kind: str, words: str, path: Path
) -> None:
    private = path.with_name("private")
    private.write_text(f"{dead_pid()} {HOST}")
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    else:
        path.hardlink_to(private)
    with (
        pytest.raises(FileExistsError, match=f"expected a lock file, found {words}"),
        pid_lock(path, stale_age=300),
    ):
        pass
    assert os.path.lexists(path)
    assert private.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows writes all the zeros")
def test_of_a_large_lock_file_only_the_start_is_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    os.utime(path, (0, 0))
    assert is_free(path, stale_age=300)


def test_a_holder_learns_that_the_lock_was_lost(path: Path) -> None:
    with pid_lock(path, stale_age=300) as lock:
        assert lock.is_ours()
        path.unlink()
        assert not lock.is_ours()
        path.write_text("1 elsewhere")
        assert not lock.is_ours()


@pytest.mark.parametrize(
    ("content", "pid", "host"),
    [  # split and tryparse(Cuint, text) of Julia 1.5.3
        ("-1  host\r\n", 0, " host\r\n"),
        ("7 host", 7, "host"),
        ("7 host of two\n", 7, "host of two\n"),
        ("7", 7, ""),
        ("007\n", 7, ""),
        ("\t3\r\n", 3, ""),
        ("0x10 h", 16, "h"),
        ("0b11 h", 3, "h"),
        ("0o17 h", 15, "h"),
        ("+5 h", 0, "h"),
        ("-0 h", 0, "h"),
        ("1_0 h", 0, "h"),
        ("0x h", 0, "h"),
        ("\uff17 h", 0, "h"),
        ("4294967295 h", 2**32 - 1, "h"),
        ("4294967296 h", 0, "h"),
        ("", 0, ""),
        (" 7", 0, "7"),
    ],
)
def test_what_a_lock_file_says_is_read_as_by_julia(
    content: str, pid: int, host: str
) -> None:
    assert (pid, host) == parse_holder(content.encode())


def test_a_lock_file_needs_a_name() -> None:
    with (
        pytest.raises(FileNotFoundError, match="lock file's name"),
        pid_lock(Path(), stale_age=1, timeout=0),
    ):
        pass


def test_whether_a_lock_is_held_is_told_at_one_look(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    assert not is_held(path, stale_age=10)
    with pid_lock(path, stale_age=10):
        assert is_held(path, stale_age=10)
    assert not is_held(path, stale_age=10)
    path.write_text("999999999 ")  # no such process
    os.utime(path, (1e9, 1e9))
    assert not is_held(path, stale_age=10)
    assert path.exists()


@pytest.mark.skipif(os.name == "nt", reason="there an open file can't be removed")
def test_a_lock_that_went_stale_is_told_and_what_was_done_stands(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stale(*_: object, **_options: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with pid_lock(path, stale_age=3):
        monkeypatch.setattr(os, "unlink", stale)
    assert f"{path}: the lock can't be removed" in caplog.text


def test_the_host_of_a_holder_is_shown_in_part_if_it_is_long() -> None:
    holder = LockHolder(pid=1, host="h" * 500, since=0)
    assert f"on {'h' * 64}... (since" in str(holder)
