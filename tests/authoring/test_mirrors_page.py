"""The commands on the page about mirrors do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import nginx
from support.published import TREE_HASH, Published, publish

SRC = Path(__file__).parents[2] / "src"
# These need a server, and a bucket: test_nginx.py, test_object_store.py.
RUN_BY_OTHERS = ("export JULIA_PKG_SERVER", "export FETCH_ARTIFACTS_MIRRORS", "--push")

# The packages of whoever runs the tests are none of the test's business.
COMMAND = """
from importlib import metadata
metadata.distributions = lambda: []
from fetch_artifacts.cli import main
main()
"""


def blocks() -> list[str]:
    text = nginx.PAGE.read_text("utf-8") if nginx.PAGE.exists() else ""
    found: list[str] = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [each for each in found if not any(words in each for words in RUN_BY_OTHERS)]


@pytest.fixture
def project(tmp_path: Path, depot: Path) -> Published:
    """The folder where the page's commands are run, and a command on PATH."""
    published = publish(tmp_path / "project")
    (published.toml.parent / "Manifest.toml").touch()
    command = tmp_path / "bin" / "fetch-artifacts"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\n{COMMAND}")
    command.chmod(0o755)
    return published


@pytest.mark.skipif(os.name == "nt", reason="THE PAGE'S COMMANDS NEED A SHELL")
def test_all_commands_of_the_page_succeed(project: Published, tmp_path: Path) -> None:
    if not nginx.PAGE.exists():
        pytest.skip(f"NO COMMAND OF THE PAGE WAS TRIED: there is no {nginx.PAGE}")
    script = "set -e\n" + "\n".join(blocks())
    mirror, depot = tmp_path / "mirror", tmp_path / "depot"
    done = subprocess.run(
        ["sh", "-c", script.replace("/srv/mirror", str(mirror))],
        cwd=project.toml.parent,
        env={
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(SRC),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (mirror / "artifact" / TREE_HASH).read_bytes() == project.data
    assert (depot / "artifacts" / TREE_HASH).is_dir()
    assert (project.toml.parent / "all.tar").exists()
