"""What Python publishes or repairs, Julia installs; to the same path as Python does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from compat_tests.published import TREE, TREE_HASH
from fetch_artifacts import artifact
from fetch_artifacts._author_api import add_artifact, bind_artifact, create_artifact
from fetch_artifacts.artifacts_toml.editing import repair
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.doctor import diagnose
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.authoring.targets.target import PublishTarget
from fetch_artifacts.conformance.questions import Julia, version_numbers
from fetch_artifacts.errors import JuliaThrewError
from support.trees import make_tree


@pytest.fixture
def www(tmp_path: Path, httpserver: HTTPServer) -> Path:
    """A folder that is served on loopback."""
    folder = tmp_path / "www"
    folder.mkdir()

    def serve(request: Request) -> Response:
        return Response((folder / request.path[1:]).read_bytes())

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(serve)
    return folder


@pytest.fixture
def target(www: Path, httpserver: HTTPServer) -> PublishTarget:
    return target_for(f"dir:{www}", url_base=httpserver.url_for("/"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


def assert_both_install(julia: Julia, toml: Path, tmp_path: Path) -> None:
    """Julia installs it elsewhere, and finds what Python installs in the depot."""
    elsewhere = tmp_path / "elsewhere"
    theirs = julia.at(elsewhere).ensure_artifact_installed("Data", toml)
    assert elsewhere / "artifacts" / TREE_HASH == theirs
    assert julia.tree_hash(theirs) == TREE_HASH
    ours = artifact("Data", toml)
    assert ours == julia.ensure_artifact_installed("Data", toml)
    assert julia.verify_artifact(TREE_HASH)


@pytest.mark.parametrize(
    ("compression", "program"), [("gz", "gzip"), ("xz", "xz"), ("bz2", "bzip2")]
)
def test_both_install_what_was_published(
    julia: Julia,
    tmp_path: Path,
    source: Path,
    target: PublishTarget,
    compression: str,
    program: str,
) -> None:
    # Julia brings a 7z since 1.6; before, it unpacks with the system's tar.
    if version_numbers(julia.version()) < (1, 6) and not shutil.which(program):
        pytest.skip(f"NOT COMPARED: this Julia needs {program}, which is not there")
    toml = tmp_path / "Artifacts.toml"
    published = publish(
        source, "Data", target, BindingOptions(toml=toml), compression=compression
    )
    assert str(published.tree_hash) == TREE_HASH == julia.tree_hash(source)
    assert_both_install(julia, toml, tmp_path)


def test_both_install_a_gzip_of_gnu_tar_that_was_added(
    julia: Julia, tmp_path: Path, source: Path, www: Path, httpserver: HTTPServer
) -> None:
    subprocess.run(["tar", "-czf", www / "a.tar.gz", "-C", source, "."], check=True)
    toml = tmp_path / "Artifacts.toml"
    add_artifact(toml, "Data", httpserver.url_for("/a.tar.gz"), verbose=False)
    assert_both_install(julia, toml, tmp_path)


def test_both_install_an_archive_that_was_created_and_bound(
    julia: Julia, tmp_path: Path, source: Path, www: Path, httpserver: HTTPServer
) -> None:
    created = create_artifact(source, www / "a.tar.gz")
    toml = tmp_path / "Artifacts.toml"
    url = httpserver.url_for("/a.tar.gz")
    bind_artifact(toml, "Data", created["git_tree_sha1"], url, created["sha256"])
    assert_both_install(julia, toml, tmp_path)


@pytest.mark.parametrize("digits", [64, 40])
def test_julia_installs_from_an_old_file_once_the_doctor_repaired_it(
    julia: Julia,
    tmp_path: Path,
    source: Path,
    www: Path,
    httpserver: HTTPServer,
    digits: int,
) -> None:
    digest = create_artifact(source, www / "content")["sha256"]
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(
        f"""\
# as fetch-artifacts 0.1.0 had its users write it
[Data]
git-tree-sha1 = "{digest[:digits]}"
lazy = true
doi = "10.5281/zenodo.17635885"

    [[Data.download]]
    url = "{httpserver.url_for("/content")}?download=1"
    sha256 = "{digest}"
"""
    )
    ours = artifact("Data", toml)
    # 1.5 only logs that the hash of the tree is another one.
    try:
        theirs = julia.at(tmp_path / "before").ensure_artifact_installed("Data", toml)
    except JuliaThrewError:
        pass
    else:
        assert not theirs.is_dir()
    repair(toml, [it.fix for it in diagnose(toml) if it.fix])
    assert ours.name == TREE_HASH
    assert_both_install(julia, toml, tmp_path)
