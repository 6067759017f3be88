from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.files.paths import absolute
from support.fixtures import UNIX


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with ``a/b``, and ``link`` to it."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    return tmp_path.resolve()


@UNIX
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("link/../file", "a/file"),
        ("link/.././file", "a/file"),
        ("link/../../file", "file"),
        ("a/b/../file", "a/file"),
        ("link/file", "link/file"),
        ("a/../link/x/../file", "link/file"),
        ("a..b/file", "a..b/file"),
        ("missing/../file", "file"),
        ("./a//b/", "a/b"),
    ],
)
def test_a_path_leads_where_the_system_says(
    linked: Path, monkeypatch: pytest.MonkeyPatch, path: str, meant: str
) -> None:
    assert str(linked / meant) == absolute(f"{linked}/{path}")
    monkeypatch.chdir(linked)
    assert str(linked / meant) == absolute(path)
    assert str(linked / meant) == absolute(Path(path))


def test_there_is_nothing_above_the_root() -> None:
    assert Path("/").resolve() == Path(absolute("/../.."))
