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
from support.servers import File, serving

PAGE = Path(__file__).parents[2] / ".github" / "docs" / "clusters.md"
PROGRAMS = {
    "process_pool.py": ("", "40\n"),
    "addresses.py": ("pandas", "9 MyData/tables/0.csv\n"),
    "dask_job.py": ("distributed", "40\n"),
    "mpi_job.py": ("mpi4py", "40\n"),
    "ray_job.py": ("ray", "40\n"),
}
# Runs a program on a cluster whose nodes have the depots that are named.
RAY_CLUSTER = """
import os, ray, runpy, sys
from ray.cluster_utils import Cluster
cluster = Cluster()
for depot in sys.argv[2:]:
    os.environ["JULIA_DEPOT_PATH"] = depot
    cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
os.environ["RAY_ADDRESS"] = cluster.address
runpy.run_path(sys.argv[1], run_name="__main__")
ray.shutdown()
cluster.shutdown()
"""
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


def test_ray_installs_once_on_each_node(
    project: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not PAGE.exists():
        pytest.skip(f"RAY WAS NOT TRIED ON TWO NODES: there is no {PAGE}")
    if not request.config.getoption("--clusters"):
        pytest.skip("RAY WAS NOT TRIED ON TWO NODES: give --clusters")
    if not find_spec("ray"):
        pytest.skip("RAY WAS NOT TRIED ON TWO NODES: ray is not installed")
    program, toml = project / "ray_job.py", project / "Artifacts.toml"
    alone = "num_cpus=2, include_dashboard=False, "
    assert alone in programs()["ray_job.py"]
    program.write_text(programs()["ray_job.py"].replace(alone, ""))
    depots = [tmp_path / name for name in ("first", "second")]
    archive = tmp_path / "data.tar.gz"
    with serving(File(archive.read_bytes())) as server:
        toml.write_text(toml.read_text().replace(archive.as_uri(), server.url()))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", RAY_CLUSTER, program, *depots],
            env={**os.environ, "JULIA_PKG_SERVER": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.returncode) == ("40\n", 0), done.stderr
    assert all((depot / "artifacts").is_dir() for depot in depots)
    assert len(server.requests) == len(depots)
