"""Julia through juliacall, for which a stub stands that has the real one's traps."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from support.fake_julia import make_fake_julia

SRC = Path(__file__).parents[2] / "src"
STUB = Path(__file__).parents[1] / "support" / "juliacall_stub"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a script"
)

OPEN = """
from fetch_artifacts.conformance.questions import open_julia
from fetch_artifacts.errors import FetchArtifactsError
import os, sys, threading
"""


def run(tmp_path: Path, code: str, *options: str, **environ: str) -> str:
    """What Python code prints, in a process whose juliacall is the stub."""
    julia = make_fake_julia(tmp_path / "bin" / "julia")
    done = subprocess.run(
        [sys.executable, *options, "-c", OPEN + code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(STUB), *sys.path[1:], str(SRC)]),
            "JULIACALL_STUB_JULIA": str(julia),
            "JULIA": "there-is-no-such-julia",
        }
        | environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


ASK = """
with open_julia("auto", tell=print) as julia:
    print(julia.version(), julia.way, julia.reason, sep=" | ")
"""


def test_it_is_the_first_choice_and_says_why_and_what_the_start_costs(
    tmp_path: Path,
) -> None:
    said = run(tmp_path, ASK)
    assert "1.12.5 | juliacall | it is installed" in said
    assert "JULIA=there-is-no-such-julia is not used" in said
    assert "first start after an installation compiles" in said
    assert "600 MB" in said
    assert "[juliapkg]" not in said  # standard output is the program's


def test_one_that_the_program_has_started_is_used_as_it_is(tmp_path: Path) -> None:
    said = run(tmp_path, "import juliacall\n" + ASK + ASK)
    assert said.count("| juliacall | it runs in this process already") == 2
    assert "compiles" not in said


def test_python_runs_on_while_julia_answers(tmp_path: Path) -> None:
    # The stub fails where a call holds Python's lock.
    code = """
with open_julia("juliacall") as julia:
    import juliacall
    try:
        juliacall.Main.FetchArtifactsOracle.answer("request")
    except AssertionError as error:
        print(error)
"""
    assert "called with Python's lock held" in run(tmp_path, code)


def test_in_other_threads_the_same_julia_answers_as_a_program(tmp_path: Path) -> None:
    code = """
with open_julia("juliacall") as julia:
    print(julia.version())
    ask = lambda: print(julia.version())
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads: each.start()
    for each in threads: each.join()
    print(julia.version())
    running = julia.transport._elsewhere._running._process
print("ended with", running.returncode)
"""
    said = run(tmp_path, code)
    assert said.count("1.12.5") == 6
    assert "ended with -9" in said


def test_it_is_not_started_in_another_thread(tmp_path: Path) -> None:
    julia = make_fake_julia(tmp_path / "other" / "julia")
    code = """
def start():
    for choice in ("juliacall", "auto"):
        try:
            with open_julia(choice) as julia:
                print(julia.version(), julia.way)
        except FetchArtifactsError as error:
            print(error)

thread = threading.Thread(target=start, name="mine")
thread.start()
thread.join()
print("juliacall" in sys.modules)
"""
    said = run(tmp_path, code, JULIA=str(julia)).splitlines()
    assert "answers in the main thread only, not in 'mine'" in said[0]
    assert said[1:] == ["1.12.5 process", "False"]


def test_what_julia_prints_later_reaches_the_program(tmp_path: Path) -> None:
    code = ASK + "import juliacall\njuliacall.Main.println('from Julia')"
    assert "from Julia" in run(tmp_path, code)


def test_ctrl_c_that_julia_got_ends_the_question(tmp_path: Path) -> None:
    code = """
with open_julia("juliacall") as julia:
    julia.version()
    import juliacall
    def interrupted(request):
        raise juliacall.JuliaError("InterruptException()")
    juliacall.Main.exchange = interrupted
    try:
        julia.version()
    except KeyboardInterrupt:
        print("interrupted")
"""
    assert "interrupted" in run(tmp_path, code)


def test_a_juliacall_that_can_not_release_the_lock_is_refused(tmp_path: Path) -> None:
    code = """
import juliacall
juliacall.__version__ = "0.9.20"
del type(juliacall.Main).include
oracle = type("Oracle", (), {"answer": staticmethod(lambda request: "")})
type(juliacall.Main).include = lambda self, path: setattr(
    self, "FetchArtifactsOracle", oracle
)
try:
    open_julia("juliacall").__enter__()
except FetchArtifactsError as error:
    print(error)
"""
    assert "expected 0.9.22 or newer, found 0.9.20; upgrade it" in run(tmp_path, code)


@pytest.mark.parametrize("options", [(), ("-W", "error")])
def test_several_threads_get_the_setting_that_juliacall_asks_for(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    said = run(tmp_path, ASK, *options, JULIA_NUM_THREADS="2")
    assert "1.12.5 | juliacall" in said
    assert "multiple threads" not in said


def test_a_setting_of_the_users_stays(tmp_path: Path) -> None:
    code = ASK + "print(sys._xoptions)"
    said = run(
        tmp_path, code, JULIA_NUM_THREADS="2", PYTHON_JULIACALL_HANDLE_SIGNALS="no"
    )
    assert "1.12.5 | juliacall" in said
    assert "{}" in said


def test_one_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    reason = "julia version 1.10.3 - 1.11 is required"
    code = """
try:
    open_julia("juliacall").__enter__()
except FetchArtifactsError as error:
    print(type(error).__name__, error)
"""
    said = run(tmp_path, code, JULIACALL_STUB_FAILS=reason)
    assert f"NoJuliaError juliacall found no Julia that starts: {reason}" in said
    assert "[juliapkg] Locating Julia\nERROR: LoadError: no such package" in said
    assert ("OpenSSL is older than 3.5" in said) == (ssl.OPENSSL_VERSION_INFO < (3, 5))


def test_auto_takes_a_program_where_juliacall_does_not_start(tmp_path: Path) -> None:
    julia = make_fake_julia(tmp_path / "other" / "julia")
    said = run(tmp_path, ASK, JULIACALL_STUB_FAILS="offline", JULIA=str(julia))
    assert "1.12.5 | process | juliacall is installed, but did not start" in said


@pytest.mark.parametrize(
    ("offline", "why"), [("yes", "could not find Julia"), ("no", "urlopen error")]
)
def test_juliapkg_downloads_nothing_where_it_is_offline(
    tmp_path: Path, offline: str, why: str
) -> None:
    code = """
from fetch_artifacts.cli import main
def watch(event, arguments):
    if event in {"urllib.Request", "socket.connect"}:
        print(event)
sys.addaudithook(watch)
open("Artifacts.toml", "w").close()
try:
    main(["conform", "--julia", "juliacall"])
except SystemExit as error:
    print("status", error.code)
"""
    said = run(
        tmp_path,
        f"import os; os.chdir({str(tmp_path)!r})" + code,
        JULIACALL_STUB_JULIA="",
        JULIACALL_STUB_INDEX="http://127.0.0.1:9/versions.json",
        PYTHON_JULIAPKG_OFFLINE=offline,
        NO_PROXY="127.0.0.1",
    )
    assert f"juliacall found no Julia that starts: {why}" in said.replace("<", "")
    assert "put a Julia of 1.5 or newer on PATH" in said.partition("It said")[0]
    assert ("socket.connect" in said) == (offline == "no")
    assert "status 3" in said
    assert "Traceback" not in said


def test_the_julia_that_juliapkg_is_told_to_take_is_taken(tmp_path: Path) -> None:
    named = make_fake_julia(tmp_path / "named" / "julia")
    code = """
with open_julia("juliacall") as julia:
    print(julia.version(), julia.transport._program)
"""
    said = run(tmp_path, code, JULIACALL_STUB_JULIA="", PYTHON_JULIAPKG_EXE=str(named))
    assert f"1.12.5 {named}" in said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_worker_that_was_forked_finds_the_entry_for_this_platform(
    tmp_path: Path,
) -> None:
    julia = tmp_path / "named" / "julia"
    julia.parent.mkdir()
    julia.write_text("#!/bin/sh\nprintf x86_64-linux-musl\n")
    julia.chmod(0o755)
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(
        "".join(
            f'[[Data]]\narch = "x86_64"\nos = "linux"\nlibc = "{libc}"\n'
            f'git-tree-sha1 = "{digit * 40}"\n'
            for libc, digit in (("glibc", "a"), ("musl", "b"))
        )
    )
    (tmp_path / "depot" / "artifacts" / ("b" * 40)).mkdir(parents=True)
    # The stub aborts where a fork calls it, and the pool would wait for ever.
    code = f"""
import juliacall
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from fetch_artifacts import artifact

with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
    print(pool.submit(artifact, "Data", {str(toml)!r}).result())
"""
    said = run(
        tmp_path,
        code,
        *("-W", "ignore"),
        PYTHON_JULIAPKG_EXE=str(julia),
        JULIA_DEPOT_PATH=str(tmp_path / "depot"),
    )
    assert str(tmp_path / "depot" / "artifacts" / ("b" * 40)) in said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_its_program_is_asked(tmp_path: Path) -> None:
    code = """
with open_julia("juliacall") as julia:
    julia.version()
    sys.stdout.flush()
    if (child := os.fork()) == 0:
        print(julia.version())
        for choice in ("auto", "juliacall"):
            try:
                with open_julia(choice) as other:
                    print(other.version(), other.way, other.reason)
            except FetchArtifactsError as error:
                print(error)
        julia.transport.close()
        sys.stdout.flush()
        os._exit(0)
    print("status", os.waitpid(child, 0)[1])
"""
    said = run(tmp_path, code, "-W", "ignore").splitlines()
    julia = tmp_path / "bin" / "julia"
    assert said[:2] == ["1.12.5", said[1]]
    assert said[1].startswith(
        "1.12.5 process juliacall is installed, but did not start"
    )
    assert said[1].endswith(f"{julia} is used")
    assert "imported before a fork" in said[2]
    assert said[3:] == ["status 0"]


def test_without_the_path_of_its_program_other_threads_are_refused(
    tmp_path: Path,
) -> None:
    code = """
import juliacall
juliacall.CONFIG.clear()

def ask():
    try:
        julia.version()
    except FetchArtifactsError as error:
        print(error)

with open_julia("juliacall") as julia:
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
"""
    said = run(tmp_path, code)
    assert "answers only in the main thread of the process that loaded it" in said


def test_what_julia_answers_wrongly_is_an_error_of_the_oracle(tmp_path: Path) -> None:
    code = """
with open_julia("juliacall") as julia:
    julia.version()
    import juliacall
    juliacall.Main._process.kill()
    juliacall.Main._process.wait()
    try:
        julia.version()
    except FetchArtifactsError as error:
        print(type(error).__name__)
"""
    assert "OracleError" in run(tmp_path, code)
