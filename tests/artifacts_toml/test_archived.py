"""A module in a zipapp finds the Artifacts.toml that is in the archive with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipapp
from pathlib import Path

import pytest

from fetch_artifacts.depot.usage.entries import read_all
from fetch_artifacts.depot.usage.log import local_now
from support.published import publish
from support.trees import Tree, make_tree, names

ASKS = "from fetch_artifacts import artifact\ndef path(): print(artifact('Demo'))\n"
UUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("TEMP", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def zipped(tmp_path: Path, tree: Tree, main: str = "package:path") -> Path:
    """A zipapp of a package that asks for its artifact."""
    program = tmp_path / "program.pyz"
    source = make_tree(tmp_path / "source", {"package/__init__.py": ASKS, **tree})
    zipapp.create_archive(source, program, main=main)
    return program


def run(program: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, program.name],
        cwd=program.parent,
        check=False,
        capture_output=True,
        text=True,
    )


def installed(done: subprocess.CompletedProcess[str], depot: Path) -> Path:
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.parent == depot / "artifacts"
    return path


@pytest.mark.parametrize(
    "place", ["package/Artifacts.toml", "package/JuliaArtifacts.toml", "Artifacts.toml"]
)
def test_a_zipapp_finds_its_file_and_the_log_does_not_grow(
    tmp_path: Path, depot: Path, temporary: Path, place: str
) -> None:
    text = publish(tmp_path / "published").toml.read_text()
    (tmp_path / "Artifacts.toml").write_text("beside the archive: never read\n")
    program = zipped(tmp_path, {place: text})
    paths = {installed(run(program), depot) for _ in range(3)}
    assert len(paths) == 1
    (logged,) = read_all(depot / "logs" / "artifact_usage.toml", local_now()).latest
    assert Path(logged).parent == depot / "logs" / "fetch_artifacts_packages"
    assert str(program) in Path(logged).read_text().splitlines()[0]
    assert names(temporary) == []


def test_the_search_ends_at_a_project_in_the_archive(
    tmp_path: Path, depot: Path
) -> None:
    text = publish(tmp_path / "published").toml.read_text()
    program = zipped(tmp_path, {"package/Project.toml": "", "Artifacts.toml": text})
    done = run(program)
    assert done.returncode == 1
    assert "expected an Artifacts.toml in" in done.stderr
    assert not depot.exists()


def test_overrides_of_the_package_count(tmp_path: Path, depot: Path) -> None:
    tree: Tree = {
        "Project.toml": f'name = "P"\nuuid = "{UUID}"\n',
        "package/Artifacts.toml": publish(tmp_path / "published").toml.read_text(),
    }
    overrides = f"[{UUID}]\nDemo = '{tmp_path}'\n"
    make_tree(depot, {"artifacts/Overrides.toml": overrides})
    done = run(zipped(tmp_path, tree))
    assert done.stdout.strip() == str(tmp_path), done.stderr


def test_a_file_that_was_cleared_away_is_unpacked_again(
    tmp_path: Path, depot: Path, temporary: Path
) -> None:
    text = publish(tmp_path / "published").toml.read_text()
    again = (
        "import pathlib, package\n"
        "def run():\n"
        "    package.path()\n"
        f"    for path in pathlib.Path({str(temporary)!r}).rglob('*.toml'):\n"
        "        path.unlink()\n"
        "    package.path()\n"
    )
    tree: Tree = {"package/Artifacts.toml": text, "again.py": again}
    done = run(zipped(tmp_path, tree, main="again:run"))
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == second
    assert Path(first).parent == depot / "artifacts"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT RUN: no fork here")
@pytest.mark.usefixtures("depot")
def test_a_fork_that_ends_leaves_the_file_to_its_parent(tmp_path: Path) -> None:
    text = publish(tmp_path / "published").toml.read_text()
    forks = (
        "import os\n"
        "from fetch_artifacts import load_artifacts\n"
        "def run():\n"
        "    toml = load_artifacts().toml_path\n"
        "    pid = os.fork()\n"
        "    if pid:\n"
        "        os.waitpid(pid, 0)\n"
        "        print(os.path.exists(toml))\n"
    )
    tree: Tree = {"Artifacts.toml": text, "forks.py": forks}
    done = run(zipped(tmp_path, tree, main="forks:run"))
    assert (done.stdout, done.stderr) == ("True\n", "")
