"""`path` of what is installed loads no click; of all else it does as ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import run
from support.published import TREE_HASH

COMMAND = """
import atexit, sys
sys.argv[0] = "fetch-artifacts"
loaded = {"click", "logging"}
atexit.register(lambda: print(*sorted(loaded & set(sys.modules)), file=sys.stderr))
from fetch_artifacts.cli import main
main()
"""


def command(*arguments: str, code: str = COMMAND) -> tuple[int, str, str]:
    """The exit code and both outputs of a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def installed(toml: Path, depot: Path) -> Path:
    """The folder of Demo, whose file is logged; a minute is to pass until it is old."""
    folder = depot / "artifacts" / TREE_HASH
    folder.mkdir(parents=True)
    (folder / "foo3").touch()
    assert run("path", "Demo", "--toml", str(toml)).exit_code == 0
    return folder


def test_what_is_installed_needs_neither_click_nor_logging(
    installed: Path, toml: Path
) -> None:
    old = "from fetch_artifacts.depot.usage import log; log._NEW_FOR = 0\n"
    for arguments in (["Demo"], ["Demo", "--toml", str(toml)]):
        done = command("path", *arguments, code=old + COMMAND)
        assert done == (0, f"{installed}\n", "\n")
    done = command("path", "--toml", toml.name, "Demo/foo3", code=old + COMMAND)
    assert done == (0, f"{installed}/foo3\n", "\n")


@pytest.mark.parametrize("arguments", [["Dmeo"], ["Demo", "--toml", ""]])
@pytest.mark.usefixtures("installed")
def test_what_is_wrong_is_told_as_ever(arguments: list[str]) -> None:
    usual = run("path", *arguments)
    told = usual.stderr + "click logging\n"
    assert command("path", *arguments) == (usual.exit_code, usual.stdout, told)


def test_what_is_missing_is_installed(toml: Path, depot: Path) -> None:
    code, out, _ = command("path", "Demo")
    assert (code, out) == (0, f"{depot}/artifacts/{TREE_HASH}\n")
    assert Path(out.strip(), "foo3").read_text() == "baz!"


@pytest.mark.usefixtures("installed")
def test_a_warning_is_told_once_and_by_the_command(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-gnu")
    tags = "[[Demo]]\nos = 'linux'\narch = 'x86_64'\n"
    toml.write_text(toml.read_text().replace("[Demo]\n", tags, 1))
    (toml.parent / ".pkg").mkdir()
    (toml.parent / ".pkg" / "select_artifacts.jl").touch()
    project = toml.parent / "pyproject.toml"
    project.write_text("[tool.fetch-artifacts]\nmirors = []\n")
    code, _, told = command("path", "Demo")
    assert code == 0
    assert told.count("in Julia this script chooses") == 1
    assert told.count("did you mean 'mirrors'?") == 1
    assert told.count("fetch-artifacts: warning: ") == 2


@pytest.mark.usefixtures("installed")
def test_a_shell_that_completes_is_answered_by_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_FETCH_ARTIFACTS_COMPLETE", "bash_source")
    code, out, _ = command("path", "Demo")
    assert code == 0
    assert "_FETCH_ARTIFACTS_COMPLETE=bash_complete" in out
