"""The programs on the page about clusters do what it says; session "integrations"."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fetch_artifacts import bind_artifact, create_artifact

PAGE = Path(__file__).parents[2] / ".github" / "docs" / "clusters.md"
PROGRAMS = {
    "process_pool.py": ("", "40\n"),
    "addresses.py": ("pandas", "9 MyData/tables/0.csv\n"),
    "dask_job.py": ("distributed", "40\n"),
    "mpi_job.py": ("mpi4py", "40\n"),
    "ray_job.py": ("ray", "40\n"),
}
MPI = ("mpiexec", "--allow-run-as-root", "--oversubscribe", "-n", "3")


def programs() -> dict[str, str]:
    """The page's programs, by the names that stand in a comment before each."""
    block = re.compile(r"<!-- (\w+\.py) -->\n```python\n(.*?)```", re.DOTALL)
    return dict(block.findall(PAGE.read_text("utf-8")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an Artifacts.toml that binds four tables of ten lines."""
    tables = tmp_path / "tree" / "tables"
    tables.mkdir(parents=True)
    for number in range(4):
        (tables / f"{number}.csv").write_text("a\n" * 10)
    project = tmp_path / "project"
    project.mkdir()
    made = create_artifact(tables.parent, tmp_path / "data.tar.gz")
    bind_artifact(
        project / "Artifacts.toml",
        "MyData",
        made["git_tree_sha1"],
        Path(made["archive_path"]).as_uri(),
        made["sha256"],
    )
    return project


def test_the_page_has_the_programs_that_are_tried() -> None:
    if not PAGE.exists():
        pytest.skip(f"NO PROGRAM OF THE PAGE WAS TRIED: there is no {PAGE}")
    assert programs().keys() == PROGRAMS.keys()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_what_it_should(
    name: str, project: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    package, printed = PROGRAMS[name]
    command = [sys.executable, "-W", "ignore"]
    if name == "mpi_job.py":
        command = [*MPI, *command, "-m", "mpi4py.futures"]
    if not PAGE.exists():
        pytest.skip(f"{name} WAS NOT TRIED: there is no {PAGE}")
    if not request.config.getoption("--clusters"):
        pytest.skip(f"{name} WAS NOT TRIED: give --clusters")
    if package and not find_spec(package):
        pytest.skip(f"{name} WAS NOT TRIED: {package} is not installed")
    if not shutil.which(command[0]):
        pytest.skip(f"{name} WAS NOT TRIED: there is no {command[0]}")
    (project / name).write_text(programs()[name])
    done = subprocess.run(
        [*command, name],
        cwd=project,
        env={
            **os.environ,
            "JULIA_DEPOT_PATH": str(tmp_path / "depot"),
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none",  # as in containers
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == (printed, 0), done.stderr
