from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import tomli

from fetch_artifacts.artifacts_toml.choosing import (
    artifact_hash,
    artifact_meta,
    entry_for,
    extract_all_hashes,
    select_downloadable_artifacts,
)
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
    FetchArtifactsError,
    NoMatchingPlatformError,
)
from fetch_artifacts.platforms import Platform
from support.fixtures import Case, load_vectors

LINUX = Platform.parse("x86_64-linux-gnu-libgfortran5-cxx11").as_host()
ONE, TWO = "1" * 40, "2" * 40
SHA = "ab" * 32


def host(triplet: str) -> Platform:
    return Platform.parse(triplet).as_host()


def test_a_changed_file_is_seen_although_size_and_inode_stay(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    for text in ("a = 1\n", "a = 2\n", "a = 3\n"):
        toml.write_text(text, "utf-8")
        assert tomli.loads(text) == load_artifacts_toml(toml)


def test_a_file_is_parsed_once_while_it_stays_as_it_is(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text("a = 1\n", "utf-8")
    os.utime(toml, (1, 1))
    assert load_artifacts_toml(toml) is load_artifacts_toml(str(toml))


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert load_artifacts_toml(toml) == {"a": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a = \n", "line 1, column 5"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"a = '\xff'\n", "utf-8"),
        (b"a = [{t = 2020-01-01T00:00:00+01:00}]\n", "offset"),
    ],
)
def test_what_julia_cannot_read_is_refused(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_bytes(data)
    with pytest.raises(ArtifactsTomlError, match=reason) as caught:
        load_artifacts_toml(toml)
    assert toml == caught.value.path


def test_what_only_looks_like_an_offset_is_read(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text("a = '10:00+01:00'\nt = 2020-01-01T00:00:00Z\n", "utf-8")
    assert load_artifacts_toml(toml)["a"] == "10:00+01:00"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactsTomlNotFoundError, match=r"gone\.toml: expected"):
        load_artifacts_toml(tmp_path / "gone.toml")


def test_many_threads_read_many_changing_files(tmp_path: Path) -> None:
    tomls = [tmp_path / f"{number}.toml" for number in range(100)]
    wrong: list[object] = []

    def read_all() -> None:
        for number, toml in enumerate(tomls):
            if load_artifacts_toml(toml) != {"a": number}:
                wrong.append(toml)

    for number, toml in enumerate(tomls):
        toml.write_text(f"a = {number}\n", "utf-8")
        os.utime(toml, (1, 1))
    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- choosing, with Julia's answers


def answer_of(function: Any, *args: Any, **kwargs: Any) -> Case:
    """A call's result in the form of the recorded answers."""
    try:
        value = function(*args, **kwargs)
    except FetchArtifactsError:
        return {"ok": False}
    if isinstance(value, dict) and "git-tree-sha1" in value:
        value = str(value["git-tree-sha1"])
    elif isinstance(value, dict):
        value = sorted(value)
    return {"ok": True, "value": value if isinstance(value, list) else str(value or "")}


def outcome(answer: Case) -> Case:
    return {key: answer[key] for key in ("ok", "value") if key in answer}


@pytest.mark.parametrize(("case", "answer"), load_vectors("meta"))
def test_what_is_chosen_is_julias(case: Case, answer: Case) -> None:
    table, platform = tomli.loads(case["toml"]), host(case["platform"])
    name = case["name"]
    select = select_downloadable_artifacts
    assert outcome(answer["meta"]) == answer_of(
        artifact_meta, name, table, platform=platform
    )
    assert outcome(answer["hash"]) == answer_of(
        artifact_hash, name, table, platform=platform
    )
    assert outcome(answer["downloadable"]) == answer_of(
        select, table, platform=platform
    )
    assert outcome(answer["with_lazy"]) == answer_of(
        select, table, platform=platform, include_lazy=True
    )


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[[Foo]]\nos = 'linux'", "Foo[1].arch: expected a string, found nothing"),
        (
            "[[Foo]]\nos = 'linux'\narch = 'x86_64'\n[[Foo]]\nos = 3\narch = 'i686'",
            "Foo[2].os: expected a string, found 3",
        ),
        ("Foo = [[]]", "Foo[1]: expected a table, found []"),
        ("[['a b']]\nos = 'x'\narch = 'y'\nlibc = 'z+'", '"a b"[1]: platform tag'),
        (
            "[[Foo]]\nos = 'linux'\narch = 'x86_64'\nnote = 'some words'",
            "Foo[1]: platform tag 'note' = 'some words'",
        ),
    ],
)
def test_an_entry_without_a_readable_platform_is_refused(
    toml: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "Artifacts.toml"
    name = "a b" if "a b" in toml else "Foo"
    with pytest.raises(ArtifactsTomlError) as caught:
        artifact_meta(name, tomli.loads(toml), platform=LINUX, path=path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("a = 3", "a: expected a table, found 3"),
        ("[a]", "a.git-tree-sha1: expected 40 hex digits, found nothing"),
        (
            "[[a]]\nos = 'linux'\narch = 'x86_64'",
            "a[1].git-tree-sha1: expected 40 hex digits, found nothing",
        ),
    ],
)
def test_where_julia_logs_a_warning_is_logged(
    toml: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert artifact_meta("a", tomli.loads(toml), platform=LINUX) is None
    assert [("fetch_artifacts", 30, message)] == caplog.record_tuples


def test_the_lazy_flag_must_be_a_bool() -> None:
    table = {"a": {"git-tree-sha1": ONE, "lazy": "yes", "download": []}}
    with pytest.raises(ArtifactsTomlError, match=r"a\.lazy: expected true or false"):
        select_downloadable_artifacts(table, platform=LINUX, include_lazy=True)
    with pytest.raises(ArtifactsTomlError, match=r"a\.lazy"):
        extract_all_hashes(table, platform=LINUX)


def test_all_hashes_include_those_without_sources_and_lazy_ones_when_asked() -> None:
    table = {
        "a": {"git-tree-sha1": ONE},
        "b": {"git-tree-sha1": TWO, "lazy": True},
        "c": [{"git-tree-sha1": TWO, "os": "windows", "arch": "x86_64"}],
        "d": [],
    }
    one, two = TreeHash.parse(ONE), TreeHash.parse(TWO)
    assert (one,) == extract_all_hashes(table, platform=LINUX)
    assert (one, two) == extract_all_hashes(table, platform=LINUX, include_lazy=True)


# --- entries


def test_an_entry_has_everything_its_table_says() -> None:
    table = tomli.loads(f"""
        [[a]]
        os = "linux"
        arch = "x86_64"
        libc = "glibc"
        lazy = true
        git-tree-sha1 = "{"ABCDEF1234" * 4}"
        since = 2020-01-02
            [[a.download]]
            url = "https://host/a.tar.gz?download=1"
            sha256 = "{SHA.upper()}"
            size = 7
            [[a.download]]
            url = "file:///tmp/é.tar.gz"
            sha256 = "{SHA}"
            note = "a mirror"
        """)
    entry = entry_for("a", table, LINUX)
    assert entry.name == "a"
    assert entry.git_tree_sha1 == "ABCDEF1234" * 4
    assert TreeHash.parse("abcdef1234" * 4) == entry.tree_hash
    assert entry.archive_sha256 is None
    assert entry.lazy
    assert Platform.parse("x86_64-linux-gnu") == entry.platform
    assert {"libc": "glibc", "since": table["a"][0]["since"]} == entry.metadata
    sha256 = Sha256.parse(SHA)
    assert entry.downloads == (
        DownloadSource(url="https://host/a.tar.gz?download=1", sha256=sha256, size=7),
        DownloadSource(url="file:///tmp/é.tar.gz", sha256=sha256),
    )


def test_an_entry_for_every_platform_has_none() -> None:
    entry = entry_for("a", {"a": {"git-tree-sha1": ONE, "os": "windows"}}, LINUX)
    assert entry.platform is None
    assert not entry.lazy
    assert entry.downloads == ()


def test_an_entry_survives_pickling(tmp_path: Path) -> None:
    path = tmp_path / "Artifacts.toml"
    path.write_text(f"[[a]]\nos='linux'\narch='x86_64'\ngit-tree-sha1='{ONE}'\n")
    entry = entry_for("a", path, LINUX)
    assert entry == pickle.loads(pickle.dumps(entry))


def test_an_entry_follows_the_file_and_the_platform(tmp_path: Path) -> None:
    path = tmp_path / "Artifacts.toml"
    text = (
        f"[[a]]\nos = 'linux'\narch = 'x86_64'\ngit-tree-sha1 = '{ONE}'\n"
        f"[[a]]\nos = 'macos'\narch = 'x86_64'\ngit-tree-sha1 = '{TWO}'\n"
    )
    path.write_text(text, "utf-8")
    os.utime(path, (1, 1))
    mac = host("x86_64-apple-darwin")
    assert entry_for("a", path, LINUX) is entry_for("a", path, LINUX)
    assert entry_for("a", path, LINUX).git_tree_sha1 == ONE
    assert entry_for("a", path, mac).git_tree_sha1 == TWO
    path.write_text(text.replace(TWO, "3" * 40), "utf-8")
    assert entry_for("a", path, mac).git_tree_sha1 == "3" * 40


@pytest.mark.parametrize("digits", [64, 40])
def test_an_old_entry_is_known_by_the_sha256_it_repeats(digits: int) -> None:
    download = [{"sha256": "cd" * 32}, {"sha256": SHA.upper()}]
    entry = entry_for(
        "a", {"a": {"git-tree-sha1": SHA[:digits], "download": download}}, LINUX
    )
    assert entry.tree_hash is None
    assert Sha256.parse(SHA) == entry.archive_sha256


@pytest.mark.parametrize("sha256", [ONE, ONE + "x" * 24, 3])
def test_an_entry_is_not_old_because_of_a_sha256_that_is_none(sha256: object) -> None:
    download = [{"sha256": sha256}]
    table = {"a": {"git-tree-sha1": ONE, "download": download}}
    assert TreeHash.parse(ONE) == entry_for("a", table, LINUX).tree_hash


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        (3, "a: expected a table or an array of tables, found 3"),
        ({}, "a.git-tree-sha1: expected 40 hex digits, found nothing"),
        ({"git-tree-sha1": 3}, "a.git-tree-sha1: expected a string of 40 hex digits"),
        ({"git-tree-sha1": "x" * 40}, "a.git-tree-sha1: expected 40 hex digits, found"),
        (
            {"git-tree-sha1": SHA, "download": [{"sha256": "0" * 64}, 3]},
            "a.git-tree-sha1: expected 40 hex digits, found 64",
        ),
        ({"git-tree-sha1": ONE, "lazy": 1}, "a.lazy: expected true or false, found 1"),
        (
            {"git-tree-sha1": ONE, "download": {}},
            "a.download: expected an array of tables, found {}",
        ),
    ],
)
def test_an_entry_that_means_nothing_is_refused(meta: object, message: str) -> None:
    with pytest.raises(ArtifactsTomlError) as caught:
        entry_for("a", {"a": meta}, LINUX)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "a.download[2]: expected a table, found 3"),
        ({"sha256": SHA}, "a.download[2].url: expected a URL such as"),
        ({"url": "host/x", "sha256": SHA}, "a.download[2].url: expected a URL such as"),
        ({"url": "https://h/x"}, "a.download[2].sha256: expected 64 hex digits"),
        (
            {"url": "https://h/x", "sha256": "ab"},
            "a.download[2].sha256: expected 64 hex digits, found 2",
        ),
        (
            {"url": "https://h/x", "sha256": SHA, "size": -1},
            "a.download[2].size: expected a number of bytes, found -1",
        ),
    ],
)
def test_a_bad_source_is_refused_when_it_is_asked_for(
    source: object, message: str
) -> None:
    good = {"url": "https://h/x", "sha256": SHA, "size": 0}
    table = {"a": {"git-tree-sha1": ONE, "download": [good, source]}}
    entry = entry_for("a", table, LINUX)
    with pytest.raises(ArtifactsTomlError) as caught:
        _ = entry.downloads
    assert str(caught.value).startswith(message)


def test_a_missing_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    path = tmp_path / "Artifacts.toml"
    path.write_text("[emulator]\n[weights]\n", "utf-8")
    with pytest.raises(ArtifactNotFoundError) as caught:
        entry_for("emulater", path, LINUX)
    assert str(caught.value) == (
        f"{path}: expected an artifact 'emulater', found 'emulator', 'weights'; "
        "did you mean 'emulator'?"
    )
    with pytest.raises(ArtifactNotFoundError, match="found no artifacts at all"):
        entry_for("x", {}, LINUX)


def test_no_entry_for_a_platform_says_why_for_each() -> None:
    table = tomli.loads("""
        [[a]]
        os = "windows"
        arch = "x86_64"
        [[a]]
        os = "linux"
        arch = "x86_64"
        libgfortran_version = "3.0.0"
        """)
    with pytest.raises(NoMatchingPlatformError) as caught:
        entry_for("a", table, LINUX)
    assert str(caught.value).splitlines() == [
        "Artifacts.toml: 'a' has no entry for x86_64-linux-gnu-libgfortran5-cxx11",
        "  x86_64-w64-mingw32: os is windows, not linux",
        "  x86_64-linux-gnu-libgfortran3: libgfortran_version is 3.0.0, not 5.0.0",
    ]
    with pytest.raises(NoMatchingPlatformError, match="none for any platform"):
        entry_for("a", {"a": []}, LINUX)


def test_a_version_that_is_none_is_blamed_on_the_entry() -> None:
    entry = {"os": "macos", "arch": "x86_64", "os_version": "new"}
    mac = host("x86_64-apple-darwin20")
    with pytest.raises(ArtifactsTomlError, match="a: "):
        entry_for("a", {"a": [entry]}, mac)


def test_an_error_names_the_element_of_an_array_that_it_is_about() -> None:
    element = {"os": "linux", "arch": "x86_64"}
    table: dict[str, Any] = {
        "a": [{**element, "libc": "musl"}, {**element, "git-tree-sha1": "zz"}]
    }
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.git-tree-sha1: expected"):
        artifact_hash("a", table, platform=LINUX)
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.git-tree-sha1: expected"):
        extract_all_hashes(table, platform=LINUX)
    table["a"][1] |= {"lazy": 3, "download": []}
    with pytest.raises(ArtifactsTomlError, match=r"a\[2\]\.lazy: expected true or"):
        select_downloadable_artifacts(table, platform=LINUX)
