from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fetch_artifacts import pkg_artifacts
from support.commands import run

# Prints what the demo expects of Julia: the verdict and the path of each artifact.
AGREES = """\
import pathlib, sys
at = sys.argv.index("-e") + 2
depot, toml, *names = sys.argv[at:]
for name in names:
    lines = pathlib.Path(toml).read_text().split(f"[{name}]")[1].splitlines()
    tree_hash = lines[1].split('"')[1]
    print("true", pathlib.Path(depot, "artifacts", tree_hash), sep="\\t")
print("1.99.0", end="")
"""


def stand_in(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in Julia's place."""
    program = folder / "julia"
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o755)
    monkeypatch.setenv("JULIA", str(program))


@pytest.fixture(autouse=True)
def no_julia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JULIA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))


def test_the_demo_installs_and_verifies_two_artifacts(tmp_path: Path) -> None:
    result = run("demo", "--keep", tmp_path / "kept")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Read from the artifact: '3,12.75'" in result.stdout
    assert "none found on this machine, so nothing was compared" in result.stdout
    toml = tmp_path / "kept" / "Artifacts.toml"
    for name in ("DemoReadings", "RequestsPackage"):
        tree_hash = pkg_artifacts.artifact_hash(name, toml)
        assert f"  git-tree-sha1  {tree_hash} (verified)\n" in result.stdout
        assert (tmp_path / "kept" / "depot" / "artifacts" / str(tree_hash)).is_dir()
    again = run("demo", "--keep", tmp_path / "kept")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "kept: expected an empty or a new folder, found files in it" in again.stderr


def test_the_demo_of_a_frozen_program_takes_a_package_that_is_there_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "certifi").mkdir()
    (tmp_path / "certifi" / "cacert.pem").write_text("certificates\n")

    def spec(name: str) -> SimpleNamespace:  # no folder of requests, as PyInstaller has
        return SimpleNamespace(origin=str(tmp_path / name / "__init__.pyc"))

    monkeypatch.setattr("importlib.util.find_spec", spec)
    result = run("demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\n[CertifiPackage]\n" in result.stdout


def test_the_demo_keeps_nothing_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert run("demo").exit_code == 0
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: starts a script")
@pytest.mark.parametrize(
    ("program", "exit_code", "said"),
    [
        (AGREES, 0, "Julia 1.99.0 verifies both trees and gives the same paths."),
        ("print('false', end='')", 1, "Julia false disagrees: expected"),
        ("raise SystemExit('no')", 0, "Julia gave no answer, so nothing was compared"),
    ],
    ids=["agrees", "disagrees", "fails"],
)
def test_the_demo_asks_julia(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    exit_code: int,
    said: str,
) -> None:
    stand_in(tmp_path, program, monkeypatch)
    result = run("demo")
    assert result.exit_code == exit_code
    assert said in result.stdout + result.stderr
