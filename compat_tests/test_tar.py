"""What one language archives, the other installs from a file:// address."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from compat_tests.published import TREE, TREE_HASH, bind
from compat_tests.trees import copy_tree, listing
from fetch_artifacts import pkg_artifacts
from fetch_artifacts.conformance.questions import Julia
from support.trees import make_tree


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


def _julia_archive(julia: Julia, source: Path, tarball: Path) -> str:
    return julia.archive_artifact(julia.create_artifact(source), tarball)


def _ours_archive(source: Path, tarball: Path) -> str:
    created = pkg_artifacts.create_artifact(lambda folder: copy_tree(source, folder))
    return str(pkg_artifacts.archive_artifact(created, tarball))


def _bound(tarball: Path) -> Path:
    """An Artifacts.toml with the archive as its only source."""
    toml = tarball.with_name("Artifacts.toml")
    return bind(toml, TREE_HASH, tarball.as_uri(), tarball.read_bytes())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_julia_installs_what_python_archived(
    julia: Julia, tmp_path: Path, source: Path
) -> None:
    tarball = tmp_path / "ours.tar.gz"
    assert _ours_archive(source, tarball) == _sha256(tarball)
    toml = _bound(tarball)

    installed = julia.at(tmp_path / "other").ensure_artifact_installed("Data", toml)

    assert julia.tree_hash(installed) == TREE_HASH
    assert listing(installed) == listing(julia.artifact_path(TREE_HASH))


def test_python_installs_what_julia_archived(
    julia: Julia, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tmp_path / "julias.tar.gz"
    assert _julia_archive(julia, source, tarball) == _sha256(tarball)
    toml = _bound(tarball)
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "other"))

    installed = pkg_artifacts.ensure_artifact_installed("Data", toml)

    assert julia.tree_hash(installed) == TREE_HASH
    assert listing(installed) == listing(julia.artifact_path(TREE_HASH))
