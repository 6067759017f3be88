"""Cases of those who use artifacts; each works in an empty folder, its home."""

from __future__ import annotations

import os
from pathlib import Path

import fetch_artifacts as fa
from compat_tests.drop_in.builders import (
    TREE,
    TREE_HASH,
    Archive,
    archive,
    bound,
    entry,
    listing,
    printed,
    raised,
)

# get_cache_dir and set_cache_dir. The first case runs before a folder is chosen.


def cache_dir_without_a_choice(folder: Path) -> object:
    return fa.get_cache_dir().relative_to(folder).as_posix()


def cache_dir_that_was_chosen(folder: Path) -> object:
    fa.set_cache_dir(folder / "mine")
    chosen = fa.get_cache_dir() == folder / "mine"
    fa.set_cache_dir(path=str(folder / "text"))
    return chosen, fa.get_cache_dir() == folder / "text"


def cache_dir_is_made_when_it_is_chosen(folder: Path) -> object:
    fa.set_cache_dir(folder / "mine")
    return (folder / "mine").exists()


def cache_dir_is_where_artifacts_go(folder: Path) -> object:
    fa.set_cache_dir(folder / "mine")
    return fa.artifact("Data", bound(folder)) == folder / "mine" / TREE_HASH


# artifact


def artifact_gives_a_path_to_the_contents(folder: Path) -> object:
    path = fa.artifact("Data", bound(folder))
    return isinstance(path, Path), (path / "sub/b.txt").read_text()


def artifact_takes_a_text_as_path_and_keywords(folder: Path) -> object:
    path = fa.artifact(name="Data", toml_path=str(bound(folder)), verbose=False)
    return (path / "a.txt").read_text()


def artifact_installs_once(folder: Path) -> object:
    toml = bound(folder)
    path = fa.artifact("Data", toml)
    (folder / "a.tar.gz").unlink()
    return fa.artifact("Data", toml) == path


def artifact_in_the_working_directory(folder: Path) -> object:
    bound(folder)
    return fa.artifact("Data").name


def artifact_in_julias_own_file_in_the_working_directory(folder: Path) -> object:
    bound(folder, name="JuliaArtifacts.toml")
    return fa.artifact("Data").name


def artifact_in_a_folder_above(folder: Path) -> object:
    bound(folder)
    (folder / "sub").mkdir()
    os.chdir(folder / "sub")
    return raised(fa.artifact, "Data")


def artifact_without_any_file(folder: Path) -> object:
    return raised(fa.artifact, "Data")


def artifact_of_a_missing_file(folder: Path) -> object:
    return raised(fa.artifact, "Data", folder / "absent.toml")


def artifact_of_a_folder(folder: Path) -> object:
    bound(folder)
    return raised(fa.artifact, "Data", folder)


def artifact_of_an_unknown_name(folder: Path) -> object:
    return raised(fa.artifact, "Other", bound(folder))


def artifact_of_a_file_that_is_not_toml(folder: Path) -> object:
    return raised(fa.artifact, "Data", bound(folder, "not TOML"))


def artifact_of_which_every_source_fails(folder: Path) -> object:
    gone = Archive((folder / "gone.tar.gz").as_uri(), "0" * 64)
    return raised(fa.artifact, "Data", bound(folder, entry("1" * 40, gone, gone)))


def artifact_without_a_source(folder: Path) -> object:
    return raised(fa.artifact, "Data", bound(folder, entry("1" * 40)))


def artifact_from_the_second_source(folder: Path) -> object:
    gone = Archive((folder / "gone.tar.gz").as_uri(), "0" * 64)
    there = archive(folder / "a.tar.gz")
    return fa.artifact("Data", bound(folder, entry(TREE_HASH, gone, there))).name


def artifact_with_a_wrong_sha256(folder: Path) -> object:
    wrong = Archive(archive(folder / "a.tar.gz").url, "0" * 64)
    return raised(fa.artifact, "Data", bound(folder, entry(TREE_HASH, wrong)))


def artifact_with_a_sha256_in_capitals(folder: Path) -> object:
    source = archive(folder / "a.tar.gz")
    loud = Archive(source.url, source.sha256.upper())
    return fa.artifact("Data", bound(folder, entry(TREE_HASH, loud))).name


def artifact_without_a_sha256(folder: Path) -> object:
    text = entry(TREE_HASH, archive(folder / "a.tar.gz"))
    without = text[: text.rindex("sha256")]
    return raised(fa.artifact, "Data", bound(folder, without))


def artifact_with_a_wrong_tree_hash(folder: Path) -> object:
    text = entry("1" * 40, archive(folder / "a.tar.gz"))
    return raised(fa.artifact, "Data", bound(folder, text))


def artifact_with_the_sha256_as_tree_hash(folder: Path) -> object:
    source = archive(folder / "a.tar.gz")
    path = fa.artifact("Data", bound(folder, entry(source.sha256, source)))
    return (path / "a.txt").read_text()


def folder_of_an_artifact_with_the_sha256_as_tree_hash(folder: Path) -> object:
    source = archive(folder / "a.tar.gz")
    path = fa.artifact("Data", bound(folder, entry(source.sha256, source)))
    return path.name == source.sha256, path.name == TREE_HASH


def artifact_in_an_archive_without_an_ending(folder: Path) -> object:
    source = archive(folder / "content")
    return fa.artifact("Data", bound(folder, entry(TREE_HASH, source))).name


def artifact_holds_what_the_archive_holds(folder: Path) -> object:
    return listing(fa.artifact("Data", bound(folder)))


def artifact_with_a_link(folder: Path) -> object:
    # `ln -s a.txt link`, git write-tree
    tree = {"a.txt": "hello\n", "link": "-> a.txt"}
    source = archive(folder / "a.tar.gz", tree)
    text = entry("37592a1430d875ab3aadc2b84a13c071e675ba16", source)
    return "link ->" in listing(fa.artifact("Data", bound(folder, text)))


def artifact_with_one_folder_at_the_top(folder: Path) -> object:
    tree = {f"top/{name}": text for name, text in TREE.items()}
    source = archive(folder / "a.tar.gz", tree)
    text = entry("ebb3f0a4fb750343c65887607de37d624d37ce05", source)
    path = fa.artifact("Data", bound(folder, text))
    return (path / "a.txt").exists(), (path / "top/a.txt").exists()


def artifact_with_one_folder_at_the_top_and_the_sha256_as_tree_hash(
    folder: Path,
) -> object:
    tree = {f"top/{name}": text for name, text in TREE.items()}
    source = archive(folder / "a.tar.gz", tree)
    toml = bound(folder, entry(source.sha256, source))
    paths = fa.artifact("Data", toml), fa.load_artifacts(toml).get_path("Data")
    return [(path / "sub/b.txt").exists() for path in paths]


def artifact_for_several_platforms(folder: Path) -> object:
    windows = archive(folder / "windows.tar.gz", {"windows": ""})
    linux = archive(folder / "linux.tar.gz")
    text = entry("1" * 40, windows, more='os = "windows"\narch = "x86_64"')
    text += entry(TREE_HASH, linux, more='os = "linux"\narch = "x86_64"')
    toml = bound(folder, text.replace("[Data]", "[[Data]]"))
    return fa.load_artifacts(toml).artifacts["Data"].os


def artifact_prints(folder: Path) -> object:
    return printed(fa.artifact, "Data", bound(folder))


def artifact_prints_when_verbose(folder: Path) -> object:
    return printed(fa.artifact, "Data", bound(folder), True)


# artifact_exists


def artifact_exists_before_and_after(folder: Path) -> object:
    toml = bound(folder)
    before = fa.artifact_exists("Data", toml)
    fa.artifact("Data", toml)
    return before, fa.artifact_exists("Data", toml_path=str(toml))


def artifact_exists_with_an_unknown_name(folder: Path) -> object:
    return fa.artifact_exists("Other", bound(folder))


def artifact_exists_without_a_file(folder: Path) -> object:
    return raised(fa.artifact_exists, "Data")


# load_artifacts and ArtifactManager


def manager_lists_names_in_their_order(folder: Path) -> object:
    text = entry("2" * 40, name="Z") + entry("1" * 40, name="A")
    manager = fa.load_artifacts(bound(folder, text))
    return list(manager.artifacts.keys()), "Z" in manager, "B" in manager


def manager_tells_what_an_entry_says(folder: Path) -> object:
    source = Archive("https://example.org/a.tar.gz", "ab" * 32)
    text = entry("1" * 40, source, more='lazy = true\ndoi = "10"\n[Data.more]\na = 1')
    data = fa.load_artifacts(bound(folder, text)).artifacts["Data"]
    found = [(each.url, each.sha256) for each in data.downloads]
    return data.name, data.git_tree_sha1, data.lazy, data.metadata, found, data.os


def manager_of_an_entry_that_is_not_said_to_be_lazy(folder: Path) -> object:
    return fa.load_artifacts(bound(folder)).artifacts["Data"].lazy


def manager_gives_paths(folder: Path) -> object:
    manager = fa.load_artifacts(bound(folder))
    path = manager["Data"]
    again = manager.get_path("Data"), manager.get_path("Data", download=False)
    return (path, path) == again, path.name


def manager_of_what_is_not_installed(folder: Path) -> object:
    manager = fa.load_artifacts(bound(folder))
    exists = manager.exists("Data")
    return exists, raised(manager.get_path, "Data", download=False)


def manager_of_an_unknown_name(folder: Path) -> object:
    manager = fa.load_artifacts(bound(folder))
    manager.clear("Other")
    return manager.exists("Other"), raised(manager.get_path, "Other")


def manager_clears_one_or_all(folder: Path) -> object:
    manager = fa.load_artifacts(bound(folder))
    found = []
    for name in ("Data", None):
        manager.get_path("Data")
        manager.clear(name)
        found.append(manager.exists("Data"))
    return found


def manager_in_a_folder_of_its_own(folder: Path) -> object:
    manager = fa.ArtifactManager(bound(folder), str(folder / "mine"))
    return manager.cache_dir == folder / "mine", manager["Data"].parent.name


def manager_makes_its_folder(folder: Path) -> object:
    fa.ArtifactManager(bound(folder), folder / "mine/deep")
    return (folder / "mine/deep").is_dir()


def folder_of_load_artifacts_counts_for_the_file(folder: Path) -> object:
    toml, mine = bound(folder), folder / "mine"
    fa.load_artifacts(toml, cache_dir=mine)
    path = fa.artifact("Data", toml)
    found = [
        fa.artifact_exists("Data", toml),
        fa.load_artifacts(toml).cache_dir == mine,
    ]
    fa.clear_artifact_cache("Data", toml)
    return path.parent == mine, *found, fa.artifact_exists("Data", toml)


def folder_of_a_manager_counts_for_it_alone(folder: Path) -> object:
    toml, mine = bound(folder), folder / "mine"
    fa.ArtifactManager(toml, mine)
    return fa.artifact("Data", toml).parent == mine, fa.get_cache_dir() == mine


def manager_in_another_folder_than_before(folder: Path) -> object:
    toml = bound(folder)
    fa.load_artifacts(toml, cache_dir=folder / "one")
    return fa.load_artifacts(toml, cache_dir=folder / "two").cache_dir.name


def manager_of_a_file_that_changed(folder: Path) -> object:
    toml = bound(folder)
    fa.load_artifacts(toml)
    toml.write_text(entry("1" * 40, name="New"))
    return list(fa.load_artifacts(toml).artifacts)


def manager_knows_its_file(folder: Path) -> object:
    toml = bound(folder)
    manager = fa.load_artifacts(verbose=True)
    return manager.toml_path == toml, manager.verbose


def manager_of_a_relative_path(folder: Path) -> object:
    bound(folder)
    return fa.ArtifactManager("Artifacts.toml").toml_path.is_absolute()


def manager_of_a_missing_file(folder: Path) -> object:
    absent = folder / "absent.toml"
    return raised(fa.load_artifacts, absent), raised(fa.ArtifactManager, absent)


def manager_is_the_same_for_the_same_file(folder: Path) -> object:
    toml = bound(folder)
    return fa.load_artifacts(toml) == fa.load_artifacts(str(toml))


# get_artifacts_toml


def toml_in_the_working_directory(folder: Path) -> object:
    nothing, toml = fa.get_artifacts_toml(), bound(folder)
    return nothing, fa.get_artifacts_toml() == toml


def toml_that_is_given(folder: Path) -> object:
    toml = bound(folder, name="Odd.toml")
    return fa.get_artifacts_toml(toml) == toml


def toml_that_is_given_and_missing(folder: Path) -> object:
    toml = bound(folder)
    return fa.get_artifacts_toml(folder / "absent.toml") == toml


def toml_of_two(folder: Path) -> object:
    bound(folder)
    bound(folder, name="JuliaArtifacts.toml")
    found = fa.get_artifacts_toml()
    return found and found.name


def toml_in_a_folder_that_is_given(folder: Path) -> object:
    bound(folder)
    found = fa.get_artifacts_toml(folder)
    return found and found.name


# clear_artifact_cache


def clear_one_or_all(folder: Path) -> object:
    toml = bound(folder)
    found = []
    for arguments in (("Data", toml), (None, str(toml)), ()):
        fa.artifact("Data", toml)
        fa.clear_artifact_cache(*arguments)
        found.append(fa.artifact_exists("Data", toml))
    return found


def clear_without_a_file(folder: Path) -> object:
    return raised(fa.clear_artifact_cache)
