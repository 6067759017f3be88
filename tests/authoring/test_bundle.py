"""Bundles: one tar for a machine without a network."""

from __future__ import annotations

import gzip
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


def test_a_bundle_that_is_cut_short_is_found(bundle: Path, depot: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:1200])
    done = run("install", "--from", bundle)
    assert done.exit_code == 1
    assert not (depot / "artifacts" / TREE_HASH).exists()


def test_what_is_no_bundle_is_refused(tmp_path: Path, depot: Path) -> None:
    path = tmp_path / "page.tar"
    path.write_text("<html>")
    done = run("install", "--from", path)
    assert (done.exit_code, "expected a bundle" in done.stderr) == (1, True)


def test_what_a_bundle_lacks_is_named(
    published: Published, other: Published, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.tar"
    run("bundle", path, published.toml)
    done = run("install", "--from", path, other.toml)
    assert done.exit_code == 1
    assert other_hash(other) in done.stderr


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
