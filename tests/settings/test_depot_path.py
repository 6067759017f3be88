from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from fetch_artifacts import (
    artifact,
    artifact_exists,
    bind_artifact,
    load_artifacts,
    set_cache_dir,
)
from fetch_artifacts.errors import SettingsError
from fetch_artifacts.settings.depot_path import depots_from_environ, parse_depot_path
from fetch_artifacts.settings.environment import Settings
from support.fixtures import UNIX, Case, load_vectors
from support.published import publish


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


def test_the_depots_follow_an_environment_in_place_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = depots_from_environ()
    for value in (f"{tmp_path}/a", f"{tmp_path}/ü", ""):
        environ = {"JULIA_DEPOT_PATH": value}
        with monkeypatch.context() as context:
            context.setattr(os, "environ", environ)
            assert depots_from_environ() == ((value,) if value else ())
        assert depots_from_environ() == before


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


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a home folder, in a working directory of his."""
    if sys.platform == "win32":
        pytest.skip("NOT RUN: on Windows every user has a home folder")
    import pwd

    def no_such_user(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    for variable in ("JULIA_DEPOT_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "JULIA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_such_user)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows does not go by HOME")
def test_an_empty_home_is_none(homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    with pytest.raises(SettingsError, match=r"home folder: .*found none; set HOME"):
        depots_from_environ()
    with pytest.raises(SettingsError, match=r"home folder: .*found none; set HOME"):
        set_cache_dir("~/cache")
    assert list(homeless.iterdir()) == []


def test_without_a_home_folder_a_name_can_be_bound(homeless: Path) -> None:
    toml = homeless / "Artifacts.toml"
    bind_artifact(toml, "Demo", "1" * 40, "https://host/a.tar.gz", "2" * 64)
    assert "[Demo]" in toml.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [None, "~", "~/depot", ":/a", "/a:~/b"])
def test_without_a_home_folder_its_depot_is_an_error(
    value: str | None, homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("JULIA_DEPOT_PATH", value)
    with pytest.raises(SettingsError, match="set HOME, or JULIA_DEPOT_PATH"):
        depots_from_environ()
    assert list(homeless.iterdir()) == []


@pytest.mark.parametrize("value", ["", "/a", "rel", "/a::/b"])
def test_without_a_home_folder_other_depots_are_used(
    value: str, homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JULIA_DEPOT_PATH", value)
    monkeypatch.setenv("PATH", "")
    expected = {
        "": (),
        "/a": ("/a",),
        "rel": (f"{homeless}/rel",),
        "/a::/b": ("/a", "/b"),
    }
    assert depots_from_environ() == expected[value]


def test_without_a_home_folder_no_folder_is_called_tilde(
    homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish(homeless / "published")
    for use in (
        lambda: artifact("Demo", published.toml),
        lambda: artifact_exists("Demo", published.toml),
        lambda: set_cache_dir("~/cache"),
        lambda: set_cache_dir("~"),
        lambda: load_artifacts(published.toml, cache_dir="~/cache"),
    ):
        with pytest.raises(SettingsError, match="set HOME"):
            use()
    with pytest.raises(SettingsError, match=r"write \./~nobody-of-that-name"):
        set_cache_dir("~nobody-of-that-name/x")
    monkeypatch.setenv("JULIA_DEPOT_PATH", str(homeless / "depot"))
    monkeypatch.setenv("XDG_CACHE_HOME", "~/.cache")
    assert artifact("Demo", published.toml).parents[1] == homeless / "depot"
    settings = Settings.from_environ()
    for folder in (settings.user_cache, settings.user_config):
        with pytest.raises(OSError, match=re.escape(os.devnull)):
            folder.mkdir(parents=True)
    assert {path.name for path in homeless.iterdir()} == {"published", "depot"}


def test_a_home_that_is_no_absolute_path_is_an_error(
    homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(SettingsError, match="found '~'"):
        depots_from_environ()
    assert list(homeless.iterdir()) == []
