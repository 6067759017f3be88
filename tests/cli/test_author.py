from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetch_artifacts import artifact
from fetch_artifacts.authoring.build import artifact_from_directory
from fetch_artifacts.depot.artifacts import artifact_path
from support.commands import run
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256, tar
from support.trees import make_tree, names

ARCHIVE = f"Demo-{TREE_HASH[:12]}.tar.gz"


def done(*arguments: str | Path) -> str:
    """What a command that succeeds prints."""
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "source", TREE)


@pytest.fixture(autouse=True)
def work(tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


def test_create_archives_into_the_working_directory(work: Path, source: Path) -> None:
    printed = done("create", source)
    assert names(work) == ["source.tar.gz"]
    data = (work / "source.tar.gz").read_bytes()
    assert printed == (
        f"git-tree-sha1  {TREE_HASH}\n"
        f"sha256         {sha256(data)}\n"
        "archive-path   source.tar.gz\n"
        f"size           {len(data)}\n"
    )


def test_create_prints_json_and_goes_by_the_archives_name(
    work: Path, source: Path
) -> None:
    printed = json.loads(done("create", source, "-o", "a.tar.xz", "--json"))
    assert printed["git_tree_sha1"] == TREE_HASH
    assert (work / "a.tar.xz").read_bytes().startswith(b"\xfd7zXZ")
    assert (
        json.loads(done("create", source, "--compression", "none", "--json"))[
            "archive_path"
        ]
        == "source.tar"
    )


def test_create_binds_where_the_archive_will_be(work: Path, source: Path) -> None:
    urls = ("https://a.example.org/x", "https://b.example.org/x")
    options = [option for url in urls for option in ("--url", url)]
    done("create", source, "--bind", "Demo", *options, "--lazy")
    text = (work / "Artifacts.toml").read_text()
    assert all(f'url = "{url}"' in text for url in urls)
    assert f'git-tree-sha1 = "{TREE_HASH}"\nlazy = true\n' in text
    result = run("create", source, "--bind", "Other")
    assert (result.exit_code, "go together" in result.stderr) == (2, True)


def test_add_binds_what_a_url_gives(work: Path, published: Published) -> None:
    printed = done("add", "Demo", published.url)
    assert f"git-tree-sha1  {TREE_HASH}\n" in printed
    assert f"toml           {work / 'Artifacts.toml'}\n" in printed
    assert "lazy" not in (work / "Artifacts.toml").read_text()
    result = run("add", "Demo", published.url)
    assert (result.exit_code, "; --force replaces it" in result.stderr) == (1, True)
    done("add", "Demo", published.url, "--force", "--keep", "--toml", "Artifacts.toml")
    assert done("path", "Demo", "--no-download").endswith(f"{TREE_HASH}\n")


def test_bind_and_unbind_change_the_file_alone(work: Path) -> None:
    printed = json.loads(done("bind", "--json", "Demo", TREE_HASH))
    assert (printed["name"], printed["git_tree_sha1"]) == ("Demo", TREE_HASH)
    done("bind", "Lib", TREE_HASH, "--platform", "x86_64-linux-gnu")
    download = ("--download", "https://example.org/x", "f" * 64)
    done("bind", "Lib", "0" * 40, "--platform", "aarch64-apple-darwin", *download)
    text = (work / "Artifacts.toml").read_text()
    assert (text.count("[[Lib]]"), text.count("[[Lib.download]]")) == (2, 1)
    done("unbind", "Lib", "--platform", "x86_64-linux-gnu")
    done("unbind", "Demo")
    assert 'os = "linux"' not in (work / "Artifacts.toml").read_text()
    result = run("unbind", "Demo")
    assert (result.exit_code, "Demo is not bound" in result.stderr) == (1, True)
    result = run("bind", "Demo", "f" * 64)
    assert (result.exit_code, "expected 40 hex digits" in result.stderr) == (2, True)


def test_archive_takes_a_name_or_a_hash(
    work: Path, source: Path, published: Published
) -> None:
    artifact_from_directory(source)
    by_hash = done("archive", TREE_HASH, "one.tar.gz")
    by_name = done("archive", "Demo", "two.tar.gz", "--toml", published.toml)
    assert by_hash.replace("one", "two") == by_name
    result = run("archive", "Demo", "x.zip", "--toml", published.toml)
    assert (result.exit_code, names(work)) == (2, ["one.tar.gz", "two.tar.gz"])


def test_what_is_damaged_is_not_archived_under_its_hash(
    work: Path, source: Path
) -> None:
    folder = artifact_path(artifact_from_directory(source))
    file = next(path for path in folder.rglob("*") if path.is_file())
    file.chmod(0o644)
    file.write_text("changed")
    result = run("archive", TREE_HASH, "a.tar.gz")
    assert (result.exit_code, result.stdout, names(work)) == (1, "", [])
    assert f"{folder}: damaged: expected {TREE_HASH}, found" in result.stderr


def test_archive_of_what_is_not_installed_fails(published: Published) -> None:
    result = run("archive", TREE_HASH, "a.tar.gz")
    assert (result.exit_code, "install it first" in result.stderr) == (1, True)
    digest = sha256(published.data)
    published.toml.write_text(entry((published.url, digest), tree_hash=digest))
    result = run("archive", "Demo", "a.tar.gz", "--toml", published.toml)
    assert (result.exit_code, "install it first" in result.stderr) == (1, True)


def test_archive_of_what_is_overridden_names_the_command_that_takes_that_back(
    depot: Path, tmp_path: Path
) -> None:
    run("override", TREE_HASH, tmp_path)
    result = run("archive", TREE_HASH, "a.tar.gz")
    line = f"{depot}/artifacts/Overrides.toml:1"
    command = f"fetch-artifacts override --remove {TREE_HASH}"
    assert (result.exit_code, result.stderr) == (
        1,
        (
            f"fetch-artifacts: {TREE_HASH}: overridden by {line}, so its folder is not "
            f"the artifact; take the override back: `{command}`\n"
        ),
    )


def test_publish_archives_uploads_and_binds(
    tmp_path: Path, work: Path, source: Path
) -> None:
    www = tmp_path / "www"
    target = ("--to", f"dir:{www}", "--url-base", www.as_uri())
    printed = done("publish", source, "Demo", *target)
    assert f"url            {www.as_uri()}/{ARCHIVE}\n" in printed
    assert done("path", "Demo").endswith(f"{TREE_HASH}\n")
    assert done("doctor") == ""
    result = run("publish", source, "Other", "--to", "nowhere")
    assert (result.exit_code, "expected dir:PATH" in result.stderr) == (2, True)
    result = run("publish", source, "Other", *target[:2])
    assert (result.exit_code, "expected --url-base" in result.stderr) == (2, True)


def test_doctor_tells_what_is_wrong_and_exits_with_1(
    work: Path, published: Published
) -> None:
    digest = sha256(published.data)
    text = entry((published.url, digest), tree_hash=digest)
    (work / "Artifacts.toml").write_text(text)
    result = run("doctor")
    assert result.exit_code == 1
    assert "Artifacts.toml:Demo.git-tree-sha1: it is the sha256" in result.stdout
    assert "note: " in result.stdout
    assert (work / "Artifacts.toml").read_text() == text
    result = run("doctor", "--json", work / "Artifacts.toml")
    rows = {row["key"]: row for row in json.loads(result.stdout)}
    assert rows["Demo.git-tree-sha1"]["fix"] == TREE_HASH
    assert rows["Demo.download[1].size"]["wrong"] is False


def test_doctor_fixes_what_is_certain_and_shows_the_diff(
    work: Path, published: Published
) -> None:
    digest = sha256(published.data)
    (work / "Artifacts.toml").write_text(
        entry((published.url, digest), tree_hash=digest)
    )
    printed = done("doctor", "--fix")
    assert printed.endswith(
        f' [Demo]\n-git-tree-sha1 = "{digest}"\n+git-tree-sha1 = "{TREE_HASH}"\n'
        f' \n [[Demo.download]]\n url = "{published.url}"\n'
    )
    assert "-git-tree-sha1" not in done("doctor", "--fix")


def test_doctor_still_fails_where_something_could_not_be_fixed(
    work: Path, published: Published
) -> None:
    digest = sha256(published.data)
    dead = (work / "gone").as_uri()
    (work / "Artifacts.toml").write_text(
        entry((dead, digest), (published.url, digest), tree_hash=digest)
    )
    assert run("doctor", "--fix").exit_code == 1
    assert TREE_HASH in (work / "Artifacts.toml").read_text()
    assert run("doctor", "--offline").exit_code == 0


def test_diff_explains_why_two_hashes_differ(
    tmp_path: Path, work: Path, source: Path
) -> None:
    (work / "same.tar").write_bytes(tar(TREE))
    assert done("diff", source, "same.tar") == (
        f"both have the git-tree-sha1 {TREE_HASH}\n"
    )
    other = make_tree(tmp_path / "other", {**TREE, "new": "", "foo3": "other"})
    result = run("diff", source, other)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"{TREE_HASH}  {source}"
    assert [line.partition(":")[0] for line in lines[2:]] == ["foo3", "new"]
    make_tree(tmp_path / "outer" / "data", TREE)
    result = run("diff", source, tmp_path / "outer")
    assert "the second has the other in its folder 'data'" in result.stdout


@pytest.mark.parametrize("keep", [[], ["--keep"]])
def test_add_says_where_the_data_is_and_what_it_bound(
    keep: list[str], tmp_path: Path, work: Path
) -> None:
    outer = make_tree(tmp_path / "outer", {"its_folder/a": "1", "its_folder/b": "2"})
    done("create", outer, "-o", "outer.tar.gz")
    result = run("add", "Data", (work / "outer.tar.gz").as_uri(), *keep)
    assert result.exit_code == 0, result.stderr
    assert "the data is at Data/its_folder\n" in result.stderr
    assert result.stderr.endswith(f"bound Data in {work / 'Artifacts.toml'}\n")
    done("create", outer / "its_folder", "-o", "inner.tar.gz")
    result = run("add", "Inner", (work / "inner.tar.gz").as_uri(), *keep)
    assert "the data is at" not in result.stderr


def test_diff_takes_the_name_of_an_artifact(source: Path, published: Published) -> None:
    toml = published.toml
    assert TREE_HASH in done("diff", source, "Demo", "--toml", toml)
    result = run("diff", source, "Dem0", "--toml", toml)
    assert result.exit_code == 2
    assert "Dem0: expected a folder, an archive, the hash of an" in result.stderr


def test_hash_tree_prints_each_entrys_hash(source: Path) -> None:
    lines = done("hash", "--tree", source).splitlines()
    assert lines[-1] == TREE_HASH
    assert lines[0].startswith("040000 tree ")
    assert lines[0].endswith("\tbar")


def test_single_files_are_packed_published_and_bound_in_one_step(
    tmp_path: Path, depot: Path
) -> None:
    for name in ("a 1.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    urls = [(tmp_path / name).as_uri() for name in ("a 1.csv", "b.csv")]
    toml, web = tmp_path / "Artifacts.toml", tmp_path / "web"
    to = ["--pack", "--to", f"dir:{web}", "--url-base", web.as_uri()]
    result = run("add", "Tables", *urls, *to, "--toml", toml)
    assert result.exit_code == 0, result.stderr
    path = artifact("Tables", toml)
    assert {each.name: each.read_text() for each in path.iterdir()} == {
        "a 1.csv": "a 1.csv",
        "b.csv": "b.csv",
    }


@pytest.mark.parametrize("options", [["--pack"], ["--to", "gist"]])
def test_pack_and_to_go_together(options: list[str], tmp_path: Path) -> None:
    result = run("add", "X", "https://h/a", *options, "--toml", tmp_path / "A.toml")
    assert (result.exit_code, "--pack and --to" in result.stderr) == (2, True)


def test_two_files_of_one_name_are_not_packed(tmp_path: Path, depot: Path) -> None:
    (tmp_path / "a").touch()
    url = (tmp_path / "a").as_uri()
    to = ["--pack", "--to", f"dir:{tmp_path}", "--url-base", tmp_path.as_uri()]
    result = run("add", "X", url, url, *to, "--toml", tmp_path / "A.toml")
    assert (result.exit_code, "a file name of its own" in result.stderr) == (1, True)
