from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest
import tomli

from fetch_artifacts.artifacts_toml.binding import (
    unbind,
)
from fetch_artifacts.artifacts_toml.editing import Fix, repair
from fetch_artifacts.digests import TreeHash
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    ArtifactsTomlNotFoundError,
)
from fetch_artifacts.julia_toml import loads
from fetch_artifacts.platforms import Platform
from support.bindings import bind

ONE, TWO = TreeHash.parse("1" * 40), TreeHash.parse("2" * 40)

LINUX = Platform.parse("x86_64-linux-gnu")

needs_unix = pytest.mark.skipif(os.name == "nt", reason="Windows: no modes, few links")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """The file to bind in, alone in its folder, and not there yet."""
    folder = tmp_path / "package"
    folder.mkdir()
    return folder / "Artifacts.toml"


def test_the_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ArtifactsTomlNotFoundError, match="expected its folder"):
        bind(tmp_path / "gone/Artifacts.toml", "x", ONE)


def test_a_folder_is_no_file_to_bind_in(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArtifactsTomlNotFoundError, match="found a folder without one"):
        bind(tmp_path / "folder", "x", ONE)
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "expected TOML"),
        ("x = [3]", r"x\[1\]: expected a table, found 3"),
        ("[[x]]\nos = 'linux'", r"x\[1\]\.arch: expected a string, found nothing"),
    ],
)
def test_a_file_that_cannot_be_understood_stays_as_it_is(
    text: str, message: str, toml: Path
) -> None:
    toml.write_text(text, "utf-8")
    with pytest.raises(ArtifactsTomlError, match=message):
        bind(toml, "x", ONE, platform=LINUX, force=True)
    assert toml.read_text("utf-8") == text
    assert [path.name for path in toml.parent.iterdir()] == [toml.name]


def test_comments_stay_where_they_are_told_to(toml: Path) -> None:
    text = f"# head\n[x] # one\ngit-tree-sha1 = '{ONE}' # hash\n\n# tail\n"
    toml.write_text(text, "utf-8")
    bind(toml, "y", TWO, keep_comments=True)
    bind(toml, "x", TWO, force=True, keep_comments=True)
    added = f'\n[y]\ngit-tree-sha1 = "{TWO}"\n'
    assert toml.read_text("utf-8") == text.replace(f"'{ONE}'", f'"{TWO}"') + added
    assert unbind(toml, "y", keep_comments=True)
    bind(toml, "z", TWO)  # unasked, they stay in what Julia did not write
    assert text.replace(f"'{ONE}'", f'"{TWO}"') in toml.read_text("utf-8")
    bind(toml, "z", ONE, force=True, keep_comments=False)
    assert "#" not in toml.read_text("utf-8")
    bind(toml, "a", ONE)  # and what Julia could have written stays so: sorted
    assert list(tomli.loads(toml.read_text("utf-8"))) == ["a", "x", "z"]


def test_an_entry_of_dotted_keys_is_replaced_in_place(toml: Path) -> None:
    text = f"x.git-tree-sha1 = '{ONE}' # x\ny.git-tree-sha1 = '{ONE}' # y\n"
    toml.write_text(text, "utf-8")
    bind(toml, "x", TWO, lazy=True, force=True, keep_comments=True)
    assert toml.read_text("utf-8") == (
        f'x.git-tree-sha1 = "{TWO}" # x\nx.lazy = true\n'
        f"y.git-tree-sha1 = '{ONE}' # y\n"
    )


@needs_unix
def test_the_mode_of_the_file_stays(toml: Path) -> None:
    toml.touch()
    toml.chmod(0o640)
    bind(toml, "x", ONE)
    assert stat.S_IMODE(toml.stat().st_mode) == 0o640


@needs_unix
def test_a_link_to_the_file_stays_a_link(toml: Path) -> None:
    link = toml.with_name("link.toml")
    link.symlink_to(toml.name)
    bind(link, "x", ONE)
    bind(toml, "y", ONE)
    assert link.is_symlink()
    assert list(tomli.loads(toml.read_text("utf-8"))) == ["x", "y"]


def _bind_many(toml: Path, first: int) -> None:
    for number in range(first, 100, 8):
        bind(toml, f"n{number:02}", TreeHash.parse(f"{number:040x}"))


def test_nothing_is_lost_when_many_processes_bind_at_once(toml: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    processes = [
        spawning.Process(target=_bind_many, args=(toml, first)) for first in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    bound = tomli.loads(toml.read_text("utf-8"))
    assert list(bound) == [f"n{number:02}" for number in range(100)]
    assert [path.name for path in toml.parent.iterdir()] == [toml.name]


def test_a_comment_in_another_encoding_is_kept(toml: Path) -> None:
    comment = b"# M\xfcller\n"
    toml.write_bytes(comment + b"[x]\ngit-tree-sha1 = '" + b"1" * 40 + b"'\n")
    bind(toml, "y", TWO)
    assert toml.read_bytes().startswith(comment)
    assert sorted(loads(toml.read_bytes())) == ["x", "y"]


def test_a_repair_can_be_shown_beside_such_a_comment(toml: Path) -> None:
    toml.write_bytes(b"# M\xfcller\n[x]\ngit-tree-sha1 = 'a' # \xe9\n")
    fix = Fix(keys=("x", "git-tree-sha1"), old="a", new=str(ONE))
    diff = repair(toml, [fix])
    assert "\\udce9" in diff
    assert b"\xe9" in toml.read_bytes()
