"""A project in both languages with one Artifacts.toml, as a checkout and as a wheel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from fetch_artifacts import create_artifact, install_artifacts, pkg_artifacts
from fetch_artifacts.conformance import pytest_plugin
from fetch_artifacts.conformance.questions import Julia, version_numbers

HERE = Path(__file__).parent
SRC = HERE.parent / "src"
UUID = "6c1a4f0e-3b0e-4d5e-9d0b-5a8c3d1f2e77"
TREE_HASH = "6dc65b47df0efab2311cf47dd665be4e12a421e3"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout of the project."""
    return shutil.copytree(HERE / "mixed_project", tmp_path / "project")


@pytest.fixture
def installed(depot: Path) -> Path:
    """Its data set, in the depot of both."""
    created = pkg_artifacts.create_artifact(
        lambda folder: (folder / "table.csv").write_bytes(b"day,celsius\n1,11.5\n")
    )
    assert str(created) == TREE_HASH
    return depot / "artifacts" / TREE_HASH


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its wheel, installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(HERE / "mixed_project", folder / "source")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(source)]
    done = subprocess.run(
        [*command, "-w", str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"NO WHEEL OF THE MIXED PROJECT, can't build one: {done.stderr}")
    (built,) = folder.glob("*.whl")
    with ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _julias(julia: Julia, project: Path) -> Path:
    """What Julia's ``artifact"data"`` gives in a process of its own."""
    program, code = julia.program(), "using Mixed; print(Mixed.data())"
    done = subprocess.run(
        [program, "--startup-file=no", f"--project={project}", "-e", code],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"JULIA_DEPOT_PATH": os.environ["JULIA_DEPOT_PATH"] + ":"},
    )
    return Path(done.stdout)


def _pythons(package: Path) -> Path:
    """What Python's ``artifact("data")`` gives in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import mixed; print(mixed.data())"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(package), str(SRC)])},
    )
    return Path(done.stdout.strip())


def test_the_wheel_has_the_file_and_the_package_of_its_overrides(wheel: Path) -> None:
    files = {each.name for each in (wheel / "mixed").iterdir()}
    assert {"__init__.py", "Artifacts.toml", "Project.toml"} <= files


def test_the_path_is_the_same_from_a_checkout_a_wheel_and_julia(
    julia: Julia, project: Path, wheel: Path, installed: Path
) -> None:
    assert installed == _julias(julia, project)
    assert installed == _pythons(project / "src")
    assert installed == _pythons(wheel)


def test_an_override_of_the_package_counts_for_all_of_them(
    julia: Julia, project: Path, wheel: Path, installed: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    overrides = installed.parent / "Overrides.toml"
    overrides.write_text(f'[{UUID}]\ndata = "{elsewhere}"\n')

    assert elsewhere == _julias(julia, project)
    assert elsewhere == _pythons(project / "src")
    assert elsewhere == _pythons(wheel)


def test_the_lines_of_julia_in_the_readme_print_what_those_of_python_do(
    julia: Julia, depot: Path, tmp_path: Path
) -> None:
    readme = HERE.parent / "README.md"
    if not readme.exists():
        pytest.skip("NO LINE OF THE README WAS TRIED: a source archive has none")
    shown = re.search(
        r"```text\n(?P<printed>.*?\n).*?```julia\n(?P<code>.*?)```",
        readme.read_text("utf-8"),
        re.DOTALL,
    )
    assert shown
    code = shown["code"]
    if version_numbers(julia.version()) < (1, 6):  # as the comment says
        code = re.sub(r'artifact"MyData/(.*?)"', r'joinpath(path, "\1")', code)
    (tmp_path / "data" / "tables").mkdir(parents=True)
    (tmp_path / "data" / "tables" / "a.csv").write_text("day,celsius\n1,11.5\n")
    made = create_artifact(tmp_path / "data", tmp_path / "data.tar.gz")
    project, tree = tmp_path / "project", made["git_tree_sha1"]
    project.mkdir()
    url = (tmp_path / "data.tar.gz").as_uri()
    pkg_artifacts.bind_artifact(
        project / "Artifacts.toml",
        "MyData",
        tree,
        download_info=[(url, made["sha256"])],
    )
    for name in ("Project.toml", "Manifest.toml"):
        (project / name).touch()
    install_artifacts(project / "Artifacts.toml")
    (project / "shown.jl").write_text(code)
    done = subprocess.run(
        [julia.program(), "--startup-file=no", f"--project={project}", "shown.jl"],
        check=True,
        capture_output=True,
        text=True,
        cwd=project,
        env=os.environ | {"JULIA_DEPOT_PATH": f"{depot}:"},
    )
    assert shown["printed"] in done.stdout


def test_its_commands_and_its_tests_find_the_file(
    julia: Julia, project: Path, installed: Path
) -> None:
    assert installed.is_dir()
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(SRC), "src"])}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=project,
            env=environ,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    found = run("fetch_artifacts", "conform", "--json", "--julia", julia.program())
    outcomes = {check["outcome"] for check in json.loads(found)["checks"]}
    assert outcomes <= {"same", "skipped"}
    assert "same" in outcomes
    # As a plugin by name: this environment may be older than its entry point.
    plugin = () if _has_entry_point() else ("-p", pytest_plugin.__name__)
    said = run("pytest", *plugin, f"--artifacts-julia={julia.program()}")
    assert " passed" in said
    assert "failed" not in said


def _has_entry_point() -> bool:
    from importlib.metadata import entry_points

    plugins = entry_points(group="pytest11")
    return any(each.value == pytest_plugin.__name__ for each in plugins)
