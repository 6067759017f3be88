"""What all commands have in common: their options, their help, how they end."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fetch_artifacts
from fetch_artifacts.cli._main import MODULES
from fetch_artifacts.cli.commands import install
from support.commands import run
from support.published import TREE_HASH

COMMON = {
    "--toml": "elsewhere.toml",
    "--depot": "somewhere",
    "--platform": "x86_64-linux-gnu",
    "--json": None,
    "--quiet": None,
    "-q": None,
    "--verbose": None,
    "-vv": None,
    "--offline": None,
    "--no-progress": None,
    "--debug": None,
}


def given(option: str) -> list[str]:
    value = COMMON[option]
    return [option] if value is None else [option, value]


@pytest.mark.parametrize("option", COMMON)
@pytest.mark.parametrize("command", MODULES)
def test_every_command_takes_the_common_options_on_either_side(
    command: str, option: str
) -> None:
    for arguments in (
        [*given(option), command, "--help"],
        [command, *given(option), "--help"],
    ):
        result = run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), arguments
        assert result.stdout.startswith(f"Usage: fetch-artifacts {command}")


@pytest.mark.usefixtures("depot")
def test_either_side_has_the_same_effect(toml: Path, tmp_path: Path) -> None:
    moved = toml.rename(tmp_path / "Moved.toml")
    depot = tmp_path / "other"
    options = ["--toml", str(moved), "--depot", str(depot), "--json"]
    assert run("install", "--toml", moved, "--depot", depot).exit_code == 0
    before, after = run(*options, "list"), run("list", *options)
    assert before == after
    [row] = json.loads(before.stdout)
    assert row["path"] == f"{depot}/artifacts/{TREE_HASH}"
    assert run("check", "--toml", moved).exit_code == 0
    assert run("--toml", moved, "check").exit_code == 0
    assert run("--toml", "absent.toml", "check").exit_code == 2
    # What stands nearer to the command counts.
    assert run("--toml", "absent.toml", "check", "--toml", moved).exit_code == 0


@pytest.mark.usefixtures("toml")
def test_offline_is_said_once_for_all(depot: Path, toml: Path) -> None:
    text = toml.read_text()
    toml.write_text(re.sub(r'url = ".*"', 'url = "http://127.0.0.1:9/x"', text))
    for arguments in (["--offline", "install"], ["install", "--offline"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "not downloaded, because --offline is set" in result.stderr
    assert not (depot / "artifacts" / TREE_HASH).exists()


@pytest.mark.usefixtures("toml", "depot")
def test_debug_tells_each_step(tmp_path: Path) -> None:
    quiet = run("-q", "install", "--depot", tmp_path / "q")
    assert quiet.stderr == ""
    plain = run("install", "--depot", tmp_path / "plain")
    assert "debug:" not in plain.stderr
    told = run("install", "--depot", tmp_path / "debug", "--debug").stderr
    for step in ("Artifacts.toml", "1 source", "trying file:", "locked", "renamed"):
        assert re.search(f"(debug|info): .*{step}", told), (step, told)


def test_help_names_the_environment_variables() -> None:
    text = " ".join(run("install", "--help").stdout.split())
    for variable in (
        "JULIA_DEPOT_PATH",
        "FETCH_ARTIFACTS_OFFLINE",
        "FETCH_ARTIFACTS_PLATFORM",
        "FETCH_ARTIFACTS_PROGRESS",
        "JULIA_PKG_CONCURRENT_DOWNLOADS",
    ):
        assert variable in text


def test_the_summaries_fit_80_columns_and_are_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run("--help").stdout
    for command in MODULES:
        [line] = re.findall(rf"^  {command}  .*$", text, re.MULTILINE)
        assert len(line) <= 80
        assert not line.endswith("..."), line


@pytest.mark.parametrize("command", MODULES)
def test_the_help_of_a_command_is_laid_out_for_reading(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(command, "--help").stdout
    assert [line for line in text.splitlines() if len(line) > 80] == []
    for kind in ("TEXT", "INTEGER", "FLOAT", "RANGE"):  # click's, which say nothing
        assert kind not in text
    _, *sections = re.split(r"^(?:Options|Common options):$", text, flags=re.MULTILINE)
    for section in sections:
        rows = re.findall(r"^  (\S+)", section.split("Example:")[0], re.MULTILINE)
        assert [row for row in rows if not row.startswith("-")] == []
    assert "--depot" in sections[-1]


@pytest.mark.parametrize("command", MODULES)
def test_help_shows_the_help_of_a_command(command: str) -> None:
    shown = run("help", command)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout == run(command, "--help").stdout


def test_help_alone_shows_all_commands_and_knows_what_is_none() -> None:
    assert run("help").stdout == run("--help").stdout
    result = run("help", "instal")
    assert result.exit_code == 2
    assert "Did you mean 'install'?" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["instal"], "install"), (["install", "--tmol", "x"], "--toml")],
)
def test_the_nearest_name_is_suggested(arguments: list[str], meant: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert re.search(f"Did you mean '?{meant}'?", result.stderr)  # click 8.1: bare


@pytest.mark.usefixtures("toml", "depot")
@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by zero"),
        RecursionError("maximum recursion depth exceeded"),
        MemoryError(),
        UnicodeEncodeError("ascii", "ü", 0, 1, "no"),
        AssertionError("first line\nsecond line"),
    ],
)
def test_no_traceback_reaches_a_user(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(install, "locate", fail)
    result = run("path", "Demo")
    assert (result.exit_code, result.stdout) == (1, "")
    first, _ = result.stderr.splitlines()
    assert first.startswith(f"fetch-artifacts: internal error: {type(error).__name__}")
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in run("--debug", "path", "Demo").stderr


@pytest.mark.usefixtures("toml", "depot")
def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "locate", interrupt)
    result = run("path", "Demo")
    assert result.exit_code == 130
    assert result.stderr.endswith(
        "fetch-artifacts: interrupted; run it again to go on: a download is resumed\n"
    )


EVIL = "\x1b]0;owned\x07\u202eevil\x9b2J"


def test_names_from_a_file_cannot_garble_the_terminal(toml: Path, depot: Path) -> None:
    escaped = r"\x1b]0;owned\x07\u202eevil\x9b2J"
    name = json.dumps(EVIL)
    toml.write_text(toml.read_text().replace("Demo", name).replace('"x', "'x"))
    for arguments in (["list"], ["verify"], ["install"], ["check"], ["path", EVIL]):
        result = run(*arguments)
        for text in (result.stdout, result.stderr):
            assert not set(text) & set(EVIL) - set("0;owned]evil2J["), arguments
    assert escaped in run("list").stdout
    [row] = json.loads(run("list", "--json").stdout)
    assert row["name"] == EVIL
    assert depot.exists()


def in_process(
    *arguments: str | bytes, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "fetch_artifacts", *arguments]
    return subprocess.run(command, capture_output=True, check=False, env=env)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.usefixtures("depot")
def test_a_poor_encoding_is_no_traceback(toml: Path, encoding: str) -> None:
    toml.write_text(toml.read_text().replace("Demo", '"Grüße 日本"'))
    for command in ("list", "verify", "install", "check"):
        done = in_process(command, encoding=encoding)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    listed = in_process("list", "--json", encoding=encoding)
    [row] = json.loads(listed.stdout)  # which takes bytes for UTF-8, as all programs
    assert row["name"] == "Grüße 日本"
    assert listed.stdout.isascii() == (encoding != "utf-8")
    assert b"Traceback" not in in_process("list", "日本", encoding=encoding).stderr


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: file names are text here")
def test_names_and_paths_that_are_not_utf_8_are_taken(
    toml: Path, tmp_path: Path, depot: Path
) -> None:
    name = b"caf\xe9"
    odd = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(odd)).mkdir()
    Path(os.fsdecode(odd), "f").write_text("1")
    done = in_process("hash", odd)
    assert (done.returncode, len(done.stdout)) == (0, 41)
    tree_hash = done.stdout.strip()
    file = odd + b"/Artifacts.toml"
    [archive] = (tmp_path / "served").glob("*.tar.gz")
    for arguments in (
        [b"bind", b"New", tree_hash, b"--toml", file],
        [b"add", b"Other", archive.as_uri(), b"--toml", file],
        [b"bind", name, tree_hash],
        [b"bind", b"Plain", tree_hash],  # beside what is not UTF-8
        [b"add", name, archive.as_uri(), b"--force"],
        [b"bind", name, tree_hash, b"--force"],
        [b"override", name, odd],
        [b"override", b"a" * 40, b"b" * 40],
    ):
        done = in_process(*arguments)
        assert done.returncode == 0, done.stderr
    assert b"caf\\xe9" in in_process("list", "--toml", file).stdout
    # What Julia reads, in Overrides.toml as in Artifacts.toml: the bytes themselves.
    overrides = (depot / "artifacts" / "Overrides.toml").read_bytes()
    assert tree_hash + b' = "' + odd + b'"\n' in overrides
    assert b'["' + name + b'"]\ngit-tree-sha1 = "' + tree_hash in toml.read_bytes()
    assert in_process("path", name).stdout == odd + b"\n"
    assert b"caf\\udce9" in in_process("override", "--list").stdout
    checked = in_process("check")
    assert (checked.returncode, b"not UTF-8" in checked.stdout) == (0, True)
    assert in_process("override", "--remove", tree_hash).returncode == 0
    assert in_process("unbind", name).returncode == 0
    assert name not in toml.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: file names are text here")
@pytest.mark.usefixtures("depot", "toml")
def test_words_that_are_not_utf_8_are_shown_in_errors() -> None:
    for arguments in (
        [b"add", b"caf\xe9", b"file:///absent.tar.gz"],
        [b"path", b"caf\xe9"],
        [b"frob\xe9"],
        [b"list", b"--plat\xe9"],
    ):
        done = in_process(*arguments)
        assert done.returncode in {1, 2}
        assert b"Traceback" not in done.stderr
        assert b"internal error" not in done.stderr, (arguments, done.stderr)


@pytest.mark.usefixtures("depot")
def test_the_end_of_a_pipe_is_no_error(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"f{number}").write_text("x")
    command = [sys.executable, "-m", "fetch_artifacts", "hash", "--tree", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""


PRINTS = {
    ("click", "echo"),
    ("click", "secho"),
    ("stdout", "write"),
    ("stderr", "write"),
}


def test_nothing_prints_but_the_edge() -> None:
    """All that is shown goes through `printable`, or is a constant."""
    source = Path(fetch_artifacts.__file__).parent
    edge = {"cli/shared/printing.py", "cli/_main.py", "cli/__init__.py"}
    edge |= {"terminal/progress.py"}
    found = []
    for path in source.rglob("*.py"):
        name = path.relative_to(source).as_posix()
        if name in edge:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "print":
                found.append(f"{name}:{node.lineno}")
            if isinstance(called, ast.Attribute):
                owner = ast.unparse(called.value).rpartition(".")[2]
                if (owner, called.attr) in PRINTS:
                    found.append(f"{name}:{node.lineno}")
    assert found == []
