"""Depots that users or machines share, as the page on clusters lays them out."""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import sys
from importlib import import_module
from pathlib import Path

import pytest

from fetch_artifacts import artifact, install_artifacts, tree_hash
from support.published import TREE_HASH, Published, publish, tar
from support.trees import as_nobody, make_tree

# Root's Python may be out of reach for the user whom a test goes on as.
codecs.lookup("ascii")
import_module("fetch_artifacts.install.installer")

unix = pytest.mark.skipif(
    sys.platform == "win32", reason="NO SHARED DEPOTS: they need modes of Unix"
)


def share(monkeypatch: pytest.MonkeyPatch, *depots: Path) -> None:
    monkeypatch.setenv("JULIA_DEPOT_PATH", os.pathsep.join(map(str, depots)))


def other(folder: Path) -> Published:
    """An artifact of another tree than `publish` makes."""
    data = gzip.compress(tar({"other": "tree"}))
    published = publish(folder, data)
    found = tree_hash(make_tree(folder / "tree", {"other": "tree"}))
    text = published.toml.read_text().replace(TREE_HASH, str(found))
    published.toml.write_text(
        text.replace("[Demo]", "[Other]").replace("Demo.", "Other.")
    )
    return published


@unix
def test_a_read_only_site_depot_behind_the_users_saves_the_download(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with as_nobody() as folder:
        site, user = folder / "site", folder / "user"
        share(monkeypatch, site)
        demo = publish(folder / "demo")
        install_artifacts(demo.toml)
        for path in (site / "artifacts", site / "logs", site):
            path.chmod(0o555)
        demo.archive.unlink()  # whoever would download it would be told
        share(monkeypatch, user, site)
        assert artifact("Demo", demo.toml) == site / "artifacts" / TREE_HASH
        assert not (user / "artifacts").exists()
        # Julia's gc of the user knows what the user uses.
        log = (user / "logs" / "artifact_usage.toml").read_text()
        assert str(demo.toml) in log
        # What the site lacks goes to the user.
        found = artifact("Other", other(folder / "other").toml)
        assert found.parent == user / "artifacts"
        for path in (site / "artifacts", site / "logs", site):
            path.chmod(0o755)  # for who cleans up


@unix
def test_a_read_only_depot_alone_serves_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with as_nobody() as folder:
        site = folder / "site"
        share(monkeypatch, site)
        demo = publish(folder / "demo")
        install_artifacts(demo.toml)
        folders = (site / "artifacts", site / "logs", site)
        for path in folders:
            path.chmod(0o555)
        assert install_artifacts(demo.toml) == {"Demo": site / "artifacts" / TREE_HASH}
        for path in folders:
            path.chmod(0o755)


@unix
def test_in_a_depot_of_a_group_all_is_the_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = tmp_path / "depot"
    (depot / "artifacts").mkdir(parents=True)
    for path in (depot, depot / "artifacts"):
        path.chmod(0o2775)
    share(monkeypatch, depot)
    before = os.umask(0o002)
    try:
        path = artifact("Demo", publish(tmp_path / "demo").toml)
    finally:
        os.umask(before)
    for folder in (path, path / "bar", depot / "logs"):
        mode = folder.stat().st_mode
        assert mode & stat.S_ISGID, folder
        assert mode & stat.S_IWGRP, folder
    assert stat.S_IMODE((path / "foo3").stat().st_mode) == 0o444
