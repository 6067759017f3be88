"""A julia process that is asked: its failures are no answers, and it starts again."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts.conformance.process import JuliaProcess
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.errors import JuliaThrewError, NoJuliaError, OracleError
from support.fake_julia import make_fake_julia

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a script"
)


def started(folder: Path, **environ: str) -> JuliaProcess:
    return JuliaProcess(
        str(make_fake_julia(folder / "julia")),
        folder / "oracle.jl",
        environ=os.environ | environ,
        timeout=60,
    )


def hang(julia: Julia, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask what a Julia that has started never answers, and soon give up."""
    julia.version()
    with monkeypatch.context() as patched:
        patched.setattr(julia.transport, "_timeout", 0.1)
        with pytest.raises(OracleError, match=r"was silent for 0\.1 s"):
            julia.ask("hang")


@pytest.fixture
def julia(tmp_path: Path) -> Iterator[Julia]:
    transport = started(tmp_path)
    yield Julia(transport, depots=())
    transport.close()


def test_one_process_answers_many_questions(julia: Julia) -> None:
    assert julia.version() == "1.12.5"
    assert julia.ask("pid") == julia.ask("pid")


def test_depots_are_those_of_this_process_unless_some_are_chosen(
    julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = Julia(julia.transport)
    for name in ("one", "two"):
        monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / name))
        assert present.ask("depots") == [str(tmp_path / name)]
    assert present.at(Path("/a"), Path("/b")).ask("depots") == ["/a", "/b"]


def test_an_exception_of_julia_has_its_kind_its_text_and_the_log(julia: Julia) -> None:
    with pytest.raises(JuliaThrewError, match="ArgumentError: bad hash") as caught:
        julia.ask("throw", "hash")
    assert caught.value.kind == "ArgumentError"
    assert caught.value.log == "it was logged"


def test_nonsense_is_no_exception_of_julia(julia: Julia) -> None:
    with pytest.raises(OracleError, match="no verb no_such"):
        julia.ask("no_such")


def test_a_crash_is_told_with_the_last_words_and_the_next_question_is_answered(
    julia: Julia,
) -> None:
    before = julia.ask("pid")
    with pytest.raises(OracleError, match=r"ended with status 1;(.|\n)*signal 11"):
        julia.ask("die")
    assert julia.version() == "1.12.5"
    assert before != julia.ask("pid")


def test_an_answer_that_takes_too_long_is_an_error_and_the_next_question_is_answered(
    julia: Julia, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(julia, monkeypatch)
    assert julia.version() == "1.12.5"


def test_a_launcher_ends_with_the_julia_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_fake_julia(tmp_path / "behind")
    launcher = tmp_path / "julia"
    launcher.write_text(f'#!/bin/sh\n"{tmp_path}/behind" "$@"\nexit $?\n')
    launcher.chmod(0o755)
    transport = JuliaProcess(
        str(launcher), tmp_path / "oracle.jl", environ=os.environ, timeout=60
    )
    julia = Julia(transport, depots=())
    began = time.monotonic()
    hang(julia, monkeypatch)  # it lasts until the pipe has no writer any more
    assert time.monotonic() - began < 300
    assert julia.version() == "1.12.5"
    transport.close()


def test_ctrl_c_ends_the_question_and_the_next_one_gets_its_own_answer(
    julia: Julia, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"

    def interrupt_when_asked() -> None:
        while not asked.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    interrupt = threading.Thread(target=interrupt_when_asked, daemon=True)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        julia.ask("hang", asked)
    interrupt.join()
    assert julia.version() == "1.12.5"


def test_threads_take_turns(julia: Julia) -> None:
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(julia.version()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["1.12.5"] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_asks_a_julia_of_its_own(julia: Julia, tmp_path: Path) -> None:
    ours = julia.ask("pid")
    child = os.fork()
    if child == 0:
        (tmp_path / "pid").write_text(julia.ask("pid")[0])
        julia.transport.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert [(tmp_path / "pid").read_text()] != ours
    assert julia.ask("pid") == ours


def test_its_environment_is_this_one_without_settings_for_julia(
    tmp_path: Path,
) -> None:
    transport = started(
        tmp_path,
        JULIA_DEBUG="all",
        FETCH_ARTIFACTS_OFFLINE="1",
        https_proxy="http://proxy:1",
        no_proxy="example.org",
    )
    environ = dict(
        each.partition("=")[::2] for each in Julia(transport, depots=()).ask("environ")
    )
    transport.close()
    assert "JULIA_DEBUG" not in environ
    assert "FETCH_ARTIFACTS_OFFLINE" not in environ
    assert environ["https_proxy"] == "http://proxy:1"
    assert environ["no_proxy"] == "example.org,localhost,127.0.0.1,::1"
    assert environ["JULIA_PKG_SERVER"] == ""
    assert environ["JULIA_DEPOT_PATH"].endswith(os.pathsep)
    assert environ["HOME"] != os.environ["HOME"]
    assert not Path(environ["HOME"]).exists()


def test_a_program_that_does_not_start_is_no_julia(tmp_path: Path) -> None:
    program = tmp_path / "julia"
    program.write_text("")
    transport = JuliaProcess(str(program), tmp_path, environ=os.environ, timeout=9)
    with pytest.raises(NoJuliaError, match=r"that can be started: .*juliacall"):
        transport.exchange("request")
