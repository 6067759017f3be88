"""Both languages read an Artifacts.toml alike and write the same bytes into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from fetch_artifacts import FetchArtifactsError, pkg_artifacts
from fetch_artifacts.conformance.questions import Julia
from fetch_artifacts.errors import JuliaThrewError

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


PLAIN_NAMES = ("Data", "with space")
PLATFORM_NAMES = ("a.b", "ünï")
# Of two of these none suits the other, so that 1.5's conflicts are those of 1.12.
BOUND_PLATFORMS = (
    *("x86_64-linux-gnu", "x86_64-linux-musl"),
    *("x86_64-w64-mingw32", "i686-w64-mingw32"),
)
START = """\
# A comment, which is lost in both languages.
[Data]
git-tree-sha1 = "1111111111111111111111111111111111111111"
note = "kept"

[["a.b"]]
os = "linux"
arch = "x86_64"
libc = "glibc"
git-tree-sha1 = "2222222222222222222222222222222222222222"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One bind, or one unbind where there is no hash."""

    name: str
    platform: str
    tree_hash: str = ""
    downloads: tuple[tuple[str, str], ...] = ()
    lazy: bool = False
    force: bool = False


def _random_change(random: Random, *, mixed: bool) -> Change:
    """A change; mixed binds a name both for platforms and for all of them."""
    name = random.choice(PLAIN_NAMES + PLATFORM_NAMES)
    by_platform = name in PLATFORM_NAMES
    if mixed:
        by_platform = random.choice([True, False])
    platform = random.choice(BOUND_PLATFORMS) if by_platform else ""
    if random.random() < 0.2:
        return Change(name=name, platform=platform)
    return Change(
        name=name,
        platform=platform,
        tree_hash=random.randbytes(20).hex(),
        downloads=tuple(
            (f"https://example.org/{number}", random.randbytes(32).hex())
            for number in range(random.randrange(3))
        ),
        lazy=random.choice([True, False]),
        force=random.random() < 0.3,
    )


def _julia_apply(julia: Julia, toml: Path, change: Change) -> bool:
    """Whether it was done."""
    try:
        if change.tree_hash:
            julia.bind_artifact(
                toml,
                change.name,
                change.tree_hash,
                downloads=change.downloads,
                platform=change.platform,
                lazy=change.lazy,
                force=change.force,
            )
        else:
            julia.unbind_artifact(toml, change.name, change.platform)
    except JuliaThrewError:
        return False
    return True


def _ours_apply(toml: Path, change: Change) -> bool:
    """Whether it was done."""
    try:
        if change.tree_hash:
            pkg_artifacts.bind_artifact(
                toml,
                change.name,
                change.tree_hash,
                download_info=change.downloads or None,
                platform=change.platform or None,
                lazy=change.lazy,
                force=change.force,
            )
        else:
            pkg_artifacts.unbind_artifact(
                toml, change.name, platform=change.platform or None
            )
    except FetchArtifactsError:
        return False
    return True


@pytest.mark.parametrize("seed", range(30))
def test_generated_changes(julia: Julia, tmp_path: Path, seed: int) -> None:
    _compare(julia, tmp_path, Random(seed), mixed=False)


@pytest.mark.requires_julia("1.12")  # where each rule for conflicts is ours
def test_generated_changes_that_conflict(julia: Julia, tmp_path: Path) -> None:
    for seed in range(30, 100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _compare(julia, folder, Random(seed), mixed=True)


def _compare(julia: Julia, folder: Path, random: Random, *, mixed: bool) -> None:
    julias, ours = folder / "julias.toml", folder / "ours.toml"
    if random.random() < 0.5:
        julias.write_text(START, "utf-8")
        ours.write_text(START, "utf-8")
    for _ in range(8):
        change = _random_change(random, mixed=mixed)
        expected = _julia_apply(julia, julias, change)
        assert expected == _ours_apply(ours, change), change
        assert _text(julias) == _text(ours), change


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
