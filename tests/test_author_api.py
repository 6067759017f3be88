from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import pytest

from fetch_artifacts._api import artifact, tree_hash
from fetch_artifacts._author_api import (
    add_artifact,
    add_download_source,
    artifact_from_directory,
    bind_artifact,
    build_artifact,
    compute_git_tree_sha1,
    compute_sha256,
    create_artifact,
    query_artifact_info,
    unbind_artifact,
)
from fetch_artifacts.errors import (
    ArchiveError,
    ArgumentTypeError,
    ArtifactNotFoundError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    BindingExistsError,
    DepotError,
    DownloadError,
    HashParseError,
    TarballHashMismatchError,
    TreeHashMismatchError,
    UnpackError,
)
from support.archives import file, pax, unpack_with_tarfile
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256, tar
from support.trees import full_disk, make_tree, names

SHA256 = "f" * 64
URL = "https://example.org/a.tar.gz"


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "project" / "Artifacts.toml"


def test_create_artifact_tells_what_an_entry_needs(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "data", TREE)
    created = create_artifact(source, tmp_path / "a.tar.gz")
    data = (tmp_path / "a.tar.gz").read_bytes()
    assert created == {
        "git_tree_sha1": TREE_HASH,
        "sha256": sha256(data),
        "archive_path": str(tmp_path / "a.tar.gz"),
        "size": len(data),
    }


@pytest.mark.parametrize(
    ("compression", "magic", "ending"),
    [
        ("auto", b"\x1f\x8b", ".tar.gz"),
        ("gz", b"\x1f\x8b", ".tar.gz"),
        ("xz", b"\xfd7zXZ", ".tar.xz"),
        ("bz2", b"BZh", ".tar.bz2"),
        ("zst", b"\x28\xb5\x2f\xfd", ".tar.zst"),
        (None, b"foo3\0", ".tar"),
    ],
)
def test_without_a_name_the_archive_is_a_temporary_file_called_like_the_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compression: Literal["auto", "gz", "xz", "bz2", "zst"] | None,
    magic: bytes,
    ending: str,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = make_tree(tmp_path / "data.v1", {"foo3": "baz!"})
    created = create_artifact(source, compression=compression)
    path = Path(created["archive_path"])
    assert (path.parent.parent, path.name) == (tmp_path, f"data.v1{ending}")
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("name", "compression", "warning"),
    [
        ("a.tar.zst", "zst", "only Julia 1.13 and later"),
        ("a.tar", None, "no Julia can unpack"),
        ("a.tar.xz", "xz", ""),
    ],
)
def test_what_some_julia_cannot_unpack_is_made_with_a_warning(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    compression: Literal["zst", "xz"] | None,
    warning: str,
) -> None:
    source = make_tree(tmp_path / "data", TREE)
    create_artifact(source, tmp_path / name, compression)
    found = [record.getMessage() for record in caplog.records]
    assert len(found) == bool(warning)
    assert all(warning in message for message in found)


def test_what_cannot_be_archived_as_asked_is_a_value_error(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "data", TREE)
    with pytest.raises(ValueError, match="expected a folder"):
        create_artifact(source / "foo3")
    with pytest.raises(ValueError, match="expected a name that fits"):
        create_artifact(source, tmp_path / "a.tar.gz", "xz")
    with pytest.raises(ValueError, match="found 'lzma'"):
        create_artifact(source, tmp_path / "a", "lzma")  # type: ignore[arg-type]
    assert names(tmp_path) == ["data"]


def test_a_created_archive_is_installed_under_its_hash(
    tmp_path: Path, depot: Path, toml: Path
) -> None:
    created = create_artifact(make_tree(tmp_path / "data", TREE), tmp_path / "a.tar.gz")
    url = (tmp_path / "a.tar.gz").as_uri()
    bind_artifact(toml, "Data", created["git_tree_sha1"], url, created["sha256"])
    assert artifact("Data", toml) == depot / "artifacts" / TREE_HASH


def test_a_built_artifact_is_there_without_an_archive(depot: Path, toml: Path) -> None:
    with build_artifact() as folder:
        (folder / "foo3").write_text("baz!")
    bind_artifact(toml, "Data", folder.tree_hash, URL, SHA256)
    assert artifact("Data", toml) == folder.path


def test_an_artifact_can_come_from_a_directory(tmp_path: Path, depot: Path) -> None:
    source = make_tree(tmp_path / "data", TREE)
    assert str(artifact_from_directory(str(source))) == TREE_HASH
    assert names(depot / "artifacts") == [TREE_HASH, "CACHEDIR.TAG"]


def test_bind_writes_what_julia_would_write(toml: Path, depot: Path) -> None:
    bind_artifact(toml, "b", TREE_HASH, URL, SHA256.upper(), size=12)
    bind_artifact(str(toml), "a", TREE_HASH, URL, SHA256, lazy=False)
    assert toml.read_text() == (
        f'[a]\ngit-tree-sha1 = "{TREE_HASH}"\n\n'
        f'    [[a.download]]\n    sha256 = "{SHA256}"\n    url = "{URL}"\n\n'
        f'[b]\ngit-tree-sha1 = "{TREE_HASH}"\nlazy = true\n\n'
        f'    [[b.download]]\n    sha256 = "{SHA256}"\n    size = 12\n'
        f'    url = "{URL}"\n'
    )


def test_bind_leaves_a_hand_written_file_as_it_is_otherwise(
    toml: Path, depot: Path
) -> None:
    toml.parent.mkdir()
    text = "# what we need\n" + entry((URL, SHA256), name="z")
    toml.write_text(text)
    bind_artifact(toml, "a", TREE_HASH, URL, SHA256)
    assert toml.read_text().startswith(text)
    assert unbind_artifact(toml, "a") is True
    assert toml.read_text() == text


def test_a_file_that_is_bound_in_counts_as_used(toml: Path, depot: Path) -> None:
    bind_artifact(toml, "a", TREE_HASH, URL, SHA256)
    assert str(toml) in (depot / "logs" / "artifact_usage.toml").read_text()


def test_an_existing_binding_is_a_value_error_unless_forced(
    toml: Path, depot: Path
) -> None:
    bind_artifact(toml, "a", TREE_HASH, URL, SHA256)
    with pytest.raises(ValueError, match="force=True replaces it") as caught:
        bind_artifact(toml, "a", "0" * 40, URL, SHA256)
    assert isinstance(caught.value, BindingExistsError)
    bind_artifact(toml, "a", "0" * 40, URL, SHA256, True, True)
    assert TREE_HASH not in toml.read_text()


@pytest.mark.parametrize(
    ("tree_hash", "digest"),
    [
        (SHA256, SHA256),
        ("no hash", SHA256),
        (TREE_HASH, TREE_HASH),
        (TREE_HASH, "g" * 64),
    ],
)
def test_what_is_no_hash_is_not_bound(
    toml: Path, depot: Path, tree_hash: str, digest: str
) -> None:
    with pytest.raises(HashParseError):
        bind_artifact(toml, "a", tree_hash, URL, digest)
    assert not toml.exists()


def test_a_name_is_bound_once_for_each_platform(toml: Path, depot: Path) -> None:
    for platform in ("x86_64-linux-gnu", "aarch64-apple-darwin"):
        bind_artifact(toml, "a", TREE_HASH, URL, SHA256, platform=platform)
    assert toml.read_text().count("[[a]]") == 2
    with pytest.raises(BindingExistsError):
        bind_artifact(toml, "a", TREE_HASH, URL, SHA256, platform="x86_64-linux-gnu")
    assert unbind_artifact(toml, "a", platform="x86_64-linux-gnu") is True
    assert 'os = "linux"' not in toml.read_text()
    assert unbind_artifact(toml, "a") is True
    assert toml.read_text() == ""


def test_a_file_that_cannot_be_read_is_left_as_it_is(toml: Path, depot: Path) -> None:
    toml.parent.mkdir()
    toml.write_text("no toml")
    with pytest.raises(ValueError, match="expected TOML"):
        bind_artifact(toml, "a", TREE_HASH, URL, SHA256)
    assert toml.read_text() == "no toml"


def test_unbinding_what_is_not_bound_is_no_error(toml: Path, depot: Path) -> None:
    assert unbind_artifact(toml, "a") is False
    bind_artifact(toml, "a", TREE_HASH, URL, SHA256)
    assert unbind_artifact(toml, "b") is False


def test_add_artifact_finds_out_all_that_an_entry_needs(
    toml: Path, depot: Path, published: Published
) -> None:
    added = add_artifact(toml, "Data", published.url, verbose=False)
    assert added == {
        "git_tree_sha1": TREE_HASH,
        "sha256": sha256(published.data),
        "url": published.url,
        "size": len(published.data),
    }
    assert toml.read_text() == (
        f'[Data]\ngit-tree-sha1 = "{TREE_HASH}"\nlazy = true\n\n'
        f'    [[Data.download]]\n    sha256 = "{sha256(published.data)}"\n'
        f'    size = {len(published.data)}\n    url = "{published.url}"\n'
    )


def test_add_artifact_keeps_the_tree_when_told_so(
    toml: Path, depot: Path, published: Published
) -> None:
    add_artifact(toml, "Data", published.url, verbose=False)
    assert not (depot / "artifacts").exists()
    add_artifact(toml, "Data", published.url, force=True, clear=False, verbose=False)
    published.archive.unlink()
    assert artifact("Data", toml) == depot / "artifacts" / TREE_HASH


def test_add_artifact_into_a_full_depot_binds_nothing_and_names_the_depot(
    toml: Path, depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(DepotError, match=rf"^{depot}: can't write .*free some space"):
        add_artifact(toml, "Data", published.url, clear=False, verbose=False)
    assert names(depot / "artifacts") == []
    assert not toml.exists()


def test_clearing_leaves_a_tree_that_was_there_before(
    tmp_path: Path, toml: Path, depot: Path, published: Published
) -> None:
    artifact_from_directory(make_tree(tmp_path / "data", TREE))
    add_artifact(toml, "Data", published.url, clear=True, verbose=False)
    assert (depot / "artifacts" / TREE_HASH).is_dir()


def test_add_artifact_takes_several_urls_of_one_tree(
    toml: Path, depot: Path, tmp_path: Path, published: Published
) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(tar(TREE))
    add_artifact(
        toml, "Data", [published.url, other.as_uri()], clear=False, verbose=False
    )
    text = toml.read_text()
    assert sha256(published.data) in text
    assert sha256(other.read_bytes()) in text
    third = tmp_path / "third.tar"
    third.write_bytes(tar({"foo3": "other"}))
    with pytest.raises(TreeHashMismatchError, match="the same tree"):
        add_artifact(toml, "B", [published.url, third.as_uri()], verbose=False)
    with pytest.raises(ArchiveError, match="found none"):
        add_artifact(toml, "B", [], verbose=False)
    assert toml.read_text() == text


def test_add_artifact_tells_on_stderr_what_it_found(
    toml: Path, depot: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    add_artifact(toml, "Data", published.url)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"demo.tar.gz: sha256 {sha256(published.data)}" in err
    add_artifact(toml, "Other", published.url, verbose=False)
    assert capsys.readouterr() == ("", "")


def test_add_artifact_downloads_nothing_for_a_name_that_is_bound(
    toml: Path, depot: Path, tmp_path: Path, published: Published
) -> None:
    add_artifact(toml, "Data", published.url, verbose=False)
    absent = (tmp_path / "absent").as_uri()
    with pytest.raises(BindingExistsError, match="'Data' already exists"):
        add_artifact(toml, "Data", absent)
    with pytest.raises(
        BindingExistsError, match="'Data' already exists: it is bound for every"
    ):
        add_artifact(toml, "Data", absent, platform="x86_64-linux-gnu")
    for name in ("linux-gnu", "apple-darwin"):
        add_artifact(toml, "Lib", published.url, platform=f"x86_64-{name}")
    with pytest.raises(
        BindingExistsError, match="'Lib' already exists: it is bound for x86_64-apple"
    ):
        add_artifact(toml, "Lib", absent, platform="x86_64-apple-darwin")


@pytest.mark.parametrize(
    "body",
    [b"<html>please log in</html>", b"", gzip.compress(b"no tar" * 200)],
    ids=["html", "nothing", "no tar"],
)
def test_add_artifact_binds_no_file_that_is_no_archive(
    toml: Path, depot: Path, tmp_path: Path, body: bytes
) -> None:
    (tmp_path / "body").write_bytes(body)
    with pytest.raises(UnpackError):
        add_artifact(toml, "Data", (tmp_path / "body").as_uri(), verbose=False)
    assert not toml.exists()


def test_add_artifact_binds_no_sparse_file(
    tmp_path: Path, toml: Path, depot: Path
) -> None:
    data = pax((b"GNU.sparse.major", b"1")) + file(b"GNUSparseFile.0/m", b"0\n")
    served = publish(tmp_path / "served", gzip.compress(data))
    with pytest.raises(UnpackError, match="a sparse file in GNU's pax") as caught:
        add_artifact(toml, "M", served.url)
    assert "'GNUSparseFile.0/m'" in str(caught.value)
    assert served.url in str(caught.value)
    assert not toml.exists()


def test_add_artifact_warns_of_an_archive_that_holds_nothing(
    tmp_path: Path, toml: Path, depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = publish(tmp_path / "served", gzip.compress(bytes(1024)))
    add_artifact(toml, "Empty", served.url)
    assert f"{served.url}: the archive holds no files" in caplog.text


def test_add_artifact_warns_of_what_julia_cannot_unpack(
    toml: Path, depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo3", "baz!")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    add_artifact(toml, "Data", (tmp_path / "a.zip").as_uri(), verbose=False)
    assert "no Julia can unpack a zip archive" in caplog.text


def test_a_further_source_is_added_when_it_holds_the_same_tree(
    toml: Path, depot: Path, tmp_path: Path, published: Published
) -> None:
    add_artifact(toml, "Data", published.url, verbose=False)
    other = tmp_path / "other.tar.gz"
    other.write_bytes(gzip.compress(tar(TREE), 1))
    add_download_source(toml, "Data", other.as_uri(), sha256(other.read_bytes()))
    published.archive.unlink()
    assert artifact("Data", toml) == depot / "artifacts" / TREE_HASH
    assert f"size = {other.stat().st_size}\n" in toml.read_text()


def test_a_source_of_something_else_is_not_added(
    toml: Path, depot: Path, tmp_path: Path, published: Published
) -> None:
    add_artifact(toml, "Data", published.url, verbose=False)
    text = toml.read_text()
    other = tmp_path / "other.tar.gz"
    other.write_bytes(gzip.compress(tar({"foo3": "other"})))
    with pytest.raises(TreeHashMismatchError, match="another top folder"):
        add_download_source(toml, "Data", other.as_uri(), sha256(other.read_bytes()))
    with pytest.raises(TarballHashMismatchError):
        add_download_source(toml, "Data", other.as_uri(), SHA256)
    with pytest.raises(DownloadError):
        add_download_source(toml, "Data", (tmp_path / "absent").as_uri(), SHA256)
    with pytest.raises(BindingExistsError, match="already"):
        add_download_source(toml, "Data", published.url, sha256(published.data))
    with pytest.raises(KeyError) as caught:
        add_download_source(toml, "Dat", other.as_uri(), SHA256)
    assert isinstance(caught.value, ArtifactNotFoundError)
    assert toml.read_text() == text


def test_a_source_for_a_file_that_is_missing_is_a_file_not_found_error(
    toml: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        add_download_source(toml, "Data", URL, SHA256)
    assert isinstance(caught.value, ArtifactsTomlNotFoundError)


def test_a_source_that_is_not_there_yet_is_added_unchecked(
    toml: Path, depot: Path, published: Published
) -> None:
    add_artifact(toml, "Data", published.url, verbose=False)
    add_download_source(toml, "Data", URL, SHA256, check=False)
    assert toml.read_text().count("[[Data.download]]") == 2
    with pytest.raises(ArtifactsTomlError, match="expected a URL"):
        add_download_source(toml, "Data", "no url", SHA256, check=False)


def test_a_source_of_an_old_entry_must_be_the_same_archive(
    tmp_path: Path, published: Published
) -> None:
    """The 64 digits that fetch-artifacts 0.1.0 wrote name the archive, not a tree."""
    digest = sha256(published.data)
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(entry((published.url, digest), tree_hash=digest))
    copy = tmp_path / "copy"
    copy.write_bytes(published.data)
    add_download_source(toml, "Demo", copy.as_uri(), digest)
    other = tmp_path / "other"
    other.write_bytes(gzip.compress(tar(TREE), 1))
    with pytest.raises(TarballHashMismatchError):
        add_download_source(toml, "Demo", other.as_uri(), sha256(other.read_bytes()))


def test_query_artifact_info_downloads_and_keeps_nothing(
    published: Published, depot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert query_artifact_info(published.url) == {
        "url": published.url,
        "sha256": sha256(published.data),
        "size": len(published.data),
        "git_tree_sha1": TREE_HASH,
    }
    assert not depot.exists()
    assert capsys.readouterr() == ("", "")


def test_query_artifact_info_hashes_a_file_that_is_no_archive_when_told_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n")
    assert query_artifact_info(path.as_uri(), compute_tree_hash=False) == {
        "url": path.as_uri(),
        "sha256": sha256(b"a,b\n"),
        "size": 4,
    }
    with pytest.raises(ValueError, match="expected a tar archive"):
        query_artifact_info(path.as_uri())


def test_what_follows_an_archives_end_counts_for_its_sha256(tmp_path: Path) -> None:
    data = tar(TREE) + b"what tar readers skip" * 100_000
    (tmp_path / "a.tar").write_bytes(data)
    info = query_artifact_info((tmp_path / "a.tar").as_uri())
    assert (info["sha256"], info["git_tree_sha1"]) == (sha256(data), TREE_HASH)


def test_compute_sha256_reads_a_file_of_any_length(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(data)
    assert compute_sha256(str(tmp_path / "a")) == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileNotFoundError):
        compute_sha256(tmp_path / "absent")


def test_compute_git_tree_sha1_is_that_of_the_folder_itself(tmp_path: Path) -> None:
    # 0.1.0 hashed a folder around it: 1cb59ebc7b4f5e83a43a65dc9ad07991b8fca089.
    source = make_tree(tmp_path / "data", {"a.txt": "hello\n"})
    expected = "2e81171448eb9f2ee3821e3d447aa6b2fe3ddba1"  # git's
    assert compute_git_tree_sha1(source) == expected
    with pytest.raises(FileNotFoundError):
        compute_git_tree_sha1(tmp_path / "absent")


def test_a_created_archive_unpacks_with_any_tar(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "data", TREE)
    created = create_artifact(source, tmp_path / "a.tar.xz")
    unpack_with_tarfile(Path(created["archive_path"]), tmp_path / "out")
    assert compute_git_tree_sha1(tmp_path / "out") == TREE_HASH


def test_nothing_is_logged_that_is_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    create_artifact(make_tree(tmp_path / "data", TREE), tmp_path / "a.tar.gz")
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_archives_of_folders_of_one_name_are_two_files(tmp_path: Path) -> None:
    first = make_tree(tmp_path / "a" / "data", {"f": "1"})
    second = make_tree(tmp_path / "b" / "data", {"f": "2"})
    paths = [Path(create_artifact(each)["archive_path"]) for each in (first, second)]
    try:
        assert [path.name for path in paths] == ["data.tar.gz"] * 2
        assert paths[0] != paths[1]
    finally:
        for path in paths:
            path.unlink()
            path.parent.rmdir()


@pytest.mark.parametrize("url", [Path("a.tar.gz"), None, 3])
def test_a_url_that_is_no_text_is_named(url: Any, tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    for use in (
        lambda: query_artifact_info(url),
        lambda: add_artifact(toml, "Demo", url),
        lambda: add_artifact(toml, "Demo", ["https://127.0.0.1:1/a", url]),
    ):
        with pytest.raises(ArgumentTypeError, match="URL: expected a string, found"):
            use()
    assert not toml.exists()


@pytest.mark.parametrize("folder", [0, None, 1.5])
def test_a_folder_to_hash_is_a_path(folder: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="expected a path, found"):
        tree_hash(folder)
