from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.depot_path import depots_from_environ, parse_depot_path
from support.fixtures import UNIX, Case, load_vectors


@pytest.mark.parametrize(
    ("case", "answer"),
    load_vectors("depot"),
    ids=[repr(case.get("value")) for case, _ in load_vectors("depot")],
)
def test_depot_path_is_julias(case: Case, answer: Case) -> None:
    value = None if case.get("unset") else case["value"]
    if not answer["ok"]:
        with pytest.raises(SettingsError, match="JULIA_DEPOT_PATH"):
            parse_depot_path(value, home="/home/u", bundled=("{LOCAL}", "{SHARE}"))
        return
    depots = parse_depot_path(value, home="/home/u", bundled=("{LOCAL}", "{SHARE}"))
    assert answer["depots"] == list(depots)


def test_the_depots_follow_a_changed_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JULIA_DEPOT_PATH", "/a")
    assert depots_from_environ() == ("/a",)
    monkeypatch.setenv("JULIA_DEPOT_PATH", "/b")
    assert depots_from_environ() == ("/b",)


@UNIX
@pytest.mark.parametrize("given", ["{root}/link/../depot/", "link/../depot"])
def test_a_depot_is_where_the_system_says_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (tmp_path / "there/depot").mkdir(parents=True)
    (tmp_path / "there/folder").mkdir()
    (tmp_path / "link").symlink_to("there/folder")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JULIA_DEPOT_PATH", given.format(root=tmp_path))

    (depot,) = depots_from_environ()

    assert Path(depot).samefile(tmp_path / "there/depot")
    assert depot == f"{tmp_path}/link/../depot"  # DEPOT_PATH keeps the text


def test_bundled_depots_are_beside_the_julia_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    julia = tmp_path / "julia-1.12" / "bin" / "julia"
    julia.parent.mkdir(parents=True)
    julia.write_text("#!/bin/sh\n")
    julia.chmod(0o755)
    monkeypatch.setenv("JULIA", str(julia))
    monkeypatch.setenv("JULIA_DEPOT_PATH", "/a:")
    prefix = julia.parent.parent.resolve()
    expected = ("/a", f"{prefix}/local/share/julia", f"{prefix}/share/julia")
    assert expected == depots_from_environ()
