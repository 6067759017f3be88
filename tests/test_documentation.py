"""README and the pages behind it: their code runs, their tables are complete."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import fetch_artifacts
from fetch_artifacts import bind_artifact, create_artifact
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.settings.pyproject import KEYS

TOP = Path(__file__).parents[1]
PAGES = TOP / ".github" / "docs"
# clusters.md and mirrors.md have tests of their own, with the programs they need.
OWN_TESTS = {"clusters.md", "mirrors.md"}

if not (TOP / "README.md").exists() or not PAGES.is_dir():
    pytest.skip("NO PAGE WAS TRIED: a source archive has none", allow_module_level=True)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its language, its text, why it is not run, the output after it."""

    language: str
    code: str
    excuse: str
    output: str


_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<excuse>[^\n]+) -->\n)?```(?P<language>\w+)\n"
    r"(?P<code>.*?)```(?:\n\n```text\n(?P<output>.*?)```)?",
    re.DOTALL,
)


def blocks(page: Path) -> list[Block]:
    return [
        Block(it["language"], it["code"], it["excuse"] or "", it["output"] or "")
        for it in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def pages() -> list[Path]:
    found = [TOP / "README.md", *sorted(PAGES.glob("*.md"))]
    return [page for page in found if page.name not in OWN_TESTS]


def numbered(*languages: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in pages()
        for number, block in enumerate(blocks(page))
        if block.language in languages and not block.excuse
    ]


@pytest.fixture
def project(tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `MyData` is bound, and the command is on PATH."""
    data = tmp_path / "data"
    (data / "tables").mkdir(parents=True)
    (data / "tables" / "a.csv").write_text("day,celsius\n1,11.5\n")
    made = create_artifact(data, tmp_path / "served.tar.gz")
    toml = tmp_path / "Artifacts.toml"
    url = Path(made["archive_path"]).as_uri()
    tree, sha256 = made["git_tree_sha1"], made["sha256"]
    bind_artifact(toml, "MyData", tree, url, sha256, lazy=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "fetch-artifacts"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fetch_artifacts "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", numbered("python"))
@pytest.mark.usefixtures("project")
def test_a_python_block_runs_and_prints_what_it_shows(
    block: Block, capsys: pytest.CaptureFixture[str]
) -> None:
    code = compile(block.code, "<page>", "exec")
    if "def test_" in block.code:
        return  # a test for users, run where there is a Julia: compat_tests
    exec(code, {})
    if block.output:
        assert capsys.readouterr().out == block.output


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: there is no sh")
@pytest.mark.parametrize("block", numbered("sh"))
def test_a_shell_block_runs(block: Block, project: Path) -> None:
    if "create data --bind" in block.code:
        (project / "Artifacts.toml").unlink()
        (project / "www").mkdir()
    script = f"set -e\n{block.code}"
    done = subprocess.run(
        ["sh", "-c", script], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", numbered("toml"))
def test_a_toml_block_is_toml(block: Block) -> None:
    assert parse_toml(block.code)


def test_the_hook_of_the_readme_exists() -> None:
    hooks = (TOP / ".pre-commit-hooks.yaml").read_text()
    for name in re.findall(r"- id: (\S+)", (TOP / "README.md").read_text()):
        assert f"- id: {name}\n" in hooks


def test_links_lead_somewhere() -> None:
    for page in [TOP / "README.md", *PAGES.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page, target)


def test_the_readme_fits_five_screens() -> None:
    assert len((TOP / "README.md").read_text().splitlines()) <= 5 * 50


def test_the_two_commands_are_on_the_first_screen() -> None:
    first = "\n".join((TOP / "README.md").read_text().splitlines()[:40])
    assert ".venv/bin/pip install . && .venv/bin/fetch-artifacts demo" in first
    assert ".venv/bin/pip install nox && .venv/bin/nox" in first
    assert "git+$REPOSITORY" in first


_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|JULIA|NETRC")
# Read by requests, not here.
ELSEWHERE = {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}
# What we set for git, not what a user sets.
FOR_GIT = re.compile(r"GIT_(CONFIG|HTTP|TERMINAL)_\w+")


def variables_in_code() -> set[str]:
    """The names that the settings, and what reads tokens, ask the environment for."""
    source = Path(fetch_artifacts.__file__).parent
    files = [
        *(source / "settings").glob("*.py"),
        *source.glob("authoring/targets/*.py"),
    ]
    return {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _VARIABLE.fullmatch(node.value)
        and not FOR_GIT.fullmatch(node.value)
    }


def documented(title: str) -> set[str]:
    """The names in the first column of a table of the page on configuration."""
    text = (PAGES / "configuration.md").read_text("utf-8")
    table = text.partition(f"| {title} |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_environment_variable_is_documented_and_no_other() -> None:
    stated = documented("variable")
    assert variables_in_code() <= stated
    everything = "".join(
        path.read_text("utf-8")
        for path in Path(fetch_artifacts.__file__).parent.rglob("*.py")
    )
    assert {name for name in stated - ELSEWHERE if name not in everything} == set()


def test_every_key_of_the_table_is_documented_and_no_other() -> None:
    assert documented("key of `[tool.fetch-artifacts]`") == KEYS
