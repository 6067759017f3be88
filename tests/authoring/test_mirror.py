"""Static mirrors: what is put there, verified, counted, and taken out again."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import pickle
import random
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.archive.tree import read_archive_file
from fetch_artifacts.authoring.mirrors.check import check
from fetch_artifacts.authoring.mirrors.mirror import fill
from fetch_artifacts.authoring.mirrors.selection import entries_by_tree
from fetch_artifacts.authoring.mirrors.store import FolderStore, StoreError, store_at
from fetch_artifacts.network import partial_file
from support.commands import run
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256, tar
from support.servers import File, answer, serving
from support.trees import Tree, make_tree, names

OTHER: Tree = {"other": "tree"}
TRIPLET = "aarch64-linux-gnu"


def read_noise(data: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        noise = archive.extractfile("noise")
        assert noise
        return noise.read().decode()


def tree_hash(folder: Path) -> str:
    return run("hash", folder).stdout.split()[0]


@pytest.fixture
def published(tmp_path: Path, depot: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def other(tmp_path: Path, depot: Path) -> Published:
    """Another tree, with an Artifacts.toml of its own."""
    made = publish(tmp_path / "other", gzip.compress(tar(OTHER)))
    hash_ = tree_hash(make_tree(tmp_path / "other tree", OTHER))
    made.toml.write_text(made.toml.read_text().replace(TREE_HASH, hash_))
    return made


def test_a_mirror_holds_the_original_bytes_and_is_a_server_without_registries(
    published: Published, mirror: Path
) -> None:
    done = run("mirror", mirror, published.toml)
    assert (done.exit_code, done.stdout) == (0, f"added\t{TREE_HASH}\tDemo\n")
    assert names(mirror) == ["artifact", "meta", "registries"]
    assert names(mirror / "artifact") == [TREE_HASH]
    assert (mirror / "artifact" / TREE_HASH).read_bytes() == published.data
    assert (mirror / "registries").read_bytes() == b""


@pytest.mark.parametrize("packed", [bz2.compress(tar(TREE)), tar(TREE)])
def test_what_julia_can_t_have_from_a_server_is_packed_with_gzip(
    packed: bytes, tmp_path: Path, depot: Path, mirror: Path
) -> None:
    published = publish(tmp_path / "published", packed)
    assert run("mirror", mirror, published.toml).exit_code == 0
    archive = read_archive_file(mirror / "artifact" / TREE_HASH)
    assert (archive.kind, str(archive.tree_hash)) == ("gz", TREE_HASH)
    assert names(mirror) == ["artifact", "meta", "registries"]


def test_what_is_there_is_not_downloaded_again(
    published: Published, mirror: Path
) -> None:
    assert "mirror: 1 added\n" in run("mirror", mirror, published.toml).stderr
    published.archive.unlink()
    done = run("mirror", mirror, published.toml)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.endswith("mirror: 0 added, 1 there already\n")


def test_wrong_bytes_never_get_into_a_mirror(
    published: Published, other: Published, mirror: Path
) -> None:
    published.archive.write_bytes(other.data)
    done = run("mirror", mirror, published.toml, other.toml)
    assert done.exit_code == 1
    assert TREE_HASH not in done.stdout
    # The other one is there all the same.
    assert len(names(mirror / "artifact")) == 1
    assert TREE_HASH not in names(mirror / "artifact")


def test_a_tree_that_no_source_gives_is_packed_from_a_depot(
    published: Published, mirror: Path
) -> None:
    artifact("Demo", published.toml)
    published.archive.unlink()
    assert run("mirror", mirror, published.toml).exit_code == 0
    archive = read_archive_file(mirror / "artifact" / TREE_HASH)
    assert (archive.kind, str(archive.tree_hash)) == ("gz", TREE_HASH)


def test_a_damaged_tree_of_a_depot_does_not_get_into_a_mirror(
    published: Published, mirror: Path
) -> None:
    path = artifact("Demo", published.toml) / "foo3"
    published.archive.unlink()
    path.chmod(0o644)
    path.write_text("damaged")
    done = run("mirror", mirror, published.toml)
    assert done.exit_code == 1
    assert f"expected the tree {TREE_HASH}" in done.stderr
    assert not (mirror / "artifact").exists()


def test_a_broken_download_is_continued_the_next_time(
    mirror: Path, tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_file, "_HEAD_SECONDS", 0)  # each link counts as slow
    data = gzip.compress(random.Random(1).randbytes(200_000))
    data = gzip.compress(tar({"noise": data.hex()}))
    hash_ = tree_hash(make_tree(tmp_path / "tree", {"noise": read_noise(data)}))
    toml = tmp_path / "Artifacts.toml"
    cut = File(data, cuts=[131072], headers={"ETag": '"x"'})
    with serving(cut, answer(404)) as first:
        toml.write_text(entry((first.url(), sha256(data)), tree_hash=hash_))
        assert run("mirror", mirror, toml).exit_code == 1
    with serving(File(data, headers={"ETag": '"x"'})) as second:
        toml.write_text(entry((second.url(), sha256(data)), tree_hash=hash_))
        assert run("mirror", mirror, toml).exit_code == 0
    assert (mirror / "artifact" / hash_).read_bytes() == data
    assert [each.headers["range"] for each in second.requests] == ["bytes=131072-"]
    assert names(mirror) == ["artifact", "meta", "registries"]


def test_what_a_killed_command_left_is_gone_once_nothing_is_missing(
    published: Published, mirror: Path
) -> None:
    left = mirror / ".fetch-artifacts" / "part"
    make_tree(left.parent, {"part": "x"})
    published.archive.rename(published.archive.with_name("away"))
    assert run("mirror", mirror, published.toml).exit_code == 1
    assert left.is_file()
    published.archive.with_name("away").rename(published.archive)
    assert run("mirror", mirror, published.toml).exit_code == 0
    assert names(mirror) == ["artifact", "meta", "registries"]


def test_several_may_fill_one_mirror_at_once(
    published: Published, tmp_path: Path
) -> None:
    entries = entries_by_tree([published.toml], None)
    with ThreadPoolExecutor(4) as pool:
        for mirror in (tmp_path / "1", tmp_path / "2", tmp_path / "3"):
            store = store_at(str(mirror))
            done = [pool.submit(fill, store, entries) for _ in range(4)]
            assert sorted(len(each.result()) for each in done) == [0, 0, 0, 1]
            assert names(mirror) == ["artifact", "meta", "registries"]


def test_entries_are_chosen_by_platform(
    published: Published, other: Published, mirror: Path
) -> None:
    other_hash = other.toml.read_text().split('"')[1]
    source = 'download = [{{url = "{}", sha256 = "{}"}}]\n'
    both = published.toml.parent / "Both.toml"
    both.write_text(
        f'[[Demo]]\narch = "x86_64"\nos = "windows"\ngit-tree-sha1 = "{TREE_HASH}"\n'
        + source.format(published.url, sha256(published.data))
        + f'[[Demo]]\narch = "aarch64"\nos = "linux"\nlibc = "glibc"\n'
        f'git-tree-sha1 = "{other_hash}"\nlazy = true\n'
        + source.format(other.url, sha256(other.data))
    )
    run("mirror", mirror, both, "--platform", TRIPLET)
    assert names(mirror / "artifact") == [other_hash]
    run("mirror", mirror, both, "--platform", "all")
    assert names(mirror / "artifact") == sorted([other_hash, TREE_HASH])


def test_check_names_what_is_damaged_and_what_is_missing(
    published: Published, other: Published, mirror: Path
) -> None:
    run("mirror", mirror, published.toml)
    assert run("mirror", "--check", mirror, published.toml).exit_code == 0
    (mirror / "artifact" / TREE_HASH).write_bytes(other.data)
    (mirror / "artifact" / "notes.txt").write_text("?")
    (mirror / "meta").unlink()
    done = run("mirror", "--check", mirror, other.toml)
    other_hash = other.toml.read_text().split('"')[1]
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"artifact/{TREE_HASH}: holds the tree {other_hash}",
        "artifact/notes.txt: expected a git-tree-sha1 as its name",
        f"artifact/{other_hash}: missing",
        "meta: missing",
    ]
    told = "delete what is damaged there, and run mirror without --check\n"
    assert done.stderr.endswith(told)
    for name in (TREE_HASH, "notes.txt"):
        (mirror / "artifact" / name).unlink()
    run("mirror", mirror, published.toml, other.toml)
    assert run("mirror", "--check", mirror, published.toml, other.toml).exit_code == 0


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


class Unreadable(FolderStore):
    """A mirror whose files can't be read, as in a bucket."""

    def chunks(self, name: str) -> Iterator[bytes]:
        raise StoreError("s3://user:secret@bucket", f"could not be read: no {name[:9]}")


def test_check_gives_a_fault_without_the_place_of_the_mirror(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / TREE_HASH).touch()
    fault = check(Unreadable(folder=tmp_path)).faults[0]
    assert str(fault) == f"artifact/{TREE_HASH}: could not be read: no artifact/"
    error = StoreError("s3://user:secret@bucket", "full")
    assert str(pickle.loads(pickle.dumps(error))) == "s3://bucket: full"


@pytest.mark.parametrize(
    ("put", "what"),
    [
        (make_fifo, "expected a regular file, found a FIFO"),
        (Path.mkdir, "expected a regular file, found a folder"),
        (lambda path: path.symlink_to("gone"), "No such file or directory"),
        (
            lambda path: path.symlink_to("/dev/zero"),
            "expected a regular file, found a character device",
        ),
    ],
)
def test_check_waits_for_nothing_that_is_no_file(
    put: Callable[[Path], None], what: str, published: Published, mirror: Path
) -> None:
    assert run("mirror", mirror, published.toml).exit_code == 0
    put(mirror / "artifact" / ("0" * 40))
    done = run("mirror", "--check", mirror)
    assert done.exit_code == 1
    assert done.stdout == f"artifact/{'0' * 40}: could not be read: {what}\n"
    assert "2 read, 1 fault found" in done.stderr
    (mirror / "meta").unlink()
    make_fifo(mirror / "meta")
    done = run("mirror", mirror, published.toml)
    assert (done.exit_code, "found a FIFO" in done.stderr) == (1, True)


def test_what_a_link_leads_to_is_not_deleted(
    published: Published, mirror: Path, tmp_path: Path
) -> None:
    assert run("mirror", mirror, published.toml).exit_code == 0
    link = mirror / "artifact" / ("0" * 40)
    link.symlink_to(published.archive)
    done = run("mirror", "--check", mirror)
    assert f"{'0' * 40}: holds the tree {TREE_HASH}" in done.stdout
    done = run("mirror", "--prune", mirror, published.toml)
    assert done.stdout == f"deleted\t{'0' * 40}\n"
    assert published.archive.is_file()


def test_a_mirror_is_a_folder(published: Published) -> None:
    for arguments in (["--check"], []):
        done = run("mirror", *arguments, published.archive, published.toml)
        assert done.exit_code == 2
        assert f"{published.archive}: expected a folder, found a file" in done.stderr


def test_prune_deletes_what_no_file_names(
    published: Published, other: Published, mirror: Path
) -> None:
    run("mirror", mirror, published.toml, other.toml)
    done = run("mirror", "--prune", mirror, other.toml)
    assert (done.exit_code, done.stdout) == (0, f"deleted\t{TREE_HASH}\n")
    assert len(names(mirror / "artifact")) == 1


def test_an_entry_with_the_hash_of_an_archive_is_refused(
    published: Published, mirror: Path
) -> None:
    text = published.toml.read_text().replace(TREE_HASH, sha256(published.data))
    published.toml.write_text(text)
    done = run("mirror", mirror, published.toml)
    assert done.exit_code == 1
    assert "doctor --fix" in done.stderr


def test_what_is_deleted_must_be_said_and_what_is_added_may_be_found(
    published: Published, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("mirror", mirror)
    assert (done.exit_code, "no Artifacts.toml in" in done.stderr) == (1, True)
    monkeypatch.chdir(published.toml.parent)
    assert run("mirror", mirror).stdout == f"added\t{TREE_HASH}\tDemo\n"
    done = run("mirror", mirror, "--prune")
    assert (done.exit_code, "expected FILE or --toml" in done.stderr) == (2, True)
    done = run("mirror", mirror, "--prune", "--toml", published.toml)
    assert (done.exit_code, done.stdout) == (0, "")


def test_json_tells_what_was_done(
    published: Published, other: Published, mirror: Path
) -> None:
    def facts(*arguments: str | Path) -> dict[str, object]:
        printed = json.loads(run("mirror", "--json", mirror, *arguments).stdout)
        assert printed.pop("mirror") == str(mirror)
        return dict(printed)

    text = published.toml.read_text()
    published.toml.write_text(text + text.replace("Demo", "Again"))
    added = [{"git_tree_sha1": TREE_HASH, "names": ["Demo", "Again"]}]
    assert facts(published.toml) == {"added": added, "there_already": 0}
    assert facts("--check") == {"archives": 1, "faults": []}
    (mirror / "meta").unlink()
    faults = [{"file": "meta", "what": "missing"}]
    assert facts("--check") == {"archives": 1, "faults": faults}
    assert facts("--prune", other.toml)["deleted"] == [TREE_HASH]


def test_a_web_server_takes_no_files(published: Published) -> None:
    done = run("mirror", "https://host/mirror", published.toml)
    assert (done.exit_code, "a web server takes no files" in done.stderr) == (2, True)
