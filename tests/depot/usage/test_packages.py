"""A package in an archive unpacks its Artifacts.toml to a temporary file."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fetch_artifacts.depot.usage.entries import read_all
from fetch_artifacts.depot.usage.log import local_now
from fetch_artifacts.depot.usage.packages import is_outdated
from support.published import publish

MODULE = """
from importlib.resources import as_file, files
from fetch_artifacts import artifact

def path():
    with as_file(files(__package__) / "Artifacts.toml") as toml:
        return artifact("Demo", toml)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zipped package that has an Artifacts.toml."""
    published = publish(tmp_path / "published")
    path = tmp_path / "zipped.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("zipped/__init__.py", MODULE)
        file.write(published.toml, "zipped/Artifacts.toml")
    return path


def run(archive: Path) -> Path:
    """Ask the package for its artifact, in a process of its own."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import zipped; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print(zipped.path())", archive],
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(done.stdout.strip())


def logged(depot: Path) -> list[Path]:
    log = depot / "logs" / "artifact_usage.toml"
    return [Path(path) for path in read_all(log, local_now()).latest]


def test_the_log_names_one_lasting_copy_however_often_it_runs(
    archive: Path, depot: Path
) -> None:
    assert [run(archive), run(archive)] == [run(archive)] * 2
    (record,) = logged(depot)
    assert record.is_file()
    assert str(archive) in record.read_text().splitlines()[0]
    assert not is_outdated(str(record))


def test_the_copy_counts_as_long_as_the_archive_is_the_same(
    archive: Path, depot: Path
) -> None:
    run(archive)
    (record,) = logged(depot)
    os.utime(archive, (1, 1))
    assert is_outdated(str(record))
    archive.unlink()
    assert is_outdated(str(record))


def test_what_is_not_such_a_copy_is_not_outdated(tmp_path: Path) -> None:
    folder = tmp_path / "fetch_artifacts_packages"
    folder.mkdir()
    for text in ("", "# a comment\n", "# For gc, in place of a temporary file"):
        (folder / "x.toml").write_text(text)
        assert not is_outdated(str(folder / "x.toml"))
    assert not is_outdated(str(tmp_path / "missing" / "Artifacts.toml"))
