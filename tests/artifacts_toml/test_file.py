from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
)


def test_a_changed_file_is_seen_although_size_and_inode_stay(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    for text in ("a = 1\n", "a = 2\n", "a = 3\n"):
        toml.write_text(text, "utf-8")
        assert tomli.loads(text) == load_artifacts_toml(toml)


def test_a_file_is_parsed_once_while_it_stays_as_it_is(
    tmp_path: Path, later: Callable[[], None]
) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_text("a = 1\n", "utf-8")
    later()
    assert load_artifacts_toml(toml) is load_artifacts_toml(str(toml))


def test_a_comment_need_not_be_utf_8(tmp_path: Path) -> None:
    toml = tmp_path / "Artifacts.toml"
    toml.write_bytes(b"a = 1 # M\xfcller\r\n")
    assert load_artifacts_toml(toml) == {"a": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a = \n", "line 1, column 5"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xef\xbb\xbfa = 1\r\n", "expected no byte order mark"),
        (b"a = {b = 1,}\n", "expected no comma at the end"),
        (b"\xff = 1\n", "line 1, column 1"),
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
