"""Paths and other values that are not what a command expects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.commands import run
from support.published import TREE_HASH
from support.trees import make_tree, names

CREATE = ("create", "served", "-o")
BUNDLE = ("bundle",)


def test_a_folder_stands_for_the_artifacts_toml_in_it(
    depot: Path, toml: Path, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    toml.rename(tmp_path / "below" / "Artifacts.toml")
    for arguments in (["path", "Demo", "--toml", "below"], ["check", "below"]):
        assert run(*arguments).exit_code == 0
    bound = run("--toml", "below", "bind", "Other", TREE_HASH)
    assert bound.stderr.endswith(f"in {tmp_path}/below/Artifacts.toml\n")


def test_a_folder_without_an_artifacts_toml_is_told_and_gets_one(
    toml: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    result = run("list", "--toml", "empty")
    assert result.exit_code == 2
    said = "empty: expected an Artifacts.toml, found a folder without one"
    assert said in result.stderr
    checked = run("check", "empty")
    assert checked.exit_code == 1  # it tells what is wrong with each FILE
    assert "empty/Artifacts.toml: there is no such file" in checked.stdout
    assert run("bind", "Other", TREE_HASH, "--toml", "empty").exit_code == 0
    assert (tmp_path / "empty" / "Artifacts.toml").is_file()


@pytest.mark.usefixtures("depot", "toml")
@pytest.mark.parametrize(
    "arguments",
    [
        "hash absent",
        "create absent",
        "publish absent X --to dir:out --url-base https://example.org/",
        "diff absent absent",
        "override Demo absent",
        "doctor absent",
        "conform absent",
        "cache-key absent",
        "mirror out absent",
        "bundle out.tar absent",
        "bundle out.tar --manifest absent",
        "bundle absent/out.tar",
        "archive Demo absent/out.tar",
        "install --from absent",
        "install --from Artifacts.toml absent",
        "path Demo --toml absent",
        "unbind Demo --toml absent",
        "check --toml absent",
    ],
)
def test_a_path_that_is_not_there_is_wrong_usage(arguments: str) -> None:
    result = run(*arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "absent" in result.stderr.splitlines()[-1]


def test_the_help_names_the_exit_codes() -> None:
    codes = run("--help").stdout.split("Exit codes:")[1].split()
    assert {"0", "1", "2", "3", "130", "143"} <= {each.strip(":;") for each in codes}


def test_a_file_where_a_folder_should_be_is_told(toml: Path) -> None:
    result = run("bind", "Other", TREE_HASH, "--toml", toml / "x")
    assert f"{toml}/x: expected a folder above it, found something" in result.stderr


@pytest.mark.parametrize("command", [CREATE, ("archive", "Demo"), BUNDLE])
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("gone/x.tar", "gone/x.tar: there is no folder gone; make it first"),
        ("Artifacts.toml/x.tar", "x.tar: expected a folder, found something else: Art"),
        ("", "expected a path, found an empty one"),
        ("served", "'served' is a directory"),
    ],
)
def test_an_output_needs_a_folder(
    toml: Path, command: tuple[str, ...], output: str, said: str
) -> None:
    result = run(*command, output, *([toml] if command == BUNDLE else []))
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_output_needs_a_folder_that_can_be_written(
    toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: mode == os.R_OK)
    result = run(*CREATE, "x.tar")
    assert "x.tar: the folder . can't be written to" in result.stderr
    assert not (tmp_path / "x.tar").exists()


def test_a_depot_that_can_not_be_written_is_named_by_its_option(toml: Path) -> None:
    result = run("install", "--depot", toml / "depot")
    assert f"{toml}/depot: can't write to this depot: {toml} is not a folder" in (
        result.stderr
    )
    assert "[Errno" not in result.stderr
    elsewhere = run("install", "--depot", "/proc/none")
    if Path("/proc/self").is_dir():
        assert "; name a folder that you can write with --depot" in elsewhere.stderr
    assert "expected a path, found an empty one" in run("list", "--depot", "").stderr


def test_a_path_in_place_of_a_url_is_told_with_its_url(
    toml: Path, tmp_path: Path
) -> None:
    (tmp_path / "d.tar.gz").write_bytes(b"")
    result = run("add", "Other", "d.tar.gz")
    assert result.exit_code == 2
    assert f"the path d.tar.gz; {tmp_path.as_uri()}/d.tar.gz is its" in result.stderr


def test_what_is_no_url_base_is_told_before_anything_is_uploaded(
    toml: Path, tmp_path: Path
) -> None:
    result = run("publish", "served", "X", "--to", "dir:out", "--url-base", "banana")
    assert "expected --url-base to be a URL such as https://host" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder_to_override_with_and_no_depot(
    toml: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    result = run("override", "Demo", "file")
    assert "expected a folder, found something else" in result.stderr
    result = run("override", "Demo", str(tmp_path), "--depot", "file/x")
    assert "file is not a folder; remove it" in result.stderr


def test_a_mirror_that_is_not_there_is_told(toml: Path) -> None:
    result = run("mirror", "--check", "missing")
    assert result.exit_code == 1
    assert "missing: expected a mirror, found none" in result.stderr


def test_doctor_tells_once_that_a_file_is_no_toml(toml: Path) -> None:
    toml.write_text("a = = 1", "utf-8")
    result = run("doctor")
    assert result.exit_code == 1
    assert "expected TOML" in result.stdout
    assert result.stderr == f"fetch-artifacts: {toml}: 1 wrong\n"


@pytest.mark.usefixtures("depot")
def test_a_beginner_is_told_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Project.toml").touch()  # nothing above is looked at
    assert run("list").stderr.endswith(
        "or make one with `fetch-artifacts add` or `publish`\n"
    )
    data = make_tree(tmp_path / "data", {"f": "1"})
    assert "as dir:PATH, an fsspec" in run("publish", data, "Data").stderr
    assert "`fetch-artifacts hash FOLDER` prints it" in run("bind", "Data", "x").stderr
    bound = run("bind", "Data", TREE_HASH)
    assert "note: Data: no download is bound" in bound.stderr
    monkeypatch.setenv("JULIA_PKG_SERVER", "https://pkg.example.invalid")
    failed = run("path", "Data", "--offline").stderr.splitlines()
    assert failed[-1] == "  The Artifacts.toml names no download of it; add one."
    package = tmp_path / "src/data"
    package.mkdir(parents=True)
    (tmp_path / "Artifacts.toml").rename(package / "Artifacts.toml")
    assert (
        "; there is src/data/Artifacts.toml: name it with --toml" in run("list").stderr
    )


@pytest.mark.usefixtures("depot", "toml")
@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (
            ["publish", ".", "X", "--to", "dir:o", "--url-base", "x:y", "--final"],
            "--final",
        ),
        (["add", "X", "https://example.org/x", "--url-base", "x:y"], "--url-base"),
        (["verify", "--jobs", "2"], "--jobs"),
        (["override", "--remove", "Demo", "--force"], "--force"),
        (["create", ".", "--lazy"], "--lazy"),
        (["doctor", "Artifacts.toml", "--toml", "Artifacts.toml"], "--toml"),
        (["mirror", "--check", "m", "--platform", "all"], "--platform"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    arguments: list[str], option: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"{option} has no use" in result.stderr


PUBLISH = "publish served X --url-base https://host/"
HASH = "0" * 40


@pytest.mark.usefixtures("depot", "toml")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("publish served X --to bad", "'--to': bad: expected dir:PATH"),
        ("publish served X --to dir:out", "'--to': dir:out: expected --url-base, the"),
        (f"{PUBLISH} --to gist", "'--to': https://host/: expected a folder or a buc"),
        (f"{PUBLISH} --to file://host/x", "--to': file://host/x: expected a file here"),
        (
            "publish served X --to zenodo --final",
            "be published; name one with --creator",
        ),
        (f"{PUBLISH.replace('X', '=')} --to dir:out", "'NAME': expected a name, found"),
        ("add X https://h/x --pack --to bad", "'--to': bad: expected dir:PATH"),
        ("add = https://host/x", "'NAME': expected a name, found ''"),
        ("add X =", "'URL...': expected a URL of http, https, ftp or file, found ''"),
        ("add X absent", "expected a URL of http, https, ftp or file, found 'absent'"),
        ("add X doi:1", "expected a URL of http, https, ftp or file, found 'doi:1'"),
        ("add X file:x.tar", "expected the whole path of a file, as file:///folder/fi"),
        ("add X ftp:", "expected a URL with a host, found 'ftp:'"),
        ("bind X 123", "'TREE_HASH': git-tree-sha1: expected 40 hex digits, found 3"),
        (f"bind = {HASH}", "'NAME': expected a name, found ''"),
        (f"bind X {HASH} --download u:p@h {HASH}", "expected a URL of http, https,"),
        (f"bind X {HASH} --download https://h/ 1", "sha256: expected 64 hex digits, f"),
        ("create served --bind X --url no", "'--url': expected a URL of http, https,"),
        ("create served --bind = --url https://h/", "'--bind': expected a name, found"),
        ("create served -o x.rar", "'--output': x.rar: expected a name that fits a co"),
        ("create served -o served/x.tar", "'--output': served/x.tar: expected a file"),
        ("archive Demo x.zip", "'OUTPUT': x.zip: expected a name that fits a compres"),
        ("archive Demo x.gz --compression xz", "'OUTPUT': x.gz: expected a name that"),
        ("mirror =", "'DIR|URL': expected a folder or a URL, found ''"),
        ("mirror file://host/x", "'DIR|URL': file://host/x: expected a file on this"),
        ("mirror broken", "'DIR|URL': broken: expected a folder, found a broken link;"),
        (f"{PUBLISH} --to dir:broken", "dir:broken: expected a folder, found a broken"),
        (
            "archive Demo x/",
            "'OUTPUT': x: expected the name of a file, found that of a",
        ),
        ("override --list Demo", "expected NAME and PATH, or --remove NAME, or --list"),
        (
            "--platform = list",
            "Invalid value for '--platform': platform '': expected a",
        ),
        (
            "bundle x.tar --platform all --platform bogus",
            "'--platform': platform 'bogus'",
        ),
        ("diff served =", "'SECOND': expected a folder, an archive, a hash or a name,"),
        ("path Demo/../x", "'NAME': path inside an artifact: expected one that does"),
        ("demo --keep served", "'--keep': served: expected an empty or a new folder,"),
        ("conform --junitxml absent/x", "'--junitxml': absent/x: there is no folder"),
        ("conform --platform bogus", "'--platform': platform 'bogus': expected a tr"),
        ("conform --timeout 0", "'--timeout': expected a number, 1 or more, at most"),
        ("gc --collect-delay x", "expected a number, 0 or more, at most 100,000, fou"),
        ("gc --collect-delay nan", "'--collect-delay': expected a number, 0 or more,"),
        ("install --jobs 0", "'--jobs': expected a whole number, 1 or more, found '0'"),
        ("verify --all --jobs 1.5", "expected a whole number, 1 or more, found '1.5'"),
        ("override Demo served --uuid x", "'--uuid': 'x' is not a valid UUID."),
    ],
)
def test_a_value_that_can_not_be_right_is_wrong_usage(
    tmp_path: Path, arguments: str, said: str
) -> None:
    Path("broken").symlink_to("gone")
    before = names(tmp_path)
    result = run(*("" if each == "=" else each for each in arguments.split()))
    assert said in " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert names(tmp_path) == before
