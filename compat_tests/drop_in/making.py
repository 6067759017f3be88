"""Cases of those who make artifacts; each works in an empty folder, its home."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import fetch_artifacts as fa
from compat_tests.drop_in.builders import (
    TREE,
    TREE_HASH,
    archive,
    bound,
    entry,
    make,
    printed,
    publish,
    raised,
    read,
)

URL = "https://example.org/a.tar.gz"


def _source_folder(folder: Path) -> Path:
    return make(folder / "data", TREE)


# compute_sha256 and compute_git_tree_sha1


def sha256_of_a_file(folder: Path) -> object:
    (folder / "file").write_bytes(b"hello world")
    return fa.compute_sha256(folder / "file"), fa.compute_sha256(str(folder / "file"))


def sha256_of_a_missing_file(folder: Path) -> object:
    return raised(fa.compute_sha256, folder / "absent")


def tree_hash_has_40_digits_and_goes_by_content(folder: Path) -> object:
    first = fa.compute_git_tree_sha1(make(folder / "one", TREE))
    again = fa.compute_git_tree_sha1(str(make(folder / "two", TREE)))
    other = fa.compute_git_tree_sha1(make(folder / "three", {"a.txt": "other"}))
    return len(first), first == again, first == other


def tree_hash_is_gits(folder: Path) -> object:
    return fa.compute_git_tree_sha1(_source_folder(folder)) == TREE_HASH


def tree_hash_sees_what_a_gitignore_names(folder: Path) -> object:
    one = make(folder / "one", {".gitignore": "*.log\n", "a.log": "1"})
    two = make(folder / "two", {".gitignore": "*.log\n", "a.log": "2"})
    return fa.compute_git_tree_sha1(one) != fa.compute_git_tree_sha1(two)


def tree_hash_of_a_missing_folder(folder: Path) -> object:
    return raised(fa.compute_git_tree_sha1, folder / "absent") != ""


# create_artifact


def create_tells_the_hashes_and_the_path(folder: Path) -> object:
    out = folder / "out.tar.xz"
    created = fa.create_artifact(_source_folder(folder), out, "xz")
    return (
        created["sha256"] == fa.compute_sha256(out),
        created["git_tree_sha1"] == fa.compute_git_tree_sha1(folder / "data"),
        created["archive_path"] == str(out),
    )


def create_compresses_as_asked(folder: Path) -> object:
    source = _source_folder(folder)
    fa.create_artifact(source, folder / "a.tar.xz", compression="xz")
    fa.create_artifact(source, folder / "a.tar.gz", compression="gz")
    fa.create_artifact(source, folder / "a.tar.bz2", compression="bz2")
    fa.create_artifact(source, folder / "a.tar", compression=None)
    heads = [path.read_bytes()[:2] for path in sorted(folder.glob("a.tar*"))]
    return [head.hex() for head in heads[1:]], tarfile.is_tarfile(folder / "a.tar")


def create_for_a_name_without_a_compression(folder: Path) -> object:
    fa.create_artifact(_source_folder(folder), folder / "out.tar.gz")
    return (folder / "out.tar.gz").read_bytes()[:2].hex()


def create_without_a_name(folder: Path) -> object:
    created = fa.create_artifact(make(folder / "drop-in-case", TREE))
    path = Path(created["archive_path"])
    path.unlink()
    return path.name


def create_with_an_unknown_compression(folder: Path) -> object:
    unknown: Any = "rar"
    return raised(fa.create_artifact, _source_folder(folder), None, unknown)


def create_of_no_folder(folder: Path) -> object:
    (folder / "file").touch()
    file = raised(fa.create_artifact, folder / "file")
    return file, raised(fa.create_artifact, folder / "absent")


def create_puts_the_contents_at_the_top(folder: Path) -> object:
    out = folder / "out.tar.gz"
    fa.create_artifact(_source_folder(folder), out, "gz")
    with tarfile.open(out) as tar:
        return "a.txt" in [name.removeprefix("./") for name in tar.getnames()]


def create_makes_the_same_of_the_same(folder: Path) -> object:
    found = set()
    for time, out in ((1, "one"), (10_000, "two")):
        source = _source_folder(folder)
        os.utime(source / "a.txt", (time, time))
        found.add(fa.create_artifact(source, folder / f"{out}.tar.gz", "gz")["sha256"])
    return len(found) == 1


def create_bind_and_use(folder: Path) -> object:
    created = fa.create_artifact(_source_folder(folder), folder / "out.tar.gz", "gz")
    url = Path(created["archive_path"]).as_uri()
    toml = folder / "Artifacts.toml"
    fa.bind_artifact(toml, "Data", created["git_tree_sha1"], url, created["sha256"])
    path = fa.artifact("Data", toml)
    return (path / "sub/b.txt").read_text()


# bind_artifact, unbind_artifact, add_download_source


def bind_writes_an_entry(folder: Path) -> object:
    toml = folder / "new" / "Artifacts.toml"
    nothing: object = fa.bind_artifact(toml, "Data", "1" * 40, URL, "2" * 64)  # type: ignore[func-returns-value]
    fa.bind_artifact(
        toml_path=str(toml),
        name="Eager",
        git_tree_sha1="3" * 40,
        download_url=URL,
        sha256="4" * 64,
        lazy=False,
    )
    return nothing, read(toml)


def bind_what_is_bound(folder: Path) -> object:
    toml = bound(folder, entry("1" * 40))
    refused = raised(fa.bind_artifact, toml, "Data", "3" * 40, URL, "2" * 64)
    fa.bind_artifact(toml, "Data", "3" * 40, URL, "2" * 64, force=True)
    return refused, read(toml)


def bind_leaves_comments_and_other_entries(folder: Path) -> object:
    toml = bound(folder, "# Ours\n\n" + entry("1" * 40, more='doi = "10"  # DOI'))
    fa.bind_artifact(toml, "Other", "3" * 40, URL, "2" * 64)
    text = toml.read_text()
    return "# Ours" in text, "# DOI" in text, sorted(read(toml))


def bind_what_is_no_hash(folder: Path) -> object:
    toml = folder / "Artifacts.toml"
    return raised(fa.bind_artifact, toml, "Data", "no hash", URL, "no hash")


def bind_in_a_file_that_is_not_toml(folder: Path) -> object:
    toml = bound(folder, "not TOML")
    return raised(fa.bind_artifact, toml, "Data", "1" * 40, URL, "2" * 64)


def unbind_tells_whether_there_was_one(folder: Path) -> object:
    toml = bound(folder, "# Ours\n" + entry("1" * 40) + entry("2" * 40, name="B"))
    absent = fa.unbind_artifact(folder / "absent.toml", "Data")
    found = fa.unbind_artifact(toml, "Data"), fa.unbind_artifact(str(toml), name="Data")
    return absent, found, read(toml), "# Ours" in toml.read_text()


def add_a_source(folder: Path) -> object:
    toml = bound(folder)
    other = archive(folder / "b.tar.gz")
    fa.add_download_source(toml, "Data", other.url, other.sha256)
    urls = [each["url"] for each in read(toml)["Data"]["download"]]
    return [url.rpartition("/")[2] for url in urls]


def add_a_source_to_nothing(folder: Path) -> object:
    absent, toml = folder / "absent.toml", bound(folder)
    return (
        raised(fa.add_download_source, absent, "Data", URL, "2" * 64),
        raised(fa.add_download_source, toml, "Other", URL, "2" * 64),
    )


def add_a_source_that_is_not_there(folder: Path) -> object:
    gone = (folder / "gone.tar.gz").as_uri()
    return raised(fa.add_download_source, bound(folder), "Data", gone, "2" * 64)


# query_artifact_info and add_artifact


def query_tells_the_sha256(folder: Path) -> object:
    source = archive(folder / "a.tar.gz")
    info = fa.query_artifact_info(source.url, compute_tree_hash=False)
    right = info["url"] == source.url, info["sha256"] == source.sha256
    return right, "git_tree_sha1" in info


def query_tells_the_tree_hash(folder: Path) -> object:
    info = fa.query_artifact_info(archive(folder / "a.tar.gz").url)
    return len(info["git_tree_sha1"]), info["git_tree_sha1"] == TREE_HASH


def query_of_what_is_no_archive(folder: Path) -> object:
    return raised(fa.query_artifact_info, publish(folder / "file", b"text").url)


def query_of_what_is_not_there(folder: Path) -> object:
    return raised(fa.query_artifact_info, (folder / "absent").as_uri())


def query_prints(folder: Path) -> object:
    return printed(fa.query_artifact_info, archive(folder / "a.tar.gz").url)


def add_binds_what_it_finds_and_tells_it(folder: Path) -> object:
    source, toml = archive(folder / "a.tar.gz"), folder / "Artifacts.toml"
    added = fa.add_artifact(
        toml_path=toml, name="Data", tarball_url=source.url, lazy=True, verbose=False
    )
    data = read(toml)["Data"]
    return (
        (added["url"], added["sha256"]) == (source.url, source.sha256),
        added["git_tree_sha1"] == data["git-tree-sha1"],
        data["lazy"],
        data["download"][0]["sha256"] == source.sha256,
        (fa.artifact("Data", toml) / "a.txt").read_text(),
    )


def add_what_is_bound(folder: Path) -> object:
    toml, source = bound(folder), archive(folder / "b.tar.gz", {"b": "b", "c": "c"})
    refused = raised(fa.add_artifact, toml, "Data", source.url, verbose=False)
    fa.add_artifact(toml, "Data", source.url, force=True, verbose=False)
    return refused, read(toml)["Data"]["download"][0]["sha256"] == source.sha256


def add_what_is_not_there(folder: Path) -> object:
    gone, toml = (folder / "gone.tar.gz").as_uri(), folder / "Artifacts.toml"
    return raised(fa.add_artifact, toml, "Data", gone, verbose=False), toml.exists()


def add_what_is_no_archive(folder: Path) -> object:
    source, toml = publish(folder / "file", b"text"), folder / "Artifacts.toml"
    return raised(fa.add_artifact, toml, "Data", source.url, verbose=False)


def add_prints(folder: Path) -> object:
    url, toml = archive(folder / "a.tar.gz").url, folder / "Artifacts.toml"
    quiet = printed(fa.add_artifact, toml, "Quiet", url, verbose=False)
    return quiet, printed(fa.add_artifact, toml, "Loud", url)
