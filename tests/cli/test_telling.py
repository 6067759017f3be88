"""Every command says what it did, in one line, and has JSON and a dry run."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tqdm import tqdm

from fetch_artifacts.cli.shared.printing import tell
from fetch_artifacts.cli.shared.table import folded_note, table_lines
from support.commands import run
from support.published import TREE_HASH
from support.trees import make_tree


def add_lazy(toml: Path) -> None:
    text = toml.read_text()
    lazy = text.replace("Demo", "Late").replace("\n\n", "\nlazy = true\n\n", 1)
    toml.write_text(f"{text}\n{lazy}")


@pytest.mark.usefixtures("depot")
def test_install_says_what_it_did_and_left_out(toml: Path) -> None:
    add_lazy(toml)
    first = run("install").stderr.splitlines()[-1]
    assert re.fullmatch(
        r"fetch-artifacts: 1 installed, \d+ B in [\d.]+ m?s; "
        r"1 lazy artifact skipped: --include-lazy",
        first,
    )
    again = run("install", "--include-lazy").stderr.splitlines()[-1]
    assert again == "fetch-artifacts: 0 installed, 2 there already"
    assert run("install", "-q").stderr == ""


@pytest.mark.usefixtures("toml")
def test_install_has_a_dry_run(depot: Path) -> None:
    planned = run("install", "--dry-run")
    assert re.fullmatch(r"Demo: would be installed.*\n", planned.stdout)
    assert not depot.exists()
    run("install")
    assert "Demo: there already" in run("install", "--dry-run").stdout


@pytest.mark.usefixtures("toml")
def test_remove_has_a_dry_run(depot: Path) -> None:
    empty = run("list", "--installed")
    told = f"fetch-artifacts: nothing is installed in {depot / 'artifacts'}\n"
    assert (empty.stdout, empty.stderr) == ("", told)
    run("install")
    [row] = json.loads(run("remove", "Demo", "--dry-run", "--json").stdout)
    assert row["paths"] == [f"{depot}/artifacts/{TREE_HASH}"]
    text = run("remove", "Demo", "--dry-run").stdout
    assert text.startswith(f"Demo: would be removed: {row['paths'][0]} (")
    assert (depot / "artifacts" / TREE_HASH).is_dir()
    assert run("remove", "Demo", "--yes").exit_code == 0
    assert not (depot / "artifacts" / TREE_HASH).exists()


@pytest.mark.usefixtures("depot")
def test_check_and_doctor_say_that_nothing_is_wrong(toml: Path) -> None:
    assert run("check").stderr == (
        "fetch-artifacts: 1 artifact, 1 entry, nothing wrong\n"
    )
    assert "1 artifact, nothing wrong\n" in run("doctor").stderr
    text = toml.read_text()
    toml.write_text(text.replace(TREE_HASH, "0" * 40))
    dry = run("doctor", "--fix", "--dry-run")
    assert f'+git-tree-sha1 = "{TREE_HASH}"' in dry.stdout
    assert (dry.exit_code, "would be corrected" in dry.stdout) == (1, True)
    assert "1 wrong, 1 value to be repaired" in dry.stderr
    assert "0" * 40 in toml.read_text()
    fixed = run("doctor", "--fix")
    assert "doctor --fix" not in fixed.stdout + fixed.stderr
    assert "1 value repaired" in fixed.stderr
    assert toml.read_text() == text


@pytest.mark.usefixtures("depot")
def test_unbind_and_override_say_what_they_did(toml: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert "Demo: overridden to" in run("override", "Demo", "mine").stderr
    assert "no longer overridden" in run("override", "Demo", "--remove").stderr
    linux = '[[Other]]\nos = "linux"\narch = "x86_64"\n'
    toml.write_text(f'{toml.read_text()}\n{linux}git-tree-sha1 = "{TREE_HASH}"\n')
    wrong = run("unbind", "Other", "--platform", "aarch64-linux-gnu")
    assert wrong.exit_code == 1
    told = "not bound for aarch64-linux-gnu; it is bound for x86_64-linux-gnu\n"
    assert told in wrong.stderr
    assert "Othr is not bound; did you mean 'Other'?" in run("unbind", "Othr").stderr
    assert "unbound Demo in" in run("unbind", "Demo").stderr


@pytest.mark.usefixtures("depot", "toml")
def test_what_is_printed_can_be_had_as_json(tmp_path: Path) -> None:
    installed = json.loads(run("install", "--json").stdout)
    assert [row["name"] for row in installed] == ["Demo"]
    [verdict] = json.loads(run("verify", "--json").stdout)
    assert verdict["state"] == "verified"
    one = make_tree(tmp_path / "one", {"f": "1"})
    two = make_tree(tmp_path / "two", {"f": "2"})
    facts = json.loads(run("hash", one, "--json").stdout)
    assert facts["hash"] == run("hash", one).stdout.strip()
    result = run("diff", one, two, "--json")
    assert (result.exit_code, json.loads(result.stdout)["first"]) == (1, facts["hash"])
    assert json.loads(run("override", "--list", "--json").stdout) == []
    assert json.loads(run("cache-key", "--json").stdout).keys() == {"key"}
    assert json.loads(run("unbind", "Demo", "--json").stdout)["unbound"] is True


def test_a_table_fits_the_terminal() -> None:
    rows = [
        ("a" * 40, "1234567", "installed in a folder of a long name"),
        ("b", "", ""),
    ]
    for width in (40, 60, 120):
        lines = list(table_lines(("NAME", "HASH", "STATE"), rows, width))
        assert max(len(line) for row in lines for line in row.split("\n")) <= width
        assert lines[0].split() == ["NAME", "HASH", "STATE"]
        assert "1234567" in lines[1]
    [_, row] = table_lines(("NAME", "STATE"), [("Demo", "wrong: " * 20)], 40)
    assert all(len(line) <= 40 for line in row.split("\n"))
    assert row.split() == ["Demo", *["wrong:"] * 20]
    wide = ("Name" * 10, "x86_64-linux-gnu", "there")
    [_, row] = table_lines(("NAME", "FOR", "STATE"), [wide], 40)
    assert max(map(len, row.split("\n"))) <= 40
    assert "..." not in row
    assert "".join(row.split()).count("N") == 10
    lines = list(table_lines(("SIZE", "AGE", "X"), [("1 B", "10", "x")], numbers=2))
    assert lines == ["SIZE  AGE  X", " 1 B   10  x"]
    [_, line] = table_lines(("NAME",), [("x\x1b[2J",)], 60)
    assert line == r"x\x1b[2J"


def test_the_columns_of_a_table_line_up_below_names_of_wide_characters() -> None:
    rows = [("気象", "there"), ("\N{ROCKET}", "there"), ("plain", "there")]
    lines = list(table_lines(("NAME", "STATE"), rows, 40))
    assert lines[1:] == ["気象   there", "\N{ROCKET}     there", "plain  there"]
    [_, row] = table_lines(("NAME", "STATE"), [("気象データ観測所の記録", "there")], 20)
    assert row == "気象データ観   there\n測所の記録"


def test_a_note_goes_on_below_its_start() -> None:
    assert list(folded_note("  Demo of /a/b", 14)) == ["  Demo of /a/b"]
    lines = list(folded_note("  Demo of /a/long/Artifacts.toml", 20))
    assert lines == ["  Demo of /a/long/", "  Artifacts.toml"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_code_to_complete(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_FETCH_ARTIFACTS_COMPLETE={shell}_complete" in result.stdout


def test_a_missing_choice_is_listed_without_escapes() -> None:
    result = run("completion")
    assert result.exit_code == 2
    assert "\tbash,\n" in result.stderr


def completed(words: str, folder: Path) -> list[str]:
    """What bash is offered for the last of these words."""
    lines = offered("bash", words, folder).splitlines()
    return [line.partition(",")[2] for line in lines]


def offered(shell: str, words: str, folder: Path) -> str:
    """What a shell is told about the last of these words."""
    before = words.split(" ")
    env = {
        **os.environ,
        "_FETCH_ARTIFACTS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": before[-1] if shell == "fish" else str(len(before) - 1),
    }
    command = [sys.executable, "-c", "from fetch_artifacts.cli import main; main()"]
    done = subprocess.run(
        command, env=env, cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.usefixtures("depot")
def test_zsh_and_fish_get_whole_words_and_whole_summaries(toml: Path) -> None:
    text = '\n[[Lib]]\nos = "linux"\narch = "x86_64"\ngit-tree-sha1 = "{}"\n'
    toml.write_text(text.format(TREE_HASH))
    word, found = "fetch-artifacts list --platform=x", "--platform=x86_64-linux-gnu"
    assert offered("zsh", word, toml.parent) == f"plain\n{found}\n_\n"
    assert offered("fish", word, toml.parent) == f"plain,{found}\n"
    told = "Download the archive at URL, and bind NAME to its hashes."
    assert offered("zsh", "fetch-artifacts ad", toml.parent) == f"plain\nadd\n{told}\n"
    assert offered("fish", "fetch-artifacts ad", toml.parent) == f"plain,add\t{told}\n"
    assert 'split -m 1 ","' in run("completion", "fish").stdout


def test_hashes_complete_once_something_is_typed(toml: Path, depot: Path) -> None:
    for name in (TREE_HASH, f"{TREE_HASH}.pid", "Overrides.toml"):
        (depot / "artifacts" / name).mkdir(parents=True)
    assert completed("fetch-artifacts archive ", toml.parent) == ["Demo"]
    typed = f"fetch-artifacts archive {TREE_HASH[:2]}"
    assert completed(typed, toml.parent) == [TREE_HASH]


@pytest.mark.usefixtures("depot")
def test_names_platforms_and_commands_complete(toml: Path) -> None:
    text = (
        f'\n[[Other]]\nos = "linux"\narch = "x86_64"\ngit-tree-sha1 = "{TREE_HASH}"\n'
    )
    toml.write_text(toml.read_text() + text)
    folder = toml.parent
    assert completed("fetch-artifacts install ", folder) == ["Demo", "Other"]
    assert completed("fetch-artifacts install Demo ", folder) == ["Other"]
    assert completed("fetch-artifacts inst", folder) == ["install"]
    assert completed("fetch-artifacts list --platform x", folder) == [
        "x86_64-linux-gnu"
    ]
    both = ["all", "x86_64-linux-gnu"]
    assert completed("fetch-artifacts conform --platform ", folder) == both
    assert completed("fetch-artifacts mirror out --platform ", folder) == both
    assert completed("fetch-artifacts --platform x", folder) == both[1:]
    for command in ("bind", "add", "publish data", "diff"):
        assert "Other" in completed(f"fetch-artifacts {command} O", folder)
    assert completed("fetch-artifacts override Other x", folder) == ["x"]  # as a path
    assert completed("fetch-artifacts help inst", folder) == ["install"]
    toml.write_text("broken =")
    assert completed("fetch-artifacts path D", folder) in ([], [""])


@pytest.mark.usefixtures("depot", "toml")
def test_publish_has_a_dry_run(tmp_path: Path) -> None:
    data = make_tree(tmp_path / "data", {"f": "1"})
    place = tmp_path / "www"
    target = ("--to", f"dir:{place}", "--url-base", "https://example.org")
    result = run("publish", data, "New", *target, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert (
        json.loads(result.stdout)["git_tree_sha1"] == run("hash", data).stdout.strip()
    )
    assert not place.exists()
    assert run("path", "New").exit_code == 1


def test_what_is_told_does_not_run_into_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with tqdm(total=2, desc="Demo", file=shown, mininterval=0) as bar:
        bar.update()
        tell("said")
    before, after = shown.getvalue().split("fetch-artifacts: said\n")
    assert "Demo" in before
    assert before.endswith("\r")
    assert "Demo" in after
