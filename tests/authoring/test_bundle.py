"""Bundles: one tar for a machine without a network."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from support.archives import unpack_with_tarfile
from support.commands import run
from support.published import TREE_HASH, Published, publish, tar
from support.trees import Tree, make_tree, names

OTHER: Tree = {"other": "tree"}
SRC = Path(__file__).parents[2] / "src"


@pytest.fixture
def published(tmp_path: Path, depot: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def other(tmp_path: Path, depot: Path) -> Published:
    """Another tree that is bound to the same name, in a file of its own."""
    made = publish(tmp_path / "other", gzip.compress(tar(OTHER)))
    folder = make_tree(tmp_path / "other tree", OTHER)
    hash_ = run("hash", folder).stdout.split()[0]
    made.toml.write_text(made.toml.read_text().replace(TREE_HASH, hash_))
    return made


@pytest.fixture
def bundle(published: Published, other: Published, tmp_path: Path) -> Path:
    """A bundle of both, whose sources are dead now."""
    path = tmp_path / "bundle.tar"
    assert run("bundle", path, published.toml, other.toml).exit_code == 0
    published.archive.unlink()
    other.archive.unlink()
    return path


def other_hash(other: Published) -> str:
    return other.toml.read_text().split('"')[1]


def test_a_bundle_holds_a_mirror_and_the_files(
    bundle: Path, published: Published, other: Published
) -> None:
    with tarfile.open(bundle) as archive:
        members = archive.getmembers()
        inside = [member.name for member in members if member.isreg()]
        texts = [
            archive.extractfile(name).read()  # type: ignore[union-attr]
            for name in inside
            if name.startswith("toml/")
        ]
    assert [name for name in inside if not name.startswith("toml/")] == [
        *sorted(f"artifact/{each}" for each in (TREE_HASH, other_hash(other))),
        "meta",
        "registries",
    ]
    tomls = {published.toml.read_bytes(), other.toml.read_bytes()}
    assert set(texts) == tomls
    assert {(member.mtime, member.uid, member.uname) for member in members} == {
        (0, 0, "")
    }


def test_the_same_files_give_the_same_bundle(
    published: Published, other: Published, tmp_path: Path
) -> None:
    first, second = tmp_path / "1.tar", tmp_path / "elsewhere" / "2.tar"
    second.parent.mkdir()
    run("bundle", first, published.toml, other.toml)
    run("bundle", second, other.toml, published.toml)
    assert first.read_bytes() == second.read_bytes()
    assert names(second.parent) == ["2.tar"]


def test_all_of_a_bundle_is_installed(
    bundle: Path, other: Published, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_OFFLINE", "true")
    done = run("install", "--from", bundle)
    assert done.exit_code == 0, done.stderr
    installed = {line.split("\t")[1] for line in done.stdout.splitlines()}
    trees = (TREE_HASH, other_hash(other))
    assert installed == {str(depot / "artifacts" / each) for each in trees}


def test_each_name_of_a_tree_is_a_row(
    published: Published, depot: Path, tmp_path: Path
) -> None:
    text = published.toml.read_text()
    published.toml.write_text(text + text.replace("Demo", "Again"))
    run("bundle", tmp_path / "bundle.tar", published.toml)
    done = run("install", "--from", tmp_path / "bundle.tar", "--json")
    path = str(depot / "artifacts" / TREE_HASH)
    assert json.loads(done.stdout) == [
        {"name": "Demo", "path": path},
        {"name": "Again", "path": path},
    ]


def test_what_a_file_binds_is_installed_and_found_from_then_on(
    bundle: Path, published: Published, other: Published, depot: Path
) -> None:
    assert run("install", "--from", bundle, published.toml).exit_code == 0
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    assert not (depot / "artifacts" / other_hash(other)).exists()
    assert str(published.toml) in (depot / "logs/artifact_usage.toml").read_text()


def test_damage_in_a_bundle_is_found(bundle: Path, depot: Path) -> None:
    with tarfile.open(bundle) as archive:
        place = archive.getmember(f"artifact/{TREE_HASH}").offset_data
    data = bytearray(bundle.read_bytes())
    data[place + 40] ^= 1
    bundle.write_bytes(data)
    done = run("install", "--from", bundle)
    assert done.exit_code == 1
    assert f"bundle.tar/artifact/{TREE_HASH}" in done.stderr
    assert not (depot / "artifacts" / TREE_HASH).exists()


@pytest.mark.parametrize("length", [700, 1200])
def test_a_bundle_that_is_cut_short_is_found(
    length: int, bundle: Path, depot: Path
) -> None:
    bundle.write_bytes(bundle.read_bytes()[:length])
    done = run("install", "--from", bundle)
    assert done.exit_code == 1
    assert "a damaged tar or none (unexpected end of data); copy it" in done.stderr
    assert not (depot / "artifacts" / TREE_HASH).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"<html>",
            "expected a bundle, as `fetch-artifacts bundle` writes it, found a",
        ),
        (b"", "writes it, found a damaged tar or none"),
        (bytes(10240), "expected a bundle, found a tar with no files"),
        (tar({"a": "b"}), "expected a bundle, found a tar with other files"),
    ],
)
def test_what_is_no_bundle_is_refused(
    content: bytes, words: str, tmp_path: Path, depot: Path
) -> None:
    path = tmp_path / "page.tar"
    path.write_bytes(content)
    done = run("install", "--from", path)
    assert (done.exit_code, words in done.stderr) == (1, True)


def test_a_bundle_is_a_file(bundle: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = run("install", "--from", tmp_path / "fifo")
    assert (done.exit_code, "found a FIFO" in done.stderr) == (1, True)
    done = run("install", "--from", tmp_path)
    assert done.exit_code == 1
    assert f"FETCH_ARTIFACTS_MIRRORS={tmp_path.as_uri()}" in done.stderr


def test_what_is_wrong_with_a_file_in_a_bundle_names_the_bundle(
    bundle: Path, tmp_path: Path
) -> None:
    unpack_with_tarfile(bundle, tmp_path / "unpacked")
    [toml, *_] = sorted((tmp_path / "unpacked").rglob("Artifacts.toml"))
    toml.write_text('[Demo]\ngit-tree-sha1 = "x"\n')
    with tarfile.open(bundle, "w") as archive:
        archive.add(tmp_path / "unpacked", "")
    done = run("install", "--from", bundle)
    assert done.exit_code == 1
    where = bundle / toml.relative_to(tmp_path / "unpacked")
    assert f"{where}: Demo.git-tree-sha1: expected 40 hex digits" in done.stderr


def test_no_file_that_is_bundled_is_written_over(published: Published) -> None:
    text = published.toml.read_bytes()
    done = run("bundle", published.toml, "--toml", published.toml)
    assert (done.exit_code, "found one to bundle" in done.stderr) == (2, True)
    assert published.toml.read_bytes() == text


def test_what_is_there_is_installed_anew_from_a_bundle(
    bundle: Path, depot: Path
) -> None:
    run("install", "--from", bundle)
    damaged = depot / "artifacts" / TREE_HASH / "foo3"
    damaged.chmod(0o644)
    damaged.write_text("damaged")
    assert "0 installed, 2 there already" in run("install", "--from", bundle).stderr
    plan = run("install", "--from", bundle, "--reinstall", "--dry-run").stdout
    assert plan.count("would be installed anew") == 2
    assert damaged.read_text() == "damaged"
    done = run("install", "--from", bundle, "--reinstall")
    assert (done.exit_code, "2 installed" in done.stderr) == (0, True)
    assert damaged.read_text() == "baz!"


def test_a_plan_is_that_of_the_bundle(
    bundle: Path,
    published: Published,
    tmp_path: Path,
    depot: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(published.toml.parent)
    size = f"{len(published.data)} B"
    done = run("install", "--from", bundle, "--dry-run")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 2
    assert f"Demo: would be installed ({size})\n" in done.stdout
    assert not (depot / "artifacts").exists()
    run("install", "--from", bundle)
    there = f"Demo: there already, {depot / 'artifacts' / TREE_HASH}\n"
    assert there in run("install", "--from", bundle, "--dry-run").stdout


def test_a_lazy_artifact_that_a_bundle_lacks_is_missed_only_if_asked_for(
    published: Published, other: Published, tmp_path: Path, depot: Path
) -> None:
    lazy = published.toml.read_text().replace("[[Demo", "lazy = true\n\n    [[Demo", 1)
    published.toml.write_text(lazy)
    full, empty = tmp_path / "full.tar", tmp_path / "other.tar"
    run("bundle", full, published.toml)
    run("bundle", empty, other.toml)
    done = run("install", "--from", empty, published.toml)
    assert done.exit_code == 0
    assert "0 installed; 1 lazy artifact skipped: the bundle has none" in done.stderr
    asked = "install", "--from", empty, published.toml, "--include-lazy"
    plan = run(*asked, "--dry-run").stdout
    assert plan == "Demo: would fail, the bundle lacks it\n"
    assert run(*asked).exit_code == 1
    assert run("install", "--from", full).exit_code == 0
    assert (depot / "artifacts" / TREE_HASH).is_dir()


def test_a_tree_is_lazy_only_if_all_who_bind_it_say_so(
    published: Published, other: Published, tmp_path: Path
) -> None:
    lazy = tmp_path / "lazy" / "Artifacts.toml"
    lazy.parent.mkdir()
    text = published.toml.read_text()
    lazy.write_text(text.replace("[[Demo", "lazy = true\n\n    [[Demo", 1))
    path = tmp_path / "other.tar"
    run("bundle", path, other.toml)
    assert run("install", "--from", path, lazy).exit_code == 0
    assert run("install", "--from", path, lazy, published.toml).exit_code == 1


def test_a_hook_chooses_nothing_from_a_bundle(bundle: Path) -> None:
    done = run("install", "--from", bundle, "--julia")
    assert (done.exit_code, "--julia does not go with --from" in done.stderr) == (
        2,
        True,
    )


def test_overrides_of_a_package_hold_for_a_bundle(
    bundle: Path, published: Published, tmp_path: Path, depot: Path
) -> None:
    uuid = "2b0d3f0e-3a1c-4c9e-9c2f-1d8e6a7b5c4d"
    (published.toml.parent / "Project.toml").write_text(f'name = "P"\nuuid = "{uuid}"')
    elsewhere = make_tree(tmp_path / "elsewhere", OTHER)
    (depot / "artifacts").mkdir(parents=True)
    overrides = depot / "artifacts" / "Overrides.toml"
    overrides.write_text(f"[{uuid}]\nDemo = '{elsewhere}'\n")
    done = run("install", "--from", bundle, published.toml)
    assert (done.exit_code, done.stdout) == (0, f"Demo\t{elsewhere}\n")


def test_what_a_bundle_lacks_is_named(
    published: Published, other: Published, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.tar"
    run("bundle", path, published.toml)
    done = run("install", "--from", path, other.toml)
    assert done.exit_code == 1
    assert f"artifact/{other_hash(other)}: the bundle lacks it; bundle" in done.stderr


def test_no_bundle_is_written_that_lacks_something(
    published: Published, tmp_path: Path
) -> None:
    published.archive.unlink()
    done = run("bundle", tmp_path / "bundle.tar", published.toml)
    assert done.exit_code == 1
    assert names(tmp_path) == ["published"]


def test_an_unpacked_bundle_is_a_mirror(
    bundle: Path, published: Published, other: Published, tmp_path: Path
) -> None:
    unpack_with_tarfile(bundle, tmp_path / "mirror")
    done = run("mirror", "--check", tmp_path / "mirror", published.toml, other.toml)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.endswith("mirror: 2 read, 0 faults found\n")


def test_a_bundle_is_installed_where_there_is_no_network_at_all(
    bundle: Path, tmp_path: Path
) -> None:
    unshare = shutil.which("unshare")
    lone = [str(unshare), "--net", "--map-root-user"]
    if not unshare or subprocess.run([*lone, "true"], check=False).returncode:
        pytest.skip("NOT TRIED WITHOUT A NETWORK: unshare can't make such a namespace")
    depot = tmp_path / "lone depot"
    done = subprocess.run(
        [*lone, sys.executable, "-m", "fetch_artifacts", "install", "--from", bundle],
        env={
            **os.environ,
            "JULIA_DEPOT_PATH": str(depot),
            "JULIA_PKG_SERVER": "http://127.0.0.1:1",
            "PYTHONPATH": str(SRC),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (depot / "artifacts" / TREE_HASH / "foo3").read_text() == "baz!"


def test_without_a_file_it_has_what_the_found_one_binds(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published.toml.parent)
    done = run("bundle", "found.tar", "--json")
    assert json.loads(done.stdout) == {
        "bundle": "found.tar",
        "tomls": [str(published.toml)],
        "trees": 1,
    }
    monkeypatch.chdir(tmp_path)
    done = run("bundle", "found.tar")
    assert (done.exit_code, "no Artifacts.toml in" in done.stderr) == (1, True)
    assert run("bundle", "found.tar", "--toml", published.toml).exit_code == 0
