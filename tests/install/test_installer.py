from __future__ import annotations

import bz2
import errno
import io
import logging
import lzma
import os
import shutil
import stat
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from fetch_artifacts import ProgressEvent, artifact, install_artifacts
from fetch_artifacts.archive.tree import read_archive_file
from fetch_artifacts.depot import overrides
from fetch_artifacts.depot.stack import artifacts_dirs, with_artifacts_directory
from fetch_artifacts.errors import (
    ArtifactNotInstalledError,
    DepotError,
    InstallError,
    OverrideError,
    TarballHashMismatchError,
    TreeHashMismatchError,
    UnpackError,
)
from fetch_artifacts.files.removing import remove_tree
from fetch_artifacts.tar.limits import NO_LIMITS
from fetch_artifacts.terminal import progress
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256, tar
from support.servers import serving
from support.trees import Link, Tree, as_nobody, full_disk, names


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


def listing(folder: Path) -> list[str]:
    """Mode (of files and folders), path and link target of all that is in a folder."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            lines.append(f"l {name} -> {path.readlink()}")
        else:
            kind = "d" if path.is_dir() else "f"
            lines.append(f"{kind} {stat.S_IMODE(path.stat().st_mode):o} {name}")
    return lines


def test_the_threads_that_install_several_see_the_folder_that_was_chosen(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    chosen = tmp_path / "chosen"
    seen: set[tuple[Path, ...]] = set()
    with with_artifacts_directory(chosen):
        paths = install_artifacts(
            published.toml, progress=lambda _: seen.add(artifacts_dirs())
        )
    assert paths == {"Demo": chosen / TREE_HASH}
    assert seen == {(chosen,)}
    assert not depot.exists()


def _with_source_before(published: Published, lines: str) -> None:
    text = published.toml.read_text()
    head, _, tail = text.partition("[[Demo.download]]")
    published.toml.write_text(
        f"{head}[[Demo.download]]\n{lines}\n[[Demo.download]]{tail}"
    )


@pytest.mark.parametrize(
    "lines",
    [
        'url = "https://example.invalid/a.tar.gz"',
        'url = "https://example.invalid/a.tar.gz"\nsha256 = "ab"',
        f'sha256 = "{"a" * 64}"',
        f'url = "no url"\nsha256 = "{"a" * 64}"',
    ],
)
def test_a_bad_source_does_not_condemn_its_entry(
    depot: Path, published: Published, lines: str
) -> None:
    _with_source_before(published, lines)
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH


def test_the_fault_of_a_source_is_told_among_those_that_were_tried(
    depot: Path, published: Published
) -> None:
    _with_source_before(published, 'url = "https://example.invalid/a.tar.gz"')
    published.archive.unlink()
    with pytest.raises(InstallError) as caught:
        artifact("Demo", published.toml)
    assert published.url in str(caught.value)
    place = f"{published.toml}: Demo.download[1].sha256: expected"
    assert str(caught.value).splitlines()[1].startswith(f"  {place}")
    assert [url for url, _ in caught.value.attempts] == [
        "Demo.download[1].sha256",
        published.url,
    ]
    assert not (depot / "artifacts" / TREE_HASH).exists()


def test_a_missing_artifact_is_installed_with_julias_modes(
    depot: Path, published: Published
) -> None:
    path = artifact("Demo", published.toml)
    assert path == depot / "artifacts" / TREE_HASH
    assert (path / "bar/bar/foo1").read_text() == "Hello"
    assert listing(path) == [
        "d 755 bar",
        "d 755 bar/bar",
        "f 444 bar/bar/foo1",
        "f 444 bar/foo2",
        "l bar/infinite_link -> ../bar",
        "f 444 foo3",
        "l foo3_link -> foo3",
    ]
    assert names(depot) == ["artifacts", "logs"]
    assert names(depot / "artifacts") == [TREE_HASH, "CACHEDIR.TAG"]


def test_an_installed_artifact_needs_no_source(
    depot: Path, published: Published
) -> None:
    path = artifact("Demo", published.toml)
    published.archive.unlink()
    assert artifact("Demo", published.toml) == path
    assert artifact("Demo", published.toml, download=False) == path


def test_what_is_missing_is_not_installed_against_the_callers_will(
    depot: Path, published: Published
) -> None:
    with pytest.raises(ArtifactNotInstalledError, match=r"Demo.*download=False"):
        artifact("Demo", published.toml, download=False)
    assert not depot.exists()


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(
    "pack",
    [lzma.compress, bz2.compress],
    ids=["xz", "bz2"],
)
def test_the_kind_of_an_archive_is_told_by_its_bytes(
    pack: type[bytes], tmp_path: Path
) -> None:
    published = publish(tmp_path / "p", pack(tar(TREE)))
    assert artifact("Demo", published.toml).name == TREE_HASH


@pytest.mark.usefixtures("depot")
def test_what_julia_cant_unpack_is_installed_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo1", "Hello")
        archive.writestr("foo2", "world!")
    # The two files' hash is that of Pkg.jl test/artifacts.jl:47.
    two = "98cda294312216b19e2a973e9c291c0f5181c98c"
    for number, data in enumerate(
        [tar({"foo1": "Hello", "foo2": "world!"}), buffer.getvalue()]
    ):
        published = publish(tmp_path / str(number), data)
        published.toml.write_text(
            entry((published.url, sha256(data)), tree_hash=two), "utf-8"
        )
        caplog.clear()
        path = artifact("Demo", published.toml)
        assert path.name == two
        assert "Julia" in caplog.text
        for file in path.iterdir():
            file.unlink()
        path.rmdir()


@pytest.mark.usefixtures("depot")
def test_mirrors_are_tried_in_order_and_the_first_good_one_wins(
    httpserver: HTTPServer, published: Published
) -> None:
    data = published.data
    httpserver.expect_request("/gone").respond_with_data("no", status=404)
    httpserver.expect_request("/other").respond_with_data(b"x" * len(data))
    httpserver.expect_request("/good").respond_with_data(data)
    httpserver.expect_request("/late").respond_with_data(data)
    published.toml.write_text(
        entry(
            *[
                (httpserver.url_for(path), sha256(data))
                for path in ("/gone", "/other", "/good", "/late")
            ]
        )
    )
    artifact("Demo", published.toml)
    asked = [request.path for request, _ in httpserver.log]
    assert asked == ["/gone", "/other", "/good"]


def test_a_failure_names_every_source_and_its_reason(
    depot: Path, httpserver: HTTPServer, published: Published, tmp_path: Path
) -> None:
    good = sha256(published.data)
    httpserver.expect_request("/gone").respond_with_data("no", status=404)
    missing = (tmp_path / "missing.tar.gz").as_uri()
    refused = "http://127.0.0.1:9/x.tar.gz"  # the discard port: nobody listens
    sources = [(httpserver.url_for("/gone"), good), (missing, good), (refused, good)]
    published.toml.write_text(entry(*sources))
    with pytest.raises(InstallError) as caught:
        artifact("Demo", published.toml)
    assert [url for url, _ in caught.value.attempts] == [url for url, _ in sources]
    for url, _ in sources:
        assert url in str(caught.value)
    assert "404" in str(caught.value)
    assert "No such file" in str(caught.value)
    assert nothing_is_left(depot)
    assert names(depot / "artifacts") == ["CACHEDIR.TAG"]


def only_failure(published: Published) -> Exception:
    """Install, and give what went wrong with the only source."""
    with pytest.raises(InstallError) as caught:
        artifact("Demo", published.toml)
    [(_, error)] = caught.value.attempts
    return error


def nothing_is_left(depot: Path) -> bool:
    """Whether there is no tree, nor a part of one; what is asked for is in use."""
    return {*names(depot)} <= {"artifacts", "logs"} and names(depot / "artifacts") == [
        "CACHEDIR.TAG"
    ]


@pytest.mark.parametrize("wrong", ["other bytes", "not even an archive", "cut short"])
def test_a_wrong_sha256_is_told_whatever_else_is_wrong_with_the_bytes(
    wrong: str, depot: Path, published: Published
) -> None:
    expected = sha256(published.data)
    data = {
        "other bytes": publish(published.toml.parent / "o", tree={"a": "b"}).data,
        "not even an archive": b"<html>Please log in</html>",
        "cut short": published.data[:-7],
    }[wrong]
    published.archive.write_bytes(data)
    error = only_failure(published)
    assert isinstance(error, TarballHashMismatchError)
    assert (str(error.expected), str(error.actual)) == (expected, sha256(data))
    assert nothing_is_left(depot)


def test_a_wrong_tree_is_not_installed_and_both_hashes_are_told(
    depot: Path, published: Published
) -> None:
    wrong = "1" * 40
    published.toml.write_text(
        entry((published.url, sha256(published.data)), tree_hash=wrong)
    )
    error = only_failure(published)
    assert isinstance(error, TreeHashMismatchError)
    assert (str(error.expected), str(error.actual)) == (wrong, TREE_HASH)
    assert nothing_is_left(depot)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "nothing at all"),
        (b"<!DOCTYPE html><title>Log in</title>", "an HTML page"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03", "cut short|ends"),
        (b"just a text file, " * 100, "found a text"),
    ],
    ids=["empty", "html", "cut", "text"],
)
def test_what_is_no_archive_is_refused_with_what_it_looks_like(
    data: bytes, reason: str, depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "p", data)  # its sha256 is right
    error = only_failure(published)
    assert isinstance(error, UnpackError)
    assert any(word in str(error) for word in reason.split("|"))
    assert nothing_is_left(depot)


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_a_member_outside_the_tree_is_refused_and_written_nowhere(
    name: str, depot: Path, tmp_path: Path
) -> None:
    published = publish(tmp_path / "p", tar({name: "PWNED"}))
    error = only_failure(published)
    assert isinstance(error, UnpackError)
    assert name in str(error)
    assert nothing_is_left(depot)
    assert not list(tmp_path.rglob("outside"))
    assert not Path("/outside").exists()


def test_a_member_behind_a_link_is_refused_and_written_nowhere(
    depot: Path, tmp_path: Path
) -> None:
    (tmp_path / "victim").mkdir()
    tree: Tree = {"d": Link(str(tmp_path / "victim")), "d/PWNED": "x"}
    error = only_failure(publish(tmp_path / "p", tar(tree)))
    assert isinstance(error, UnpackError)
    assert names(tmp_path / "victim") == []
    assert nothing_is_left(depot)


def test_ignored_hashes_let_a_tree_through_under_the_expected_name(
    depot: Path,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = "1" * 40
    published.toml.write_text(
        entry((published.url, sha256(published.data)), tree_hash=wrong)
    )
    monkeypatch.setenv("JULIA_PKG_IGNORE_HASHES", "garbage")
    assert isinstance(only_failure(published), TreeHashMismatchError)
    monkeypatch.setenv("JULIA_PKG_IGNORE_HASHES", "1")
    assert artifact("Demo", published.toml) == depot / "artifacts" / wrong
    assert TREE_HASH in caplog.text


def test_an_entry_without_a_source_says_so(depot: Path, tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(entry())
    with pytest.raises(InstallError, match=r"Demo: .*has no download"):
        artifact("Demo", toml)
    assert not (depot / "artifacts" / TREE_HASH).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_a_read_only_depot_with_the_artifact_works_and_without_it_says_so(
    depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact("Demo", published.toml)  # imports all that is needed
    with as_nobody() as folder:
        demo = publish(folder / "published")
        depot = folder / "depot"
        monkeypatch.setenv("JULIA_DEPOT_PATH", str(depot))
        path = artifact("Demo", demo.toml)
        for each in (depot / "artifacts", depot / "logs", depot):
            each.chmod(0o555)
        try:
            assert artifact("Demo", demo.toml) == path
            demo.toml.write_text(entry((demo.url, "0" * 64), tree_hash="1" * 40))
            with pytest.raises(DepotError, match=rf"{depot}.*JULIA_DEPOT_PATH"):
                artifact("Demo", demo.toml)
        finally:
            for each in (depot, depot / "artifacts", depot / "logs"):
                each.chmod(0o755)


def test_a_depot_that_is_a_file_is_told_by_name(
    tmp_path: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(tmp_path / "file"))
    with pytest.raises(DepotError, match=f"{tmp_path}/file: can't write"):
        artifact("Demo", published.toml)


def test_an_override_to_a_missing_folder_downloads_nothing(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    (depot / "artifacts").mkdir(parents=True)
    overrides = depot / "artifacts/Overrides.toml"
    overrides.write_text(f'{TREE_HASH} = "{tmp_path}/gone"')
    with pytest.raises(OverrideError, match=f"overridden to {tmp_path}/gone"):
        artifact("Demo", published.toml)
    assert names(depot / "artifacts") == ["Overrides.toml"]


def test_many_threads_get_one_download(
    depot: Path, httpserver: HTTPServer, published: Published
) -> None:
    httpserver.expect_request("/a").respond_with_data(published.data)
    published.toml.write_text(entry((httpserver.url_for("/a"), sha256(published.data))))
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(artifact("Demo", published.toml)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [depot / "artifacts" / TREE_HASH] * 16
    assert len(httpserver.log) == 1


def test_several_are_installed_at_once_one_job_for_each_tree(
    depot: Path, httpserver: HTTPServer, published: Published
) -> None:
    httpserver.expect_request("/a").respond_with_data(published.data)
    source = (httpserver.url_for("/a"), sha256(published.data))
    published.toml.write_text(
        entry(source, name="One") + "\n" + entry(source, name="Two")
    )
    events: list[ProgressEvent] = []
    installed = install_artifacts(published.toml, progress=events.append)
    path = depot / "artifacts" / TREE_HASH
    assert installed == {"One": path, "Two": path}
    assert len(httpserver.log) == 1
    assert [event.stage for event in events][-2:] == ["verifying", "installed"]
    assert events[-1].done == len(published.data)


def test_progress_is_shown_as_where_one_is_installed(
    depot: Path,
    published: Published,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[ProgressEvent] = []
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_has_widgets", lambda: False)
    for own in (None, events.append):
        install_artifacts(published.toml, progress=own)
        shown = capsys.readouterr().err
        assert ("Demo: installed (" in shown) == (own is None)
        remove_tree(depot / "artifacts" / TREE_HASH)
    assert events


@pytest.mark.parametrize("working", ["One", "Two", "Three"])
def test_a_tree_of_several_names_comes_from_whichever_source_works(
    working: str,
    depot: Path,
    tmp_path: Path,
    published: Published,
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest, bound = sha256(published.data), ("One", "Two", "Three")
    missing = (tmp_path / "missing.tar.gz").as_uri()
    published.toml.write_text(
        "\n".join(
            entry((published.url if name == working else missing, digest), name=name)
            for name in bound
        )
    )
    with caplog.at_level(logging.INFO):
        installed = install_artifacts(published.toml)
    assert installed == dict.fromkeys(bound, depot / "artifacts" / TREE_HASH)
    # The one missing file of two names is looked for once, and only if it comes first.
    assert caplog.text.count(f"{missing}: No such file") == (working != "One")
    assert f"{missing}: {missing}" not in caplog.text


def test_a_tree_that_no_name_has_a_source_for_names_all_of_them(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    digest = sha256(published.data)
    urls = [(tmp_path / f"{letter}.tar.gz").as_uri() for letter in "abc"]
    published.toml.write_text(
        entry((urls[0], digest), (urls[1], digest), name="One")
        + entry((urls[1], digest), (urls[2], digest), name="Two").replace(
            TREE_HASH, TREE_HASH.upper()
        )
    )
    with pytest.raises(InstallError, match="One, Two: Failed to download") as caught:
        install_artifacts(published.toml)
    assert [url for url, _ in caught.value.attempts] == urls
    assert all(url in str(caught.value) for url in urls)
    assert nothing_is_left(depot)


def test_a_name_installed_alone_has_its_own_sources_only(
    depot: Path, tmp_path: Path, published: Published
) -> None:
    missing = (tmp_path / "missing.tar.gz").as_uri()
    digest = sha256(published.data)
    published.toml.write_text(
        entry((missing, digest), name="One")
        + entry((published.url, digest), name="Two")
    )
    with pytest.raises(InstallError, match=r"^One: ") as caught:
        install_artifacts(published.toml, ["One"])
    assert published.url not in str(caught.value)
    assert nothing_is_left(depot)


def test_failures_are_gathered_and_the_others_are_installed(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    good = entry((published.url, sha256(published.data)), name="Good")
    bad = [
        entry(
            ((tmp_path / f"{name}.tar.gz").as_uri(), "0" * 64),
            name=name,
            tree_hash=digit * 40,
        )
        for name, digit in (("Bad", "2"), ("Worse", "3"))
    ]
    published.toml.write_text("\n".join([good, *bad]))
    with pytest.raises(InstallError, match="2 of 3 artifacts") as caught:
        install_artifacts(published.toml)
    assert [name for name, _ in caught.value.attempts] == ["Bad", "Worse"]
    assert (depot / "artifacts" / TREE_HASH).is_dir()


def test_lazy_artifacts_wait_until_they_are_asked_for(
    depot: Path, published: Published
) -> None:
    text = published.toml.read_text().replace("[[", "lazy = true\n[[", 1)
    published.toml.write_text(text)
    assert install_artifacts(published.toml) == {}
    assert not (depot / "artifacts").exists()
    assert list(install_artifacts(published.toml, include_lazy=True)) == ["Demo"]


# What fetch-artifacts 0.1.0's users published: the archive's sha256, whole or cut.
@pytest.mark.parametrize("digits", [64, 40])
def test_an_old_entry_installs_under_its_true_hash_and_is_found_again(
    digits: int,
    depot: Path,
    published: Published,
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest = sha256(published.data)
    published.toml.write_text(entry((published.url, digest), tree_hash=digest[:digits]))
    path = artifact("Demo", published.toml)
    assert path == depot / "artifacts" / TREE_HASH
    published.archive.unlink()
    assert artifact("Demo", published.toml, download=False) == path
    warnings = [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING
    ]
    assert sum(TREE_HASH in warning for warning in warnings) <= 1


@pytest.mark.usefixtures("depot")
def test_an_old_entry_whose_archive_changed_is_refused(published: Published) -> None:
    digest = sha256(published.data)
    published.toml.write_text(entry((published.url, digest), tree_hash=digest))
    published.archive.write_bytes(published.data + b"x")
    assert isinstance(only_failure(published), TarballHashMismatchError)


def test_a_chosen_package_server_is_asked_first(
    depot: Path,
    httpserver: HTTPServer,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    httpserver.expect_request(f"/artifact/{TREE_HASH}").respond_with_data(
        published.data
    )
    monkeypatch.setenv("JULIA_PKG_SERVER", httpserver.url_for("/"))
    published.archive.unlink()
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    [(request, _)] = httpserver.log
    assert request.headers["Julia-Pkg-Protocol"] == "1.0"


@pytest.mark.usefixtures("depot")
def test_a_server_that_has_it_not_gives_way_to_the_entrys_own_source(
    httpserver: HTTPServer, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA_PKG_SERVER", httpserver.url_for("/"))
    httpserver.expect_request(f"/artifact/{TREE_HASH}").respond_with_response(
        Response(status=404)
    )
    assert artifact("Demo", published.toml).name == TREE_HASH


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("name", ["FETCH_ARTIFACTS_OFFLINE", "JULIA_PKG_OFFLINE"])
def test_offline_asks_no_server_and_says_which_variable_forbids_it(
    name: str,
    httpserver: HTTPServer,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published.toml.write_text(entry((httpserver.url_for("/a"), "0" * 64)))
    monkeypatch.setenv(name, "true")
    with pytest.raises(InstallError, match=name):
        artifact("Demo", published.toml)
    assert httpserver.log == []


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_the_modes_of_a_new_install_follow_the_umask_as_julias_do(
    umask: int, depot: Path, published: Published
) -> None:
    before = os.umask(umask)
    try:
        path = artifact("Demo", published.toml)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((path / "bar").stat().st_mode) == 0o777 & ~umask
    # Julia: 0644 masked, then without write bits (Pkg.jl utils.jl:55-78).
    expected = 0o644 & (0o666 & ~umask) & ~0o222
    assert stat.S_IMODE((path / "foo3").stat().st_mode) == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
# Julia unpacks in `artifacts` itself, where mkdir hands down both group and bit.
def test_a_shared_folder_hands_its_group_down_to_a_whole_new_tree(
    depot: Path, published: Published
) -> None:
    other = 100 if os.geteuid() == 0 else os.getgid()
    (depot / "artifacts").mkdir(parents=True)
    os.chown(depot / "artifacts", -1, other)
    (depot / "artifacts").chmod(0o2775)
    before = os.umask(0o002)
    try:
        path = artifact("Demo", published.toml)
    finally:
        os.umask(before)
    assert listing(path) == [
        "d 2775 bar",
        "d 2775 bar/bar",
        "f 444 bar/bar/foo1",
        "f 444 bar/foo2",
        "l bar/infinite_link -> ../bar",
        "f 444 foo3",
        "l foo3_link -> foo3",
    ]
    assert {other} == {each.lstat().st_gid for each in [path, *path.rglob("*")]}


@pytest.mark.parametrize(
    ("name", "value"),
    [("FETCH_ARTIFACTS_MAX_SIZE", "14"), ("FETCH_ARTIFACTS_MAX_MEMBERS", "4")],
)
def test_an_archive_that_unpacks_to_more_than_it_may_is_refused(
    name: str,
    value: str,
    depot: Path,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)
    error = only_failure(published)
    assert isinstance(error, UnpackError)
    assert value in str(error)
    assert nothing_is_left(depot)


def test_what_the_disk_has_no_room_for_is_not_begun(
    depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(published.toml.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=7))
    with pytest.raises(DepotError, match=rf"{depot}: .*free some space"):
        artifact("Demo", published.toml)
    assert nothing_is_left(depot)


def test_a_disk_that_fills_up_is_an_error_that_names_the_depot(
    depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(DepotError, match=rf"^{depot}: .*free some space"):
        artifact("Demo", published.toml)
    assert {*names(depot)} <= {"artifacts", "logs"}
    assert names(depot / "artifacts") == []  # not even an empty CACHEDIR.TAG


def test_a_secret_in_an_address_is_not_told(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toml = tmp_path / "Artifacts.toml"
    url = "http://me:hunter2@127.0.0.1:9/a.tar.gz?token=s3cret"
    toml.write_text(entry((url, "0" * 64)))
    with caplog.at_level(logging.DEBUG), pytest.raises(InstallError) as caught:
        artifact("Demo", toml)
    told = f"{caught.value} {caught.value.attempts} {caplog.text}"
    assert "127.0.0.1:9/a.tar.gz" in told
    assert "hunter2" not in told
    assert "s3cret" not in told
    assert nothing_is_left(depot)


def test_the_use_of_the_file_is_logged_for_julias_gc(
    depot: Path, published: Published
) -> None:
    artifact("Demo", published.toml)
    log = (depot / "logs/artifact_usage.toml").read_text("utf-8")
    assert log.startswith(f'[["{published.toml}"]]\ntime = ')


def test_a_real_tar_of_gnu_format_with_long_names_installs(
    depot: Path, tmp_path: Path
) -> None:
    name = "/".join(["long" * 20] * 3)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", format=tarfile.GNU_FORMAT) as file:
        member = tarfile.TarInfo(name)
        member.size = 1
        file.addfile(member, io.BytesIO(b"1"))
    published = publish(tmp_path / "p", buffer.getvalue())
    error = only_failure(published)
    assert isinstance(error, TreeHashMismatchError)
    published.toml.write_text(
        entry((published.url, sha256(published.data)), tree_hash=str(error.actual))
    )
    path = artifact("Demo", published.toml)
    assert (path / name).read_text() == "1"
    assert path.parent == depot / "artifacts"


def test_a_chosen_directory_counts_in_all_threads_of_an_install(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    with with_artifacts_directory(tmp_path / "mine"):
        installed = install_artifacts(published.toml)
    assert installed == {"Demo": tmp_path / "mine" / TREE_HASH}
    assert not depot.exists()


def test_without_a_depot_a_chosen_directory_does(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tar(TREE)
    httpserver.expect_request(f"/artifact/{TREE_HASH}").respond_with_data(data)
    monkeypatch.setenv("JULIA_PKG_SERVER", httpserver.url_for("/"))
    monkeypatch.setenv("JULIA_DEPOT_PATH", "")
    toml = tmp_path / "Artifacts.toml"
    toml.write_text(f'[Demo]\ngit-tree-sha1 = "{TREE_HASH}"\n')
    with with_artifacts_directory(tmp_path / "mine"):
        assert artifact("Demo", toml) == tmp_path / "mine" / TREE_HASH


def test_a_missing_artifact_asks_for_overrides_once(
    depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    load = overrides.load_overrides

    def counted(folders: tuple[str, ...]) -> overrides.Overrides:
        asked.append(folders)
        return load(folders)

    monkeypatch.setattr(overrides, "load_overrides", counted)
    assert artifact("Demo", published.toml).is_dir()
    assert asked == [(str(depot / "artifacts"),)]


# NFS says ESTALE for a file that it lost sight of, now and then.
@pytest.mark.parametrize(("failures", "installed"), [(4, True), (5, False)])
def test_a_network_file_system_that_lost_a_file_is_tried_again(
    failures: int,
    installed: bool,
    depot: Path,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = [OSError(errno.ESTALE, os.strerror(errno.ESTALE))] * failures
    real = os.mkdir

    def lost(path: object, *arguments: object, **options: object) -> None:
        if isinstance(path, bytes) and path.endswith(b"bar") and left:
            raise left.pop()
        real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "mkdir", lost)
    if installed:
        assert artifact("Demo", published.toml).is_dir()
    else:
        with pytest.raises(DepotError, match=rf"^{depot}: .*[Ss]tale"):
            artifact("Demo", published.toml)
    assert not left


def test_a_server_that_says_nothing_is_asked_once_in_a_run(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA_PKG_CONCURRENT_DOWNLOADS", "1")
    texts = []
    with serving(lambda *_: None) as silent:
        for name in ("A", "B", "C"):
            made = publish(tmp_path / name, tree={name: name})
            digest, hash_ = (
                sha256(made.data),
                read_archive_file(made.archive, NO_LIMITS).tree_hash,
            )
            sources = [(silent.url(f"/{name}"), digest), (made.url, digest)]
            texts.append(entry(*sources, name=name, tree_hash=str(hash_)))
        only = entry((silent.url("/D"), "0" * 64), name="D", tree_hash="4" * 40)
        toml = tmp_path / "Artifacts.toml"
        toml.write_text("\n".join([*texts, only]))
        with pytest.raises(InstallError, match=r"(?s)^D: .*/D: .*tried once"):
            install_artifacts(toml)
    assert len(list((depot / "artifacts").glob("?" * 40))) == 3
    assert [request.path for request in silent.requests] == [*["/A"] * 4, "/D"]
