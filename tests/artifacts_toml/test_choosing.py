from __future__ import annotations

from collections.abc import Callable
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
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import (
    ArtifactNotFoundError,
    ArtifactsTomlError,
    FetchArtifactsError,
    NoMatchingPlatformError,
)
from fetch_artifacts.platforms import Platform
from support.fixtures import Case, load_vectors

LINUX = Platform.parse("x86_64-linux-gnu-libgfortran5-cxx11").as_host()
ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40


def host(triplet: str) -> Platform:
    return Platform.parse(triplet).as_host()


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


@pytest.mark.parametrize(("case", "answer"), load_vectors("order"))
def test_ties_fall_as_in_julia(case: Case, answer: Case) -> None:
    table, platform = tomli.loads(case["toml"]), Platform.parse(case["platform"])
    plain = artifact_hash(case["name"], table, platform=platform)
    host = artifact_hash(case["name"], table, platform=platform.as_host())
    assert [answer["plain"], answer["host"]] == [str(plain or ""), str(host or "")]


def test_of_two_entries_for_one_platform_the_later_one_stands_for_both() -> None:
    # Julia's table keeps the later key, whose tags come in another order: the third
    # entry's triplet is greater than a0+1-c5+1 and less than c5+1-a0+1.
    entries = ((ONE, "a0", "c5"), (TWO, "c5", "a0"), (THREE, "b0", "b1"))
    toml = "".join(
        f"[[Foo]]\ngit-tree-sha1 = '{digest}'\nos = 'linux'\narch = 'x86_64'\n"
        f"{first} = '1'\n{second} = '1'\n"
        for digest, first, second in entries
    )
    chosen = artifact_hash("Foo", tomli.loads(toml), platform=LINUX)
    assert chosen == TreeHash.parse(TWO)


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
    assert [
        ("fetch_artifacts.artifacts_toml.choosing", 30, message)
    ] == caplog.record_tuples


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


def test_an_entry_follows_the_file_and_the_platform(
    tmp_path: Path, later: Callable[[], None]
) -> None:
    path = tmp_path / "Artifacts.toml"
    text = (
        f"[[a]]\nos = 'linux'\narch = 'x86_64'\ngit-tree-sha1 = '{ONE}'\n"
        f"[[a]]\nos = 'macos'\narch = 'x86_64'\ngit-tree-sha1 = '{TWO}'\n"
    )
    path.write_text(text, "utf-8")
    later()
    mac = host("x86_64-apple-darwin")
    assert entry_for("a", path, LINUX) is entry_for("a", path, LINUX)
    assert entry_for("a", path, LINUX).git_tree_sha1 == ONE
    assert entry_for("a", path, mac).git_tree_sha1 == TWO
    path.write_text(text.replace(TWO, "3" * 40), "utf-8")
    assert entry_for("a", path, mac).git_tree_sha1 == "3" * 40


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
