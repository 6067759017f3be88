"""A new publishing target is one module and one line, as CONTRIBUTING says."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from fetch_artifacts._api import artifact
from fetch_artifacts.archive.writer import Archive
from fetch_artifacts.authoring import publish
from fetch_artifacts.authoring.binding import BindingOptions
from fetch_artifacts.authoring.targets.target import TargetKind, TargetOptions, Upload
from fetch_artifacts.errors import PublishError
from support.commands import run
from support.published import TREE, TREE_HASH
from support.trees import make_tree


@dataclass(frozen=True, kw_only=True)
class ShelfTarget:
    shelf: Path

    @property
    def name(self) -> str:
        return f"shelf:{self.shelf}"

    def upload(self, archive: Archive) -> Upload:
        self.shelf.mkdir()
        copied = Path(shutil.copy(archive.path, self.shelf))
        return Upload(url=copied.as_uri())


def put_on_shelf(match: re.Match[str], options: TargetOptions) -> ShelfTarget:
    return ShelfTarget(shelf=Path(match[1]))


SHELF = TargetKind(
    syntax="shelf:FOLDER", pattern=re.compile("shelf:(.+)"), make=put_on_shelf
)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    kinds = (*publish.TARGET_KINDS, SHELF)
    monkeypatch.setattr(publish, "TARGET_KINDS", kinds)
    return tmp_path / "shelf"


def test_a_registered_target_is_published_to_by_its_prefix(
    tmp_path: Path, depot: Path, shelf: Path
) -> None:
    source, toml = make_tree(tmp_path / "source", TREE), tmp_path / "Artifacts.toml"
    target = publish.target_for(f"shelf:{shelf}")
    published = publish.publish(source, "Demo", target, BindingOptions(toml=toml))
    [copied] = shelf.iterdir()
    assert published.source.url == copied.as_uri()
    assert artifact("Demo", toml) == depot / "artifacts" / TREE_HASH


def test_a_registered_target_is_named_where_one_is_expected(shelf: Path) -> None:
    with pytest.raises(PublishError, match=r"^shelf: expected dir:PATH, .*shelf:FOLDE"):
        publish.target_for("shelf")


def test_several_targets_give_several_sources_in_one_step(
    tmp_path: Path, depot: Path
) -> None:
    source, toml = make_tree(tmp_path / "source", TREE), tmp_path / "Artifacts.toml"
    folders = [tmp_path / "one", tmp_path / "two"]
    options = []
    for folder in folders:
        options += ["--to", f"dir:{folder}", "--url-base", folder.as_uri()]
    planned = run("publish", source, "Demo", *options, "--dry-run", "--json")
    assert json.loads(planned.stdout)["to"] == [f"dir:{each}" for each in folders]
    done = run("publish", source, "Demo", *options, "--toml", toml)
    assert done.exit_code == 0, done.stderr
    urls = [f"{each.as_uri()}/Demo-{TREE_HASH[:12]}.tar.gz" for each in folders]
    assert re.findall('url = "(.*)"', toml.read_text()) == urls
    assert [url in done.stdout for url in urls] == [True, True]


def test_nothing_is_bound_where_one_of_several_targets_fails(
    tmp_path: Path, depot: Path
) -> None:
    source, toml = make_tree(tmp_path / "source", TREE), tmp_path / "Artifacts.toml"
    (tmp_path / "file").touch()
    targets = publish.targets_for(
        [f"dir:{tmp_path / 'one'}", f"dir:{tmp_path / 'file' / 'two'}"],
        url_bases=[(tmp_path / "one").as_uri(), (tmp_path / "two").as_uri()],
    )
    with pytest.raises(PublishError, match="could not be written"):
        publish.publish(source, "Demo", targets, BindingOptions(toml=toml))
    assert not toml.exists()


@pytest.mark.parametrize("bases", [[], ["https://a", "https://b"]])
def test_each_folder_needs_one_url(bases: list[str]) -> None:
    with pytest.raises(PublishError, match="URL"):
        publish.targets_for(["gist", "dir:x"], url_bases=bases)
