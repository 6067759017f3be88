"""README and the pages behind it: their code runs, their tables are complete."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final
from zipfile import ZipFile

import pytest

import fetch_artifacts
from fetch_artifacts import bind_artifact, create_artifact
from fetch_artifacts.archive.writer import Archive
from fetch_artifacts.authoring import publish
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.targets import target
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.settings.pyproject import KEYS
from support.servers import Request, answer, serving

TOP = Path(__file__).parents[1]
PAGES = TOP / ".github" / "docs"
CONTRIBUTING = TOP / ".github" / "CONTRIBUTING.md"

if not (TOP / "README.md").exists() or not PAGES.is_dir():
    pytest.skip("NO PAGE WAS TRIED: a source archive has none", allow_module_level=True)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its language, its text, the comment before, the output after it.

    The comment says why it is not run, or is the name by which a test of its own, with
    the programs that it needs, takes it.
    """

    language: str
    code: str
    comment: str
    output: str


_BLOCK = re.compile(
    r"(?:<!-- (?P<comment>[^\n]+) -->\n)?```(?P<language>\w+)\n"
    r"(?P<code>.*?)```(?:\n\n```text\n(?P<output>.*?)```)?",
    re.DOTALL,
)
NAMED = {"nginx.conf"}  # tests/authoring/test_nginx.py
NAMED |= {
    f"{name}.py"  # tests/integrations/test_clusters_page.py
    for name in ("addresses", "dask_job", "mpi_job", "process_pool", "ray_job")
}


def blocks(page: Path) -> list[Block]:
    return [
        Block(it["language"], it["code"], it["comment"] or "", it["output"] or "")
        for it in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def pages() -> list[Path]:
    return [TOP / "README.md", *sorted(PAGES.glob("*.md"))]


def numbered(*languages: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in pages()
        for number, block in enumerate(blocks(page))
        if block.language in languages and not block.comment
    ]


def test_a_block_that_is_not_run_here_says_why() -> None:
    for page in pages():
        for comment in filter(None, (block.comment for block in blocks(page))):
            assert comment in NAMED or comment.startswith("not run: "), page


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
    monkeypatch.setenv("SLURM_NNODES", "1")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, lines in {
        "fetch-artifacts": f'exec "{sys.executable}" -m fetch_artifacts "$@"',
        "python": f'exec "{sys.executable}" "$@"',
        "srun": 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", numbered("python"))
@pytest.mark.usefixtures("project")
def test_a_python_block_runs_and_prints_what_it_shows(
    block: Block, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = compile(block.code, "<page>", "exec")
    if "def test_" in block.code:
        return  # a test for users, run where there is a Julia: compat_tests
    if "__package__" in block.code:
        with ZipFile("packages.zip", "w") as packed:
            packed.writestr("mypackage/__init__.py", "")
            packed.write("Artifacts.toml", "mypackage/Artifacts.toml")
        monkeypatch.syspath_prepend("packages.zip")
    exec(code, {"__package__": "mypackage"})
    if block.output:
        assert capsys.readouterr().out == block.output


# How a Dockerfile says what a shell does.
DOCKERFILE = {"ENV ": "export ", "COPY ": "cp ../", "RUN ": ""}


def in_shell(code: str, project: Path, *, url: str = "") -> None:
    """Run what a page shows, with what a test has in place of what a site has."""
    places = {
        "http://mirror:8080": url,
        "s3://bucket/artifacts https://mirror.example.org": (project / "s3").as_uri(),
        "https://example.org/my_data.tar.gz": (project / "served.tar.gz").as_uri(),
        "github:me/mypackage@v1.2": f"dir:www --url-base {project.as_uri()}/www",
        "chgrp -R data": f"chgrp -R {os.getgid()}" if sys.platform != "win32" else "",
        **{each: f"{project}{each}" for each in ("/srv/mirror", "/site", "/group")},
        **{f"={each}": f"={project}{each}" for each in ("/local", "/depot")},
    }
    for written, here in places.items():
        code = code.replace(written, str(here))
    done = subprocess.run(
        ["sh", "-ec", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: there is no sh")
@pytest.mark.parametrize("block", numbered("sh", "dockerfile"))
def test_a_shell_block_runs(block: Block, project: Path) -> None:
    code = block.code
    if block in blocks(PAGES / "mirrors.md"):
        return  # each needs what those before it made: see below
    if any(each in code for each in ("create data", "publish data/", "add MyData")):
        (project / "Artifacts.toml").unlink()
        (project / "www").mkdir()
        (project / "src" / "mypackage").mkdir(parents=True)
    if "job.py" in code:
        code = code.replace("job.py", "-m fetch_artifacts path MyData --no-download")
    if block.language == "dockerfile":
        (project / "image").mkdir()
        for instruction, command in DOCKERFILE.items():
            code = re.sub(f"(?m)^{instruction}", command, code)
        code = f"cd image\n{code}"
    in_shell(code, project)
    if "fetch-artifacts install" in code:
        assert list(project.rglob("artifacts/*/tables/a.csv"))


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: there is no sh")
def test_the_blocks_on_mirrors_run_one_after_the_other(project: Path) -> None:
    def serve(request: Request, connection: socket.socket) -> None:
        file = project / "srv" / "mirror" / request.path.lstrip("/")
        found = file.is_file()
        asked.append(found)
        answer(200 if found else 404, file.read_bytes() if found else b"")(
            request, connection
        )

    asked: list[bool] = []
    (project / "Manifest.toml").touch()
    page = blocks(PAGES / "mirrors.md")
    shown = [block.code for block in page if block.language == "sh"]
    with serving(serve) as server:
        code = [
            f"export JULIA_DEPOT_PATH=$PWD/depot-{number}\n{text}"
            for number, text in enumerate(shown)
        ]
        in_shell("\n".join(code), project, url=server.url("", "127.0.0.1"))
    assert any(asked)
    installing = sum("fetch-artifacts install" in text for text in shown)
    assert len(list(project.glob("depot-*/artifacts/*/tables/a.csv"))) == installing
    assert len(list((project / "s3" / "artifact").iterdir())) == 1


@pytest.mark.parametrize("block", numbered("toml"))
def test_a_toml_block_is_toml(block: Block) -> None:
    assert parse_toml(block.code)


def test_the_readme_builds_a_wheel_as_the_tested_project_does() -> None:
    project = (TOP / "compat_tests" / "mixed_project" / "pyproject.toml").read_text()
    (shown,) = (
        block.code for block in blocks(TOP / "README.md") if "hatch" in block.code
    )
    assert shown in project


def test_the_hook_and_the_action_of_the_readme_exist() -> None:
    readme = (TOP / "README.md").read_text("utf-8")
    hooks = (TOP / ".pre-commit-hooks.yaml").read_text()
    (hook,) = re.findall(r"- id: (\S+)", readme)
    assert f"- id: {hook}\n" in hooks
    action = (TOP / ".github" / "actions" / "conform" / "action.yml").read_text()
    with_ = re.search(
        r"uses: \./\.github/actions/conform .*\n +with:\n +(\w+):", readme
    )
    assert with_
    assert f"\n  {with_[1]}:\n" in action.partition("\nruns:")[0]


def test_the_pages_name_this_version() -> None:
    text = "".join(page.read_text("utf-8") for page in pages())
    stated = set(re.findall(r"\b1\.\d+\.\d+(?:rc\d+)\b", text))
    assert stated == {fetch_artifacts.__version__}


def test_the_sessions_and_the_tests_that_pages_name_exist() -> None:
    text = "".join(page.read_text("utf-8") for page in [*pages(), CONTRIBUTING])
    sessions = set(re.findall(r"(?m)^def (\w+)\(", (TOP / "noxfile.py").read_text()))
    named = re.findall(r"nox -s ([\w. -]+?)(?: -- ([\w ]*)|  |`|\n)", text)
    for names, _ in named:
        assert {name.partition("-3.")[0] for name in names.split()} <= sessions
    for names, words in named:
        for word in words.split() if names == "stress" else ():
            assert (TOP / "tests" / "stress" / f"stress_{word}.py").exists()
    tests = re.findall(r"`((?:compat_)?tests/[\w/.]+)`", text)
    assert [name for name in tests if not (TOP / name).exists()] == []
    assert min(len(named), len(tests)) > 20


def test_a_target_is_added_as_contributing_shows(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = (
        block.code for block in blocks(CONTRIBUTING) if block.language == "python"
    )
    module, line, entries = shown.partition("# authoring/publish.py\n")
    names = {"re": re, "shutil": shutil, "dataclass": dataclass, "Path": Path}
    names |= vars(target) | {"Archive": Archive, "Final": Final}
    exec(module, names)
    kinds = {"shelf": SimpleNamespace(KINDS=names["KINDS"])}
    exec(entries, vars(publish) | kinds, names)
    monkeypatch.setattr(publish, "TARGET_KINDS", names["TARGET_KINDS"])
    (project / "shelf").mkdir()
    made = publish.publish(
        project / "data",
        "New",
        publish.target_for(f"shelf:{project / 'shelf'}"),
        BindingOptions(toml=project / "Artifacts.toml"),
    )
    assert line
    assert [file.as_uri() for file in (project / "shelf").iterdir()] == [
        made.source.url
    ]


def test_links_lead_somewhere() -> None:
    for page in [*pages(), CONTRIBUTING]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page, link)


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
