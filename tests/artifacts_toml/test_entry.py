from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import tomli

from fetch_artifacts.artifacts_toml.choosing import (
    entry_for,
)
from fetch_artifacts.artifacts_toml.entry import DownloadSource
from fetch_artifacts.digests import Sha256, TreeHash
from fetch_artifacts.errors import (
    ArtifactsTomlError,
)
from fetch_artifacts.platforms import Platform

ONE, TWO = "1" * 40, "2" * 40

LINUX = Platform.parse("x86_64-linux-gnu-libgfortran5-cxx11").as_host()
SHA = "ab" * 32


def host(triplet: str) -> Platform:
    return Platform.parse(triplet).as_host()


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
