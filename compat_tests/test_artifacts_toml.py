"""The same Artifacts.toml gives both languages the same hash and the same path."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat_tests.questions import Julia
from fetch_artifacts import pkg_artifacts

ARTIFACTS_TOML = """\
[Plain]
git-tree-sha1 = "1111111111111111111111111111111111111111"

[Lazy]
git-tree-sha1 = "2222222222222222222222222222222222222222"
lazy = true

[Upper]
git-tree-sha1 = "ABCDEF0123456789ABCDEF0123456789ABCDEF01"

["with space/and slash"]
git-tree-sha1 = "3333333333333333333333333333333333333333"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "4444444444444444444444444444444444444444"
os = "windows"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "5555555555555555555555555555555555555555"
libc = "glibc"
os = "linux"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "6666666666666666666666666666666666666666"
libc = "musl"
os = "linux"

[[ByPlatform]]
arch = "aarch64"
git-tree-sha1 = "7777777777777777777777777777777777777777"
os = "macos"

[[ByCompiler]]
arch = "x86_64"
cxxstring_abi = "cxx03"
git-tree-sha1 = "8888888888888888888888888888888888888888"
libc = "glibc"
libgfortran_version = "4.0.0"
os = "linux"

[[ByCompiler]]
arch = "x86_64"
cxxstring_abi = "cxx11"
git-tree-sha1 = "9999999999999999999999999999999999999999"
libc = "glibc"
libgfortran_version = "5.0.0"
os = "linux"
"""
NAMES = (
    *("Plain", "Lazy", "Upper", "with space/and slash", "ByPlatform", "ByCompiler"),
    "Absent",
)
PLATFORMS = (
    *("x86_64-linux-gnu", "x86_64-linux-musl", "x86_64-w64-mingw32", "i686-linux-gnu"),
    *("aarch64-apple-darwin", "x86_64-unknown-freebsd", "aarch64-linux-gnu"),
    *("x86_64-linux-gnu-libgfortran4-cxx03", "x86_64-linux-gnu-libgfortran5-cxx11"),
)
TREES = {
    "beside": ["Artifacts.toml"],
    "the one for Julia": ["Artifacts.toml", "JuliaArtifacts.toml"],
    "above": ["../Artifacts.toml"],
    "far above": ["../../Artifacts.toml"],
    "beyond a project": ["../Artifacts.toml", "Project.toml"],
    "beside a project": ["Artifacts.toml", "Project.toml"],
    "another case": ["artifacts.toml"],
    "none": [],
}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "Artifacts.toml"
    path.write_text(ARTIFACTS_TOML, "utf-8")
    return path


def _julia_hash(julia: Julia, name: str, toml: Path, platform: str) -> str | None:
    return julia.artifact_hash(name, toml, platform)


def _ours_hash(name: str, toml: Path, platform: str) -> str | None:
    found = pkg_artifacts.artifact_hash(name, toml, platform=platform)
    return None if found is None else str(found)


def _julia_path(julia: Julia, name: str, toml: Path) -> Path:
    found = julia.artifact_hash(name, toml)
    assert found is not None
    return julia.artifact_path(found)


def _ours_path(name: str, toml: Path) -> Path:
    found = pkg_artifacts.artifact_hash(name, toml)
    assert found is not None
    return pkg_artifacts.artifact_path(found)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", NAMES)
def test_hash_of_an_entry(julia: Julia, toml: Path, name: str, platform: str) -> None:
    expected = _julia_hash(julia, name, toml, platform)

    assert expected == _ours_hash(name, toml, platform), (name, platform)


@pytest.mark.parametrize("name", ["Plain", "Lazy", "Upper", "with space/and slash"])
def test_path_of_an_entry(julia: Julia, toml: Path, name: str) -> None:
    assert _julia_path(julia, name, toml) == _ours_path(name, toml), name


@pytest.mark.parametrize("installed", [(), (0,), (1,), (0, 1), (2,)])
def test_path_among_several_depots(
    julia: Julia,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toml: Path,
    installed: tuple[int, ...],
) -> None:
    depots = [tmp_path / name for name in ("one", "two", "three")]
    for number in installed:
        (depots[number] / "artifacts" / ("1" * 40)).mkdir(parents=True)
    monkeypatch.setenv("JULIA_DEPOT_PATH", ":".join(map(str, depots)))

    assert _julia_path(julia.at(*depots), "Plain", toml) == _ours_path("Plain", toml)


@pytest.mark.parametrize("name", TREES)
def test_which_file_belongs_to_a_source_file(
    julia: Julia, tmp_path: Path, name: str
) -> None:
    source = tmp_path / "package" / "src" / "deep" / "source.jl"
    source.parent.mkdir(parents=True)
    (tmp_path / "Project.toml").touch()  # nothing above is looked at
    for each in TREES[name]:
        (source.parent / each).resolve().touch()

    ours = pkg_artifacts.find_artifacts_toml(source)

    assert julia.find_artifacts_toml(source) == ours, TREES[name]
