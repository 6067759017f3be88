"""What errors say of an archive that is not the promised one."""

from __future__ import annotations

import gzip
import io
import logging
import zipfile
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import artifact, clear_artifact_cache, tree_hash
from fetch_artifacts.errors import (
    InstallError,
    SettingsError,
    TarballHashMismatchError,
    TreeHashMismatchError,
    UnpackError,
)
from support.archives import END, file, pax, zstd_frame
from support.published import TREE, TREE_HASH, entry, publish, sha256, tar

PROMISED = gzip.compress(tar(TREE), 9, mtime=0)
RECOMPRESSED = gzip.compress(tar(TREE), 1, mtime=1)
SPARSE = pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.name", b"f")) + file(
    b"GNUSparseFile.0/f", b"1\n512\n3\n" + bytes(504) + b"abc"
)
SPARSE_HASH = "665f89ad78e50e7687d9bf0976e0f27b04231c9d"  # by git


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "Artifacts.toml"


def serve(httpserver: HTTPServer, body: bytes, promised: bytes = PROMISED) -> str:
    httpserver.expect_request("/a.tar.gz").respond_with_data(body)
    return entry((httpserver.url_for("/a.tar.gz"), sha256(promised)))


def failure(toml: Path) -> Exception:
    with pytest.raises(InstallError) as caught:
        artifact("Demo", toml)
    [(_, error)] = caught.value.attempts
    return error


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "received 0 bytes, nothing at all: check the address"),
        (
            b"<!DOCTYPE html><title>Sign in</title>",
            "received 37 bytes, an HTML page, perhaps a login form or an",
        ),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (
            gzip.compress(b"a,b\n1,2\n", mtime=0),
            "a single file (a CSV table",
        ),
    ],
)
def test_what_came_in_place_of_the_archive_is_told_with_both_hashes(
    depot: Path, toml: Path, httpserver: HTTPServer, body: bytes, what: str
) -> None:
    toml.write_text(serve(httpserver, body))
    error = failure(toml)
    assert isinstance(error, TarballHashMismatchError)
    assert what in str(error)
    assert f"{sha256(PROMISED)}, found {sha256(body)}" in str(error)


def test_another_archive_points_to_the_doctor(
    depot: Path, toml: Path, httpserver: HTTPServer
) -> None:
    toml.write_text(serve(httpserver, gzip.compress(tar({"other": "tree"}))))
    error = failure(toml)
    assert isinstance(error, TarballHashMismatchError)
    assert "`fetch-artifacts doctor` tells which" in str(error)


def test_what_takes_much_memory_is_unpacked_once_its_sha256_is_right(
    depot: Path, toml: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_window = zstd_frame(tar(TREE), b"\x88")
    toml.write_text(serve(httpserver, large_window, large_window))
    installed = artifact("Demo", toml)
    assert installed == depot / "artifacts" / TREE_HASH
    assert str(tree_hash(installed)) == TREE_HASH
    clear_artifact_cache("Demo", toml, force=True)
    monkeypatch.setenv("FETCH_ARTIFACTS_MAX_NAMES", "300")
    httpserver.clear()
    toml.write_text(serve(httpserver, PROMISED))
    assert artifact("Demo", toml) == installed
    assert not list((depot / ".fetch_artifacts").rglob(".?*"))


@pytest.mark.parametrize("setting", ["MAX_NAMES", "MAX_WINDOW"])
def test_what_takes_much_memory_is_not_unpacked_where_its_sha256_is_wrong(
    depot: Path,
    toml: Path,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
) -> None:
    body = zstd_frame(tar(TREE), b"\x88")
    if setting == "MAX_NAMES":
        monkeypatch.setenv("FETCH_ARTIFACTS_MAX_NAMES", "300")
        body = RECOMPRESSED
    toml.write_text(serve(httpserver, body))
    error = failure(toml)
    assert isinstance(error, TarballHashMismatchError)
    assert isinstance(error.__context__, UnpackError)
    assert f"FETCH_ARTIFACTS_{setting} to" in str(error.__context__)


def test_an_archive_that_was_compressed_anew_is_refused_with_what_can_be_done(
    depot: Path, toml: Path, httpserver: HTTPServer
) -> None:
    toml.write_text(serve(httpserver, RECOMPRESSED))
    error = failure(toml)
    assert isinstance(error, TarballHashMismatchError)
    for words in ("the right one", "doctor --fix`", "accept-recompressed = true"):
        assert words in str(error)
    assert not list(depot.glob("artifacts/*-*"))


def test_a_server_that_decompresses_is_told_as_that(
    depot: Path, toml: Path, httpserver: HTTPServer
) -> None:
    toml.write_text(serve(httpserver, tar(TREE)))
    error = failure(toml)
    assert isinstance(error, TarballHashMismatchError)
    assert "no Julia can unpack an uncompressed tar archive" in str(error)
    assert "doctor --fix" not in str(error)


def accept(folder: Path, value: str = "true") -> None:
    (folder / "pyproject.toml").write_text(
        f"[tool.fetch-artifacts]\naccept-recompressed = {value}\n"
    )


def test_a_project_may_accept_what_holds_the_right_tree(
    depot: Path,
    toml: Path,
    httpserver: HTTPServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    accept(tmp_path)
    toml.write_text(serve(httpserver, RECOMPRESSED))
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH
    assert "accept-recompressed lets it through" in caplog.text


def test_it_never_accepts_another_tree(
    depot: Path, toml: Path, httpserver: HTTPServer, tmp_path: Path
) -> None:
    accept(tmp_path)
    toml.write_text(serve(httpserver, gzip.compress(tar({"other": "tree"}))))
    assert isinstance(failure(toml), TarballHashMismatchError)


def test_what_it_is_set_to_must_be_true_or_false(
    depot: Path, toml: Path, httpserver: HTTPServer, tmp_path: Path
) -> None:
    accept(tmp_path, '"yes"')
    toml.write_text(serve(httpserver, RECOMPRESSED))
    with pytest.raises(SettingsError, match="accept-recompressed: expected true or"):
        artifact("Demo", toml)


def test_a_sparse_file_is_installed_as_by_julia_with_a_warning(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    published = publish(tmp_path / "p", gzip.compress(SPARSE))
    source = (published.url, sha256(published.data))
    published.toml.write_text(entry(source, tree_hash=SPARSE_HASH))
    caplog.set_level(logging.WARNING)
    path = artifact("Demo", published.toml)
    assert Path(path, "GNUSparseFile.0", "f").stat().st_size == 515
    assert "'GNUSparseFile.0/f': a sparse file in GNU's pax format" in caplog.text


def test_a_wrong_tree_with_a_sparse_file_names_it(depot: Path, tmp_path: Path) -> None:
    published = publish(tmp_path / "p", gzip.compress(SPARSE))
    error = failure(published.toml)
    assert isinstance(error, TreeHashMismatchError)
    assert "'GNUSparseFile.0/f': a sparse file" in str(error)


def test_an_archive_that_holds_nothing_is_told(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    published = publish(tmp_path / "p", gzip.compress(END))
    source = (published.url, sha256(published.data))
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    published.toml.write_text(entry(source, tree_hash=empty))
    artifact("Demo", published.toml)
    assert "the archive holds no files" in caplog.text


def test_after_a_damaged_zip_the_next_source_is_asked(
    depot: Path, toml: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("f", bytes(range(256)) * 100)
    data = bytearray(buffer.getvalue())
    data[100:110] = b"\xff" * 10
    (tmp_path / "bad.zip").write_bytes(data)
    good = publish(tmp_path / "good")
    bad = ((tmp_path / "bad.zip").as_uri(), sha256(bytes(data)))
    toml.write_text(entry(bad, (good.url, sha256(good.data))))
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH
    toml.write_text(entry(bad, name="Bad", tree_hash="1" * 40))
    with pytest.raises(InstallError) as caught:
        artifact("Bad", toml)
    assert isinstance(caught.value.attempts[0][1], UnpackError)
