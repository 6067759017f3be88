"""Packages that were written for fetch-artifacts 0.1.0 go on working.

`PACKAGE` does with the library what jaxace 0.4.1 and jaxeffort 0.3.0 do with it, and
`TOML` is a file like theirs: the sha256 of the archive in place of the git-tree-sha1,
the two shapes of Zenodo's URLs, xz, comments, metadata.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import (
    FetchArtifactsError,
    artifact,
    bind_artifact,
    create_artifact,
    install_artifacts,
    tree_hash,
)
from fetch_artifacts.artifacts_toml.editing import repair
from fetch_artifacts.authoring.doctor import diagnose
from support.published import TREE, TREE_HASH, sha256, tar
from support.trees import Tree, names

PACKAGE = """
import os
import warnings
from pathlib import Path

from fetch_artifacts import (
    add_artifact,
    artifact,
    artifact_exists,
    bind_artifact,
    clear_artifact_cache,
    get_cache_dir,
    load_artifacts,
    set_cache_dir,
)

TOML = Path(__file__).parent / "Artifacts.toml"
emulators = {}
_manager = None


def get_manager():
    global _manager
    if _manager is None:
        if TOML.exists():
            _manager = load_artifacts(TOML)
        else:
            warnings.warn("no Artifacts.toml")
    return _manager


def list_emulators():
    manager = get_manager()
    return [] if manager is None else list(manager.artifacts.keys())


def info(name):
    manager = get_manager()
    if name not in manager:
        raise ValueError(f"{name} is not in {list_emulators()}")
    entry = manager.artifacts[name]
    return {
        "name": name,
        "git_tree_sha1": entry.git_tree_sha1,
        "lazy": entry.lazy,
        "cached": manager.exists(name),
        "cache_dir": str(get_cache_dir()),
        **entry.metadata,
    }


def load(name):
    folder = Path(artifact(name, toml_path=str(TOML)))
    if folder.is_dir() and not (folder / "setup.json").exists():
        folders = [path for path in folder.iterdir() if path.is_dir()]
        if len(folders) == 1:
            folder = folders[0]
    return (folder / "setup.json").read_text()


def components(name):
    folder = get_manager().get_path(name)
    return [number for number in "024" if (folder / number).exists()]


def add(name, url, description=None, force=False):
    global _manager
    added = add_artifact(
        toml_path=TOML,
        name=name,
        tarball_url=url,
        lazy=True,
        force=force,
        verbose=True,
    )
    import tomlkit

    with open(TOML, "r") as file:
        document = tomlkit.load(file)
    if name in document:
        if description:
            document[name]["description"] = description
        document[name]["has_noise"] = False
        with open(TOML, "w") as file:
            tomlkit.dump(document, file)
    _manager = None
    return added


def clear(name=None):
    get_manager().clear(name) if name else get_manager().clear()


if not os.environ.get("EMULATORS_NO_AUTO_DOWNLOAD"):
    for name in get_manager().artifacts:
        try:
            emulators[name] = load(name)
        except Exception as error:
            warnings.warn(f"Failed to load {name}: {error}")
"""

TOML = """\
# The trained emulators of this package.
# Zenodo keeps them.

[flat]
git-tree-sha1 = "{flat_sha256}"
lazy = true
description = "All files at the top"
has_noise = false

    [[flat.download]]
    url = "{flat_url}"
    sha256 = "{flat_sha256}"

[nested]  # packed with its folder
git-tree-sha1 = "{nested_sha256}"
lazy = true
description = "All files in one folder"
has_noise = true

    [[nested.download]]
    url = "{nested_url}"
    sha256 = "{nested_sha256}"
"""

FLAT: Tree = {"setup.json": "flat", "0/w.npy": "w", "2/w.npy": "w", "4/w.npy": "w"}
NESTED: Tree = {f"trained/{path}": content for path, content in FLAT.items()}
NESTED["trained/setup.json"] = "nested"

# `git add --all && git write-tree` of FLAT and of NESTED
FLAT_HASH = "ef75a052c1f824269d5a1296ed20406083fa6aa6"
NESTED_HASH = "b4d3bdbdba72fd693cea0278dc703bb176a26e6d"


@dataclass(frozen=True)
class Package:
    """The package, importable as ``emulators``, and the server of its archives."""

    root: Path
    server: HTTPServer

    @property
    def toml(self) -> Path:
        return self.root / "emulators/Artifacts.toml"

    def run(self, expression: str, *, auto_download: bool = True) -> tuple[Any, str]:
        """Import the package, give the value of an expression, and standard error."""
        code = f"import emulators, json; value = {expression}; print(json.dumps(value))"
        environ = {**os.environ, "PYTHONPATH": str(self.root)}
        if not auto_download:
            environ["EMULATORS_NO_AUTO_DOWNLOAD"] = "1"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            encoding="utf-8",
            env=environ,
        )
        return json.loads(done.stdout), done.stderr

    def serve(self, tree: Tree, path: str, query: str = "") -> tuple[str, str]:
        """Serve an archive; its URL and its sha256."""
        data = lzma.compress(tar(tree))
        request = self.server.expect_request(path, query_string=query)
        request.respond_with_data(data)
        return self.server.url_for(path) + (query and f"?{query}"), sha256(data)


@pytest.fixture
def package(tmp_path: Path, httpserver: HTTPServer) -> Package:
    package = Package(tmp_path / "site", httpserver)
    package.toml.parent.mkdir(parents=True)
    (package.toml.parent / "__init__.py").write_text(PACKAGE)
    flat = package.serve(FLAT, "/records/1/files/flat.tar.xz", "download=1")
    nested = package.serve(NESTED, "/api/records/2/files/nested.tar.xz/content")
    package.toml.write_text(
        TOML.format(
            flat_url=flat[0],
            flat_sha256=flat[1],
            nested_url=nested[0],
            nested_sha256=nested[1],
        )
    )
    return package


def test_what_is_installed_at_import_is_found_again_without_the_network(
    depot: Path, package: Package
) -> None:
    loaded, told = package.run("emulators.emulators")
    assert loaded == {"flat": "flat", "nested": "nested"}
    assert set(names(depot / "artifacts")) == {FLAT_HASH, NESTED_HASH, "CACHEDIR.TAG"}
    assert told.count("fetch-artifacts doctor --fix") == 2
    assert FLAT_HASH in told
    assert NESTED_HASH in told
    requests = len(package.server.log)
    assert package.run("emulators.emulators")[0] == loaded
    assert len(package.server.log) == requests == 2


def test_without_the_download_at_import_nothing_is_installed(
    depot: Path, package: Package
) -> None:
    info, told = package.run("emulators.info('flat')", auto_download=False)
    assert told == ""
    assert info == {
        "name": "flat",
        "git_tree_sha1": sha256(lzma.compress(tar(FLAT))),
        "lazy": True,
        "cached": False,
        "cache_dir": str(depot / "artifacts"),
        "description": "All files at the top",
        "has_noise": False,
    }
    listed, _ = package.run("emulators.list_emulators()", auto_download=False)
    assert listed == ["flat", "nested"]
    assert package.server.log == []
    assert not depot.exists()


def test_a_failure_at_import_is_a_warning_of_the_package(
    depot: Path, package: Package
) -> None:
    package.server.clear()
    gone = package.server.expect_request(re.compile(""))
    gone.respond_with_data("gone", status=404)
    loaded, told = package.run("emulators.emulators")
    assert loaded == {}
    assert "UserWarning: Failed to load flat" in told
    assert "UserWarning: Failed to load nested" in told
    assert not (depot / "artifacts" / FLAT_HASH).exists()


@pytest.mark.usefixtures("depot")
def test_an_emulator_is_cleared_and_comes_back(package: Package) -> None:
    cached = "[emulators.info(name)['cached'] for name in ('flat', 'nested')]"
    steps = ["emulators.clear('flat')", cached, "emulators.clear()", cached]
    found, _ = package.run(f"[{cached}, {', '.join(steps)}]")
    assert found == [[True, True], None, [False, True], None, [False, False]]
    assert package.run(cached)[0] == [True, True]


@pytest.mark.usefixtures("depot")
def test_a_package_adds_an_emulator_and_edits_the_entry(package: Package) -> None:
    url, digest = package.serve(TREE, "/new.tar.xz", "download=1")
    before = package.toml.read_text()
    add = f"emulators.add('new', {url!r}, 'New')"
    info = "emulators.info('new')"
    (added, entry), told = package.run(f"[{add}, {info}]", auto_download=False)
    assert added["git_tree_sha1"] == entry["git_tree_sha1"] == TREE_HASH
    assert (added["sha256"], added["url"]) == (digest, url)
    assert TREE_HASH in told
    assert (entry["description"], entry["has_noise"]) == ("New", False)
    assert package.toml.read_text().startswith(before)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        package.run(add, auto_download=False)
    assert "force=True replaces it" in caught.value.stderr
    add = add.replace("'New'", "'Newer', force=True")
    (again, entry), _ = package.run(f"[{add}, {info}]", auto_download=False)
    assert again == added
    assert entry["description"] == "Newer"


# 0.1.0 took a lone top folder away. Julia does not, and so Effort.jl names it.
def test_the_folder_that_an_archive_was_packed_with_is_taken_away_as_before(
    depot: Path, package: Package
) -> None:
    assert package.run("emulators.components('flat')")[0] == ["0", "2", "4"]
    assert package.run("emulators.components('nested')")[0] == ["0", "2", "4"]
    tree = depot / "artifacts" / NESTED_HASH
    toml = package.toml
    assert artifact("nested", toml) == tree / "trained"
    assert artifact("nested/0/w.npy", toml) == tree / "trained/0/w.npy"
    assert install_artifacts(toml, ["nested"]) == {"nested": tree / "trained"}
    assert (tree / "trained/setup.json").read_text() == "nested"
    assert str(tree_hash(tree)) == NESTED_HASH


def test_with_the_true_hash_in_the_file_the_path_is_julias(
    depot: Path, package: Package
) -> None:
    folder = artifact("nested", package.toml)
    diagnoses = diagnose(package.toml)
    notes = [it.finding for it in diagnoses if "'trained'" in it.finding.what]
    (note,) = notes
    assert note.todo == (
        "once the git-tree-sha1 is the true one, artifact() gives the folder "
        "around it, as Julia does: write nested/trained then"
    )
    repair(package.toml, [it.fix for it in diagnoses if it.fix])
    assert artifact("nested", package.toml) == depot / "artifacts" / NESTED_HASH
    assert artifact("nested/trained", package.toml) == folder


SHA256 = "ab" * 32
OLD_ENTRY = "[Data]\ngit-tree-sha1 = '{tree_hash}'\n"


def _source(url: str, digest: str) -> str:
    return f"[[Data.download]]\nurl = '{url}'\nsha256 = '{digest}'\n"


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    ("words", "download", "call"),
    [
        ("no download sources", "", lambda toml: artifact("Data", toml)),
        (
            "Failed to download.*all sources",
            _source("file:///gone", SHA256),
            lambda toml: artifact("Data", toml),
        ),
        (
            "Checksum verification failed",
            "archive",
            lambda toml: artifact("Data", toml),
        ),
        (
            "already exists",
            "",
            lambda toml: bind_artifact(toml, "Data", TREE_HASH, "https://h/a", SHA256),
        ),
        ("Not a directory", "", create_artifact),
        ("Other", "", lambda toml: artifact("Other", toml)),
    ],
)
def test_messages_have_the_words_that_programs_look_for(
    words: str, download: str, call: Callable[[Path], object], tmp_path: Path
) -> None:
    if download == "archive":
        (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar(TREE)))
        download = _source((tmp_path / "a.tar.gz").as_uri(), SHA256)
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(OLD_ENTRY.format(tree_hash=TREE_HASH) + download, "utf-8")
    with pytest.raises(FetchArtifactsError, match=words):
        call(toml)
