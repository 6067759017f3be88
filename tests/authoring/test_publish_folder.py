from __future__ import annotations

import gzip
import json
import os
import re
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fetch_artifacts._api import artifact
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.publish import publish, target_for
from fetch_artifacts.authoring.targets.folder import FolderTarget, FsspecTarget
from fetch_artifacts.authoring.targets.target import PublishTarget, Upload
from fetch_artifacts.errors import ArchiveError, BindingExistsError, PublishError
from support.published import TREE, TREE_HASH, sha256, tar
from support.trees import make_tree, names

# As on the servers of AWS: what is in a bucket is private unless a policy says more.
POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*",
    },
}
ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"


@pytest.fixture
def source(tmp_path: Path, depot: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


@pytest.fixture
def web(tmp_path: Path) -> FolderTarget:
    """A folder, and its address."""
    folder = tmp_path / "web root"
    return FolderTarget(folder=folder, url_base=folder.as_uri())


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "Artifacts.toml"


def test_a_folder_is_published_bound_and_installed(
    toml: Path, source: Path, depot: Path, web: FolderTarget
) -> None:
    published = publish(source, "Demo", web, BindingOptions(toml=toml))
    data = (web.folder / ARCHIVE).read_bytes()
    assert str(published.tree_hash) == TREE_HASH
    assert toml.read_text() == (
        f'[Demo]\ngit-tree-sha1 = "{TREE_HASH}"\n\n'
        f'    [[Demo.download]]\n    sha256 = "{sha256(data)}"\n'
        f'    size = {len(data)}\n    url = "{web.url_base}/{ARCHIVE}"\n'
    )
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH
    assert names(web.folder) == [ARCHIVE]


def test_an_archive_is_called_after_its_name_and_its_tree(
    toml: Path, source: Path, web: FolderTarget
) -> None:
    publish(
        source,
        "my data/v 1",
        web,
        BindingOptions(toml=toml, lazy=True),
        compression="xz",
    )
    assert names(web.folder) == [f"my-data-v-1-{TREE_HASH[:12]}.tar.xz"]
    assert "lazy = true" in toml.read_text()


def test_what_was_published_before_is_left_as_it_is(
    toml: Path, source: Path, depot: Path, web: FolderTarget
) -> None:
    web.folder.mkdir()
    before = gzip.compress(tar(TREE))  # the same tree, packed by somebody else
    (web.folder / ARCHIVE).write_bytes(before)
    published = publish(source, "Demo", web, BindingOptions(toml=toml))
    assert str(published.source.sha256) == sha256(before)
    assert (web.folder / ARCHIVE).read_bytes() == before
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH


def test_another_tree_under_the_same_name_is_not_bound(
    toml: Path, source: Path, web: FolderTarget
) -> None:
    web.folder.mkdir()
    (web.folder / ARCHIVE).write_bytes(gzip.compress(tar({"foo3": "other"})))
    with pytest.raises(
        PublishError, match=f"expected a tree of git-tree-sha1 {TREE_HASH}"
    ):
        publish(source, "Demo", web, BindingOptions(toml=toml))
    assert not toml.exists()


def test_what_cannot_be_downloaded_again_is_not_bound(
    tmp_path: Path, toml: Path, source: Path, web: FolderTarget
) -> None:
    elsewhere = FolderTarget(folder=web.folder, url_base=tmp_path.as_uri())
    with pytest.raises(PublishError, match="can't be downloaded from its public URL"):
        publish(source, "Demo", elsewhere, BindingOptions(toml=toml))
    assert not toml.exists()


def test_what_was_changed_on_the_way_is_not_bound(
    tmp_path: Path, toml: Path, source: Path
) -> None:
    class Careless:
        @property
        def name(self) -> str:
            return "careless"

        def upload(self, _archive: object) -> Upload:
            (tmp_path / "a").write_bytes(gzip.compress(tar(TREE), 1))
            return Upload(url=(tmp_path / "a").as_uri())

    careless: PublishTarget = Careless()
    with pytest.raises(PublishError, match="expected an archive of sha256"):
        publish(source, "Demo", careless, BindingOptions(toml=toml))
    assert not toml.exists()


def test_a_name_that_is_bound_is_not_published(
    toml: Path, source: Path, web: FolderTarget
) -> None:
    publish(source, "Demo", web, BindingOptions(toml=toml))
    (web.folder / ARCHIVE).unlink()
    with pytest.raises(BindingExistsError):
        publish(source, "Demo", web, BindingOptions(toml=toml))
    assert names(web.folder) == []
    publish(source, "Demo", web, BindingOptions(toml=toml, force=True))
    assert names(web.folder) == [ARCHIVE]


def test_only_a_folder_can_be_published(
    tmp_path: Path, toml: Path, web: FolderTarget
) -> None:
    with pytest.raises(ArchiveError, match="expected a folder"):
        publish(tmp_path / "absent", "Demo", web, BindingOptions(toml=toml))


def test_a_target_that_cannot_be_written_says_so(
    tmp_path: Path, toml: Path, source: Path
) -> None:
    (tmp_path / "file").touch()
    target = FolderTarget(folder=tmp_path / "file", url_base="http://127.0.0.1")
    with pytest.raises(PublishError, match="could not be written"):
        publish(source, "Demo", target, BindingOptions(toml=toml))


def test_the_targets_have_names() -> None:
    base = "https://example.org/x"
    assert target_for("dir:/srv/www", url_base=base) == FolderTarget(
        folder=Path("/srv/www"), url_base=base
    )
    assert target_for("s3://bucket/prefix", url_base=base) == FsspecTarget(
        folder="s3://bucket/prefix", url_base=base
    )
    with pytest.raises(PublishError, match="expected url_base, the URL under which"):
        target_for("dir:/srv/www")
    for text in ("ftp", "dir", "gist:secret", "github:owner/repo", "zenodo:x"):
        with pytest.raises(PublishError, match="expected dir:PATH"):
            target_for(text, url_base=base)


def test_a_file_system_of_fsspec_is_published_to(
    toml: Path, source: Path, depot: Path, httpserver: HTTPServer
) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")

    def serve(request: Request) -> Response:
        return Response(memory.cat(f"/bucket{request.path}"))

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(serve)
    target = target_for("memory://bucket", url_base=httpserver.url_for("/"))
    publish(source, "Demo", target, BindingOptions(toml=toml))
    assert memory.ls("/bucket", detail=False) == [f"/bucket/{ARCHIVE}"]
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH
    again = publish(source, "Demo", target, BindingOptions(toml=toml, force=True))
    assert again.source.url == httpserver.url_for(f"/{ARCHIVE}")


def test_what_a_driver_does_not_store_whole_is_an_error(
    toml: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    def lose(self: object, _file: str, target: str) -> None:  # as adlfs, at times
        fsspec.filesystem("memory").pipe_file(target, b"x")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "put_file", lose)
    target = target_for("memory://lossy", url_base="https://example.org")
    with pytest.raises(PublishError, match=r"bytes of Demo-.* there, found 1; nothing"):
        publish(source, "Demo", target, BindingOptions(toml=toml))


def test_a_local_file_system_of_fsspec_is_published_to(
    tmp_path: Path, toml: Path, source: Path
) -> None:
    folder = tmp_path / "made" / "deep"
    publish(
        source,
        "Demo",
        target_for(folder.as_uri(), url_base=folder.as_uri()),
        BindingOptions(toml=toml),
    )
    assert names(folder) == [ARCHIVE]


def test_a_file_system_that_fsspec_has_not_is_a_publish_error(
    toml: Path, source: Path
) -> None:
    target = target_for("nosuch://user:secret@host/x", url_base="https://example.org")
    with pytest.raises(PublishError, match="nosuch://host/x") as caught:
        publish(source, "Demo", target, BindingOptions(toml=toml))
    assert "secret" not in str(caught.value)


def test_without_fsspec_its_extra_is_named(
    toml: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    target = target_for("memory://bucket", url_base="https://example.org")
    with pytest.raises(PublishError, match=r"install .fetch-artifacts\[fsspec\]>="):
        publish(source, "Demo", target, BindingOptions(toml=toml))


def test_a_bucket_of_s3_is_published_to(
    toml: Path, source: Path, depot: Path, s3: str
) -> None:
    import fsspec

    system = fsspec.filesystem("s3")
    system.call_s3("put_bucket_policy", Bucket="bucket", Policy=json.dumps(POLICY))
    target = target_for("s3://bucket/prefix", url_base=f"{s3}/bucket/prefix")
    publish(source, "Demo", target, BindingOptions(toml=toml))
    assert f"{s3}/bucket/prefix/{ARCHIVE}" in toml.read_text()
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH


def test_what_s3_refuses_is_said_with_what_to_do(
    toml: Path, source: Path, s3: str
) -> None:
    absent = target_for("s3://absent/prefix", url_base=f"{s3}/absent/prefix")
    said = (
        "^s3://absent/prefix: could not be written: there is no such bucket or folder"
    )
    with pytest.raises(PublishError, match=said):
        publish(source, "Demo", absent, BindingOptions(toml=toml))


@pytest.mark.skipif(os.name == "nt", reason="modes are Unix's")
def test_the_published_file_can_be_read_by_the_web_server(
    toml: Path, source: Path, web: FolderTarget
) -> None:
    umask = os.umask(0o022)
    try:
        publish(source, "Demo", web, BindingOptions(toml=toml))
    finally:
        os.umask(umask)
    assert (web.folder / ARCHIVE).stat().st_mode & 0o777 == 0o644
