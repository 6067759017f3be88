"""After the same binds and unbinds both languages have written the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from compat_tests.oracle import JuliaError
from compat_tests.questions import Julia
from fetch_artifacts import FetchArtifactsError, pkg_artifacts

PLAIN_NAMES = ("Data", "with space")
PLATFORM_NAMES = ("a.b", "ünï")
# Of two of these none suits the other, so that 1.5's conflicts are those of 1.12.
PLATFORMS = (
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
    platform = random.choice(PLATFORMS) if by_platform else ""
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
    except JuliaError:
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
