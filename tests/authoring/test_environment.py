"""The Artifacts.toml files of installed packages, in Python and in Julia."""

from __future__ import annotations

import json
import logging
import tarfile
from importlib import metadata
from pathlib import Path

import pytest

from fetch_artifacts.authoring.mirrors.environment import (
    distribution_tomls,
    manifest_tomls,
    version_slug,
)
from fetch_artifacts.errors import ArtifactsTomlError
from support.commands import run
from support.published import TREE_HASH, publish

UUID = "12345678-1234-5678-1234-567812345678"
TREE = "86a1ce580587d5851fdfa841aeb3c8d55663f6f9"
SLUG = "mKtJn"  # Base.version_slug(UUID(...), SHA1(...)) of Julia 1.5.3


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages: one with two files, one for editing."""
    site = tmp_path / "site"
    info = site / "demo-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: demo\nVersion: 1.0\n")
    files = ["demo/__init__.py", "demo/Artifacts.toml", "demo/b/JuliaArtifacts.toml"]
    for name in [*files, "demo/b/Artifacts.toml"]:
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).touch()
    record = [*files, "demo/b/Artifacts.toml", "demo/gone/Artifacts.toml"]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in record))
    edited = site / "edited-1.0.dist-info"
    edited.mkdir()
    (edited / "METADATA").write_text("Name: edited\nVersion: 1.0\n")
    project = tmp_path / "project"
    for name in ("src/edited", "src/.hidden", "src/venv/lib", "tests"):
        (project / name).mkdir(parents=True)
        (project / name / "Artifacts.toml").touch()
    (project / "src" / "venv" / "pyvenv.cfg").touch()
    origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
    (edited / "direct_url.json").write_text(json.dumps(origin))
    return site


def test_the_files_of_installed_packages_are_found(site: Path, tmp_path: Path) -> None:
    found = distribution_tomls(metadata.distributions(path=[str(site)]))
    assert found == [
        tmp_path / "project/src/edited/Artifacts.toml",
        site / "demo/Artifacts.toml",
        site / "demo/b/JuliaArtifacts.toml",
    ]


@pytest.mark.parametrize("record", [b"\xff,,\n", b"\n", b"a,b,1,2,3\n", b"\n\n"])
def test_a_package_whose_list_of_files_is_damaged_is_named_and_left_out(
    record: bytes, site: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (site / "demo-1.0.dist-info" / "RECORD").write_bytes(record)
    found = distribution_tomls(metadata.distributions(path=[str(site)]))
    assert found == [tmp_path / "project/src/edited/Artifacts.toml"]
    [told] = caplog.messages
    assert told.startswith("demo: left out, as its list of files (RECORD) is damaged")


@pytest.mark.parametrize("text", [b"\xff", b"[1]", b'{"dir_info": 1}', b"{"])
def test_a_damaged_origin_is_none(text: bytes, site: Path) -> None:
    (site / "edited-1.0.dist-info" / "direct_url.json").write_bytes(text)
    found = distribution_tomls(metadata.distributions(path=[str(site)]))
    assert found == [site / "demo/Artifacts.toml", site / "demo/b/JuliaArtifacts.toml"]


def test_a_slug_is_that_of_julia() -> None:
    assert version_slug(UUID, TREE) == SLUG


@pytest.mark.parametrize("version", [1, 2])
def test_the_files_of_a_manifest_s_packages_are_found(
    version: int, tmp_path: Path, depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    packages = {
        "Demo": f'uuid = "{UUID}"\ngit-tree-sha1 = "{TREE}"',
        "Gone": f'uuid = "{UUID}"\ngit-tree-sha1 = "{TREE[::-1]}"',
        "Here": f'uuid = "{UUID}"\npath = "here"',
        "Dates": f'uuid = "{UUID}"',
    }
    prefix = "deps." if version == 2 else ""
    head = 'manifest_format = "2.0"\n[deps]\n' if version == 2 else ""
    manifest = tmp_path / "Manifest.toml"
    tables = (f"[[{prefix}{name}]]\n{text}\n" for name, text in packages.items())
    manifest.write_text(head + "".join(tables))
    package = depot / "packages" / "Demo" / SLUG
    for folder in (package, tmp_path / "here"):
        folder.mkdir(parents=True)
        (folder / "Artifacts.toml").touch()
    with caplog.at_level(logging.WARNING):
        found = manifest_tomls(manifest)
    assert found == [package / "Artifacts.toml", tmp_path / "here" / "Artifacts.toml"]
    assert [record.args for record in caplog.records] == [(manifest, "Gone")]


def test_an_environment_is_bundled_for_another_platform_in_one_command(
    site: Path, tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish(tmp_path / "published")
    text = published.toml.read_text().replace("[Demo]", "[[Demo]]")
    mac = text.replace(
        "[[Demo]]", '[[Demo]]\nos = "macos"\narch = "aarch64"\nlazy = true'
    )
    in_python = site / "demo" / "Artifacts.toml"
    in_python.write_text(mac)
    in_julia = tmp_path / "here" / "Artifacts.toml"
    in_julia.parent.mkdir()
    in_julia.write_text(mac.replace("Demo", "Same"))
    manifest = tmp_path / "Manifest.toml"
    manifest.write_text(f'[[Here]]\nuuid = "{UUID}"\npath = "here"\n')
    found = list(metadata.distributions(path=[str(site)]))
    monkeypatch.setattr(metadata, "distributions", lambda: found)
    bundle = tmp_path / "bundle.tar"
    options: list[str | Path] = ["--environment", "--manifest", manifest]
    done = run("bundle", bundle, *options, "--platform", "aarch64-apple-darwin")
    assert done.exit_code == 0, done.stderr
    for path in (in_python, in_julia):
        assert f"bundled\t{path}" in done.stdout.splitlines()
    with tarfile.open(bundle) as archive:
        assert f"artifact/{TREE_HASH}" in archive.getnames()
    run("bundle", bundle, *options, "--platform", "x86_64-linux-gnu")
    with tarfile.open(bundle) as archive:
        assert f"artifact/{TREE_HASH}" not in archive.getnames()


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Manifest.toml"
    path.write_text("[")
    with pytest.raises(ArtifactsTomlError, match="expected a Manifest"):
        manifest_tomls(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f'git-tree-sha1 = "{TREE}"', "Foo.uuid: expected a UUID, found None; Pkg."),
        (f'git-tree-sha1 = "{TREE}"\nuuid = 5', "Foo.uuid: expected a UUID, found 5"),
        (f'git-tree-sha1 = "x"\nuuid = "{UUID}"', "Foo.git-tree-sha1: expected 40 hex"),
        ("path = 5", "Foo.path: expected a path, found 5"),
    ],
)
@pytest.mark.parametrize("head", ["[[Foo]]", 'manifest_format = "2.0"\n[[deps.Foo]]'])
def test_a_damaged_manifest_is_named(
    head: str, text: str, fault: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "Manifest.toml"
    manifest.write_text(f"{head}\n{text}\n")
    with pytest.raises(ArtifactsTomlError, match=f"^{manifest}: {fault}"):
        manifest_tomls(manifest)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[Foo]\nuuid = "x"', "a table"),
        ("Foo = [1]", "an array"),
        ('manifest_format = "2.0"\ndeps = 5', "5"),
    ],
)
def test_another_toml_is_no_manifest(text: str, found: str, tmp_path: Path) -> None:
    manifest = tmp_path / "Project.toml"
    manifest.write_text(text)
    with pytest.raises(ArtifactsTomlError, match=f"Project.toml: .*found {found};"):
        manifest_tomls(manifest)
