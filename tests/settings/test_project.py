"""Which pyproject.toml counts: the one above the Artifacts.toml goes first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import (
    add_artifact,
    artifact,
    artifact_exists,
    clear_artifact_cache,
    install_artifacts,
    load_artifacts,
    pkg_artifacts,
)
from fetch_artifacts.artifacts_toml.choosing import entry_for
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.conformance.cache_key import cache_key
from fetch_artifacts.errors import NoMatchingPlatformError, SettingsError
from fetch_artifacts.platforms.host import host_platform
from fetch_artifacts.settings.project import nearest_pyproject, project_of
from support.published import TREE_HASH, publish
from support.trees import Tree, make_tree

RISCV = '[tool.fetch-artifacts]\nplatform = "riscv64-linux-gnu"\n'
BROKEN = "[tool.fetch-artifacts]\nmirrors = 1\n"


@pytest.fixture
def toml(tmp_path: Path, depot: Path) -> Path:
    """The Artifacts.toml of a project for another processor, far from here."""
    text = publish(tmp_path / "served").toml.read_text()
    text = text.replace("[Demo]", '[[Demo]]\nos = "linux"\narch = "riscv64"')
    files: Tree = {"pyproject.toml": RISCV, "src/Artifacts.toml": text}
    return make_tree(tmp_path / "project", files) / "src/Artifacts.toml"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: another project, for a third processor."""
    other = RISCV.replace("riscv64", "powerpc64le")
    folder = make_tree(tmp_path / "here", {"pyproject.toml": other})
    monkeypatch.chdir(folder)
    return folder


def test_functions_go_by_the_project_of_the_file(toml: Path) -> None:
    assert not artifact_exists("Demo", toml)
    assert list(install_artifacts(toml)) == ["Demo"]
    path = artifact("Demo", toml)
    assert path.name == TREE_HASH
    manager = load_artifacts(toml)
    assert dict(manager) == {"Demo": path}
    assert manager.exists("Demo")
    clear_artifact_cache("Demo", toml)
    assert not path.exists()
    assert cache_key([toml]) != cache_key([])


def test_whoever_chooses_an_entry_goes_by_the_project_of_its_file(toml: Path) -> None:
    for file in (toml, str(toml)):
        chosen = entry_for("Demo", file, host_platform).platform
        assert str(chosen) == "riscv64-linux-gnu"
    with pytest.raises(NoMatchingPlatformError, match="powerpc64le"):
        entry_for("Demo", load_artifacts_toml(toml), host_platform)


def test_julias_functions_go_by_it_too(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(pkg_artifacts.artifact_hash("Demo", toml)) == TREE_HASH
    monkeypatch.chdir(toml.parents[1])
    relative = Path("src", toml.name)
    assert pkg_artifacts.ensure_artifact_installed("Demo", relative).name == TREE_HASH
    table = pkg_artifacts.load_artifacts_toml(toml)
    monkeypatch.chdir("/")
    assert pkg_artifacts.artifact_hash("Demo", table) is None


def test_it_goes_before_that_of_the_working_directory(toml: Path, here: Path) -> None:
    (toml.parents[1] / "pyproject.toml").unlink()
    with pytest.raises(NoMatchingPlatformError, match="powerpc64le"):
        artifact("Demo", toml)
    (here / "pyproject.toml").write_text(RISCV)
    assert artifact("Demo", toml).name == TREE_HASH


def test_an_install_takes_its_settings_from_there(toml: Path, here: Path) -> None:
    (here / "pyproject.toml").write_text(BROKEN)
    (toml.parent / "pyproject.toml").write_text(RISCV)
    assert artifact("Demo", toml).name == TREE_HASH
    clear_artifact_cache(None, toml)
    (toml.parent / "pyproject.toml").write_text(RISCV + 'mirrors = ["x"]\n')
    with pytest.raises(SettingsError, match=r"src.pyproject\.toml: .*mirrors"):
        install_artifacts(toml)


def test_an_author_sends_the_credentials_of_the_project(
    toml: Path, httpserver: HTTPServer
) -> None:
    auth = '[tool.fetch-artifacts.auth."127.0.0.1"]\nToken = "$SECRET"\n'
    (toml.parent / "pyproject.toml").write_text(auth)
    with pytest.raises(SettingsError, match=r"src.pyproject\.toml: .*SECRET"):
        add_artifact(toml, "More", httpserver.url_for("/a.tar.gz"), verbose=False)


def test_it_holds_within_the_block_and_the_thread_only(
    tmp_path: Path, here: Path
) -> None:
    inner = make_tree(tmp_path / "inner", {"pyproject.toml": ""})
    seen: list[Path | None] = []
    with project_of(inner / "deep" / "Artifacts.toml"):
        assert nearest_pyproject(here) == inner / "pyproject.toml"
        thread = threading.Thread(target=lambda: seen.append(nearest_pyproject(here)))
        thread.start()
        thread.join()
    assert [*seen, nearest_pyproject(here)] == [here / "pyproject.toml"] * 2
