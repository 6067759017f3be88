"""Garbage collection in both languages, on the same depots."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import tomli
from pytest_httpserver import HTTPServer

from compat_tests.published import Published, publish
from fetch_artifacts import artifact
from fetch_artifacts.conformance.questions import Julia, version_numbers
from fetch_artifacts.depot.gc import Collection, collect_garbage
from fetch_artifacts.depot.usage.log import local_now
from fetch_artifacts.errors import FetchArtifactsError, JuliaThrewError
from support.trees import make_tree, names

UNKNOWN = ("jl_AbC123", "notahash")  # Julia deletes such folders, ours leaves them


def collect(*, all_depots: bool = False, dry_run: bool = False) -> Collection:
    """Collect at once, as if all was installed yesterday."""
    return collect_garbage(
        collect_delay=timedelta(0),
        all_depots=all_depots,
        dry_run=dry_run,
        now=local_now() + timedelta(days=1),
    )


@pytest.fixture
def published(tmp_path: Path, httpserver: HTTPServer) -> Published:
    return publish(tmp_path, httpserver)


def test_what_julia_uses_is_kept(
    julia: Julia, published: Published, depot: Path, tmp_path: Path
) -> None:
    julia.ensure_artifact_installed(published.name, published.toml)
    # Pkg logs a file when it installs or binds, not when it is only used.
    julia.bind_artifact(published.toml, "Other", "1" * 40)
    make_tree(depot / "artifacts" / ("2" * 40), {"file": "x"})

    result = collect()

    assert [tree.path.name for tree in result.collected] == ["2" * 40]
    assert julia.verify_artifact(published.tree_hash)


def test_what_julia_no_longer_uses_goes_in_either_language(
    julia: Julia, published: Published, depot: Path
) -> None:
    julia.ensure_artifact_installed(published.name, published.toml)
    julia.bind_artifact(published.toml, "Other", "1" * 40)
    published.toml.unlink()

    result = collect()

    assert [tree.path.name for tree in result.collected] == [published.tree_hash]
    assert not julia.artifact_exists(published.tree_hash)
    assert depot.is_dir()


def test_each_reads_what_the_other_noted_of_orphans(
    julia: Julia, published: Published, depot: Path
) -> None:
    artifact(published.name, published.toml)
    published.toml.unlink()
    log = depot / "logs" / "orphaned.toml"
    collect_garbage(now=local_now() + timedelta(days=1))
    julia.gc()
    assert julia.artifact_exists(published.tree_hash)  # an orphan only from tomorrow on

    log.unlink()
    collect_garbage()
    assert list(tomli.loads(log.read_text())) == [
        str(depot / "artifacts" / published.tree_hash)
    ]
    julia.gc()
    assert not julia.artifact_exists(published.tree_hash)
    # Julia still lists what it has deleted, which ours drops the next time.
    assert list(tomli.loads(log.read_text()))
    assert not collect_garbage().trees
    assert not tomli.loads(log.read_text())


@pytest.mark.parametrize("seed", range(30))
def test_generated_depots(
    seed: int, julia: Julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = version_numbers(julia.version())
    if numbers >= (1, 13):
        pytest.skip("Pkg 1.13 collects by another algorithm, without a delay")
    root = tmp_path / "root"
    depots = make_depots(root, random.Random(seed))
    unknown = set(names(depots[0] / "artifacts")) & set(UNKNOWN)
    monkeypatch.setenv("JULIA_DEPOT_PATH", os.pathsep.join(map(str, depots)))
    # Up to 1.6 all depots are looked at, since then the first (Pkg.jl API.jl:585).
    all_depots = numbers < (1, 7)
    planned = outcome(lambda: collect(all_depots=all_depots, dry_run=True))

    theirs = outcome(julia.at(*depots).gc)
    by_julia = state(depots, done=theirs)
    shutil.rmtree(root)
    make_depots(root, random.Random(seed))
    ours = outcome(lambda: collect(all_depots=all_depots))

    assert ours == theirs == planned
    assert state(depots, done=ours) == by_julia
    assert unknown <= set(names(depots[0] / "artifacts"))


def outcome(run: Callable[[], object]) -> bool:
    """Whether a gc went through."""
    try:
        run()
    except (FetchArtifactsError, JuliaThrewError):
        return False
    return True


def state(depots: list[Path], *, done: bool) -> list[object]:
    """What is left in the depots, and what the logs name; Julia shortens them first."""
    left = [names(depot / "artifacts") for depot in depots]
    if not done:
        return [*left]
    logs = [depot / "logs" / "artifact_usage.toml" for depot in depots]
    return [
        *([name for name in each if name not in UNKNOWN] for each in left),
        *(sorted(tomli.loads(log.read_text("utf-8"))) for log in logs),
    ]


def make_depots(root: Path, rng: random.Random) -> list[Path]:
    """Two depots with logs, files and overrides, of which some are in a bad state."""
    hashes = [rng.randbytes(20).hex() for _ in range(10)]
    depots = [root / "one", root / "two"]
    for depot in depots:
        for tree_hash in rng.sample(hashes, rng.randrange(3, 9)):
            make_tree(depot / "artifacts" / tree_hash, {"file": tree_hash})
        (depot / "artifacts").mkdir(parents=True, exist_ok=True)
    tomls = [make_file(root / f"p{n}", hashes, rng) for n in range(rng.randrange(2, 6))]
    for depot in depots:
        logged = sorted(rng.sample(tomls, rng.randrange(len(tomls) + 1)))
        gone = [root / "gone" / "Artifacts.toml"] if rng.random() < 0.3 else []
        text = "\n".join(
            f'[["{toml}"]]\ntime = 2026-11-22T09:48:43.905Z\n'
            for toml in (*logged, *gone)
        )
        make_tree(depot / "logs", {"artifact_usage.toml": text})
    if rng.random() < 0.5:
        key, value = rng.sample(hashes, 2)
        target = value if rng.random() < 0.5 else str(root / "elsewhere")
        text = f'{key} = "{target}"\n'
        make_tree(depots[rng.randrange(2)] / "artifacts", {"Overrides.toml": text})
    for name in UNKNOWN:
        if rng.random() < 0.5:
            make_tree(depots[0] / "artifacts" / name, {"file": "x"})
    return depots


def make_file(folder: Path, hashes: list[str], rng: random.Random) -> Path:
    """An Artifacts.toml; some are broken, and a few have an entry without a hash."""
    lines = []
    for name in ("a", "b", "c")[: rng.randrange(1, 4)]:
        if rng.random() < 0.5:
            lines += [f"[{name}]", f'git-tree-sha1 = "{rng.choice(hashes)}"']
            lines += ["lazy = true"] if rng.random() < 0.5 else []
        else:
            for system in ("linux", "macos", "windows")[: rng.randrange(1, 4)]:
                lines += [f"[[{name}]]", 'arch = "x86_64"', f'os = "{system}"']
                lines += [f'git-tree-sha1 = "{rng.choice(hashes)}"']
    dice = rng.random()
    if dice < 0.05:
        lines += ["[bad]", "lazy = true"]
    elif dice < 0.15:
        lines = ["this is = not [toml"]
    make_tree(folder, {"Artifacts.toml": "\n".join(lines) + "\n"})
    return folder / "Artifacts.toml"
