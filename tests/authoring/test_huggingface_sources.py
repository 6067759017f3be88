"""Downloads from hf:// by Hugging Face's client, from a stand-in of the site."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.errors import DownloadError, InstallError
from fetch_artifacts.network.fetcher import HttpFetcher
from fetch_artifacts.network.session import ServerLimits
from fetch_artifacts.settings.environment import Settings
from support.commands import run
from support.hub import Hub
from support.published import TREE_HASH, Published, entry, publish, sha256

constants = pytest.importorskip(
    "huggingface_hub.constants",
    reason="NOTHING WAS READ FROM hf://: needs huggingface_hub",
)
fsspec = pytest.importorskip("fsspec", reason="NOTHING WAS READ FROM hf://: needs it")
DATA_SET = "hf://datasets/me/data"
ADDRESS = f"{DATA_SET}/demo.tar.gz"


@pytest.fixture
def published(
    hub: Hub, tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Published]:
    """An archive in the data set, bound by its address."""
    # The client reads HF_ENDPOINT but once, when it is imported.
    monkeypatch.setitem(fsspec.config.conf, "hf", {"endpoint": hub.address})
    published = publish(tmp_path / "published")
    hub.files["demo.tar.gz"] = published.data
    published.archive.unlink()
    published.toml.write_text(entry((ADDRESS, sha256(published.data))))
    yield published
    fsspec.get_filesystem_class("hf").clear_instance_cache()


def test_a_source_may_be_in_a_data_set(
    hub: Hub, published: Published, depot: Path
) -> None:
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    assert "Bearer hf_secret" in hub.tokens
    missing = ("hf://datasets/me/data/missing", sha256(published.data))
    published.toml.write_text(entry(missing, tree_hash="0" * 40))
    with pytest.raises(InstallError, match="there is no such file"):
        artifact("Demo", published.toml)


def test_the_commands_take_such_a_source(
    published: Published, depot: Path, tmp_path: Path
) -> None:
    done = run("install", "--toml", published.toml)
    assert done.exit_code == 0, done.stderr
    assert (depot / "artifacts" / TREE_HASH / "foo3").is_file()
    done = run("check", published.toml)
    assert done.exit_code == 1
    assert "Python downloads from hf:// with fsspec, Julia can't" in done.stdout
    assert "Demo" in done.stdout
    done = run("mirror", tmp_path / "mirror", published.toml)
    assert done.exit_code == 0, done.stderr
    mirrored = tmp_path / "mirror" / "artifact" / TREE_HASH
    assert mirrored.read_bytes() == published.data


def test_other_bytes_are_refused(hub: Hub, published: Published, depot: Path) -> None:
    hub.files["demo.tar.gz"] = published.data[:-1] + b"x"
    with pytest.raises(InstallError, match="sha256"):
        artifact("Demo", published.toml)
    assert not (depot / "artifacts" / TREE_HASH).exists()


def test_what_the_site_refuses_is_said_without_the_token(
    hub: Hub, published: Published
) -> None:
    hub.status = 403
    with pytest.raises(InstallError, match="check the credentials") as raised:
        artifact("Demo", published.toml)
    assert "hf_secret" not in str(raised.value)


@pytest.mark.parametrize("part", ["api", "resolve"])
def test_a_site_that_says_nothing_is_not_waited_for(
    part: str, hub: Hub, published: Published
) -> None:
    hub.stops, hub.stops_at = threading.Event(), part
    fetcher = HttpFetcher(
        Settings.from_environ(), limits=ServerLimits(answer_timeout=0.5)
    )
    with pytest.raises(DownloadError, match=r"^hf:.*: nothing came for 0\.5 s; try"):
        fetcher.read(ADDRESS, {})
    hub.stops.set()


@pytest.mark.parametrize("mirror", [DATA_SET, f"{DATA_SET}/folder"])
def test_a_data_set_may_be_a_mirror_that_is_asked_first_and_filled(
    mirror: str,
    hub: Hub,
    published: Published,
    depot: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", mirror)
    address = f"{mirror}/artifact/{TREE_HASH}"
    done = run("install", "--toml", published.toml, "--push", "--verbose")
    assert done.exit_code == 0, done.stderr
    assert f"Demo: {address}: there is no such file" in done.stderr
    assert f"added {address}" in done.stderr
    del hub.files["demo.tar.gz"]
    shutil.rmtree(depot)
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH
    again = run("install", "--toml", published.toml, "--push")
    assert "the mirrors already have it" in again.stderr


def test_a_mirror_in_a_data_set_is_written_checked_and_pruned(
    hub: Hub, published: Published, tmp_path: Path
) -> None:
    mirror = f"{DATA_SET}/folder"
    done = run("mirror", mirror, published.toml)
    assert (done.exit_code, done.stdout) == (0, f"added\t{TREE_HASH}\tDemo\n")
    assert hub.files[f"folder/artifact/{TREE_HASH}"] == published.data
    assert run("mirror", "--check", mirror, published.toml).exit_code == 0
    (tmp_path / "Artifacts.toml").touch()
    done = run("mirror", "--prune", mirror, tmp_path / "Artifacts.toml")
    assert done.stdout == f"deleted\t{TREE_HASH}\n"
    assert sorted(hub.files) == ["demo.tar.gz", "folder/meta", "folder/registries"]


# At a 503 the client tries again for 20 s.
@pytest.mark.parametrize(
    ("status", "why"), [(403, "check the credentials"), (404, "make it first")]
)
def test_a_data_set_that_takes_nothing_is_named_with_what_to_do(
    status: int,
    why: str,
    hub: Hub,
    published: Published,
    depot: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", DATA_SET)
    hub.status, hub.refused = status, "preupload"
    done = run("install", "--toml", published.toml, "--push")
    assert done.exit_code == 1
    assert f"{DATA_SET}: could not be written: " in done.stderr
    assert why in done.stderr
    assert "hf_secret" not in done.stderr
    assert (depot / "artifacts" / TREE_HASH).is_dir()
