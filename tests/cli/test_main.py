from __future__ import annotations

import errno
import gc
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fetch_artifacts import __version__
from support.archives import file, pax
from support.commands import run, run_on
from support.published import TREE, TREE_HASH, publish, tar
from support.trees import Tree, make_tree


@pytest.mark.usefixtures("toml")
def test_path_prints_the_path_and_nothing_else(depot: Path) -> None:
    result = run("path", "Demo")
    assert result.stdout == f"{depot}/artifacts/{TREE_HASH}\n"
    assert (result.stderr, result.exit_code) == ("", 0)
    assert run("path", "Demo/foo3").stdout.endswith(f"{TREE_HASH}/foo3\n")
    missing = run("path", "Demo/foo4")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "found none; did you mean 'foo3'?" in missing.stderr
    built = run("path", "Demo/foo4", "--no-check")
    assert built.stdout.endswith(f"{TREE_HASH}/foo4\n")


@pytest.mark.usefixtures("toml")
def test_path_installs_nothing_when_told_so(depot: Path) -> None:
    result = run("path", "--no-download", "Demo")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith("fetch-artifacts: Demo: ")
    assert "--no-download forbids" in result.stderr
    assert not depot.exists()


@pytest.mark.usefixtures("depot", "toml")
def test_an_error_is_told_on_stderr_with_exit_code_1() -> None:
    result = run("path", "Dmeo")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "did you mean 'Demo'?" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["path"], ["frobnicate"], ["list", "--platform", "vax-ultrix"]]
)
def test_wrong_usage_has_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_no_artifacts_toml_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("list")
    assert result.exit_code == 1
    assert f"no Artifacts.toml in {tmp_path}" in result.stderr


@pytest.mark.usefixtures("toml")
def test_install_into_a_named_depot_looks_into_no_other(
    depot: Path, tmp_path: Path
) -> None:
    assert run("install").exit_code == 0  # the administrator has it already
    site = tmp_path / "site"
    result = run("install", "--depot", site)
    assert result.stdout == f"Demo\t{site}/artifacts/{TREE_HASH}\n"
    assert (site / "artifacts" / TREE_HASH / "foo3").read_text() == "baz!"
    assert (site / "logs" / "artifact_usage.toml").is_file()  # for Pkg.gc()
    assert run("path", "Demo").stdout == f"{depot}/artifacts/{TREE_HASH}\n"


@pytest.mark.usefixtures("toml")
def test_install_prints_names_and_paths_and_tells_of_it_on_stderr(depot: Path) -> None:
    result = run("install")
    assert result.stdout == f"Demo\t{depot}/artifacts/{TREE_HASH}\n"
    assert "Demo: installed" in result.stderr
    assert run("install", "Demo", "--jobs", "2").exit_code == 0


def test_list_tells_what_is_installed(depot: Path, toml: Path) -> None:
    assert f"{TREE_HASH}  not installed" in run("list").stdout
    run("install")
    assert f"{TREE_HASH}  installed" in run("list").stdout
    [row] = json.loads(run("list", "--json", "--toml", toml).stdout)
    assert row.pop("size") > 0
    assert row == {
        "name": "Demo",
        "git_tree_sha1": TREE_HASH,
        "platform": None,
        "lazy": False,
        "state": "installed",
        "overridden": None,
        "path": f"{depot}/artifacts/{TREE_HASH}",
    }


def test_verify_tells_intact_damaged_and_missing_apart(depot: Path, toml: Path) -> None:
    assert run("verify").exit_code == 0
    result = run("verify", "Demo")
    assert (result.stdout, result.exit_code) == ("Demo: not installed\n", 1)
    run("install")
    result = run("verify")
    assert (result.stdout, result.exit_code) == ("Demo: verified\n", 0)
    file = depot / "artifacts" / TREE_HASH / "foo3"
    file.chmod(0o644)
    file.write_text("changed")
    result = run("verify")
    assert result.exit_code == 1
    assert f"expected {TREE_HASH}, found " in result.stdout
    assert run("remove", "Demo").exit_code == 0
    run("install")
    assert run("verify").exit_code == 0


def test_hash_gives_the_same_for_a_folder_and_its_archives(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "tree", TREE)
    plain = tmp_path / "tree.tar"
    plain.write_bytes(tar(TREE))
    packed = publish(tmp_path / "served").archive
    for path in (folder, plain, packed):
        result = run("hash", path)
        assert (result.stdout, result.exit_code) == (f"{TREE_HASH}\n", 0)


def test_hash_leaves_out_what_pkg_leaves_out_in_archives_too(tmp_path: Path) -> None:
    tree: Tree = {"f": "1", "sub/.git/c": "x", "empty": None}
    folder = make_tree(tmp_path / "tree", tree)
    archive = tmp_path / "tree.tar"
    archive.write_bytes(tar(tree))
    # Pkg.jl GitTools.jl:200-343, run on Julia 1.5.3
    expected = "66f9f6f2e17236f7f914d955c6df75f14ed0c933\n"
    assert run("hash", folder).stdout == run("hash", archive).stdout == expected


def test_hash_warns_of_a_sparse_file(tmp_path: Path) -> None:
    archive = tmp_path / "m.tar"
    archive.write_bytes(pax((b"GNU.sparse.size", b"3")) + file(b"m", b"abc"))
    result = run("hash", archive)
    assert len(result.stdout) == 41
    assert "warning" in result.stderr
    assert "'m': a sparse file in GNU's pax format" in result.stderr


def test_hash_of_something_else_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an archive")
    result = run("hash", tmp_path / "notes.txt")
    assert result.exit_code == 1
    assert "not an archive" in result.stderr


def test_platform_prints_the_triplet_and_where_its_tags_are_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-musl-libgfortran5")
    result = run("platform")
    assert result.stdout.splitlines()[0] == "x86_64-linux-musl-libgfortran5"
    assert "FETCH_ARTIFACTS_PLATFORM" in result.stdout
    facts = json.loads(run("platform", "--json").stdout)
    assert facts["triplet"] == "x86_64-linux-musl-libgfortran5"
    assert facts["tags"]["libc"]["value"] == "musl"


def test_check_tells_each_fault_with_its_key(toml: Path) -> None:
    result = run("check")
    assert (result.stdout, result.exit_code) == ("", 0)
    text = toml.read_text()
    toml.write_text(text.replace(TREE_HASH, TREE_HASH[:-1]))
    result = run("check", toml)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{toml}:Demo.git-tree-sha1: ")
    [row] = json.loads(run("check", toml, "--json").stdout)
    assert (row["file"], row["key"]) == (str(toml), "Demo.git-tree-sha1")


def test_check_tells_what_it_found_though_another_file_is_missing(toml: Path) -> None:
    toml.write_text("Demo = 3")
    result = run("check", toml, "gone.toml")
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{toml}:Demo: expected a table")
    assert second == "gone.toml: there is no such file: name a file that can be read"
    rows = json.loads(run("check", "gone.toml", toml, "--json").stdout)
    assert [row["key"] for row in rows] == ["", "Demo"]


@pytest.mark.usefixtures("toml")
def test_override_sends_a_name_elsewhere_and_back(depot: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert run("override", "Demo", "mine").exit_code == 0
    assert run("path", "Demo").stdout == f"{tmp_path}/mine\n"
    overrides = depot / "artifacts/Overrides.toml"
    assert overrides.read_text() == f'{TREE_HASH} = "{tmp_path}/mine"\n'
    listed = run("override", "--list").stdout
    assert listed == f"{overrides}: {TREE_HASH} -> '{tmp_path}/mine'\n"
    assert run("override", "--remove", TREE_HASH).exit_code == 0
    assert run("path", "Demo").stdout == f"{depot}/artifacts/{TREE_HASH}\n"
    assert run("override", "--remove", "Demo").exit_code == 1


@pytest.mark.usefixtures("toml")
def test_list_tells_of_overrides(depot: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    run("override", "Demo", "mine")
    overrides = depot / "artifacts/Overrides.toml"
    state = f"{TREE_HASH}  overridden to {tmp_path}/mine"
    assert f"{state} by {overrides}:1\n" in run("list").stdout
    facts = {
        "to": f"{tmp_path}/mine",
        "by": f"{overrides}:1",
        "take_back": f"fetch-artifacts override --remove {TREE_HASH}",
    }
    assert json.loads(run("list", "--json").stdout)[0]["overridden"] == facts
    path = json.loads(run("path", "Demo", "--json").stdout)
    assert (path["path"], path["overridden"]) == (facts["to"], facts)
    assert "Julia trusts it unread" in run("verify").stdout
    assert run("verify", "Demo").exit_code == 0
    checked = run("check")
    assert f"note: {path['toml']}:Demo: overridden to" in checked.stdout
    assert checked.exit_code == 0
    (tmp_path / "mine").rmdir()
    result = run("list")
    assert result.exit_code == 0
    missing = (
        f"{state} by {overrides}:1, but there is no such folder: `{facts['take_back']}`"
    )
    assert missing in result.stdout
    result = run("path", "Demo")
    assert f"{overrides}:1" in result.stderr
    assert f"`fetch-artifacts override --remove {TREE_HASH}`" in result.stderr
    overrides.write_text(f'# a comment\n{TREE_HASH} = "{TREE_HASH}"\n')
    result = run("list")
    assert result.exit_code == 1
    assert f"  wrong: {overrides}:2: expected overrides that end" in result.stdout


def test_an_override_to_a_missing_folder_needs_force(
    toml: Path, depot: Path, tmp_path: Path
) -> None:
    result = run("override", "Demo", "missing")
    assert result.exit_code == 2
    assert f"{tmp_path}/missing: expected a folder" in result.stderr
    assert not (depot / "artifacts").exists()
    assert run("override", "Demo", "missing", "--force").exit_code == 0
    assert "missing" in (depot / "artifacts/Overrides.toml").read_text()
    assert toml.is_file()


def test_on_a_terminal_list_is_a_table(
    toml: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("NO_COLOR", "1")
    others = f"[Here]\nlazy = true\ngit-tree-sha1 = '{'1' * 40}'\n"
    for system in ("linux", "windows"):
        others += f"[[There]]\ngit-tree-sha1 = '{'2' * 40}'\n"
        others += f"os = '{system}'\narch = 'x86_64'\n"
    toml.write_text(toml.read_text() + others + "[Bad]\ngit-tree-sha1 = '12345'\n")
    assert run("install", "Demo").exit_code == 0
    result = run("list", "--platform", "x86_64-w64-mingw32", terminal=True)
    assert result.exit_code == 1
    titles, demo, here, there, bad = result.stdout.splitlines()
    assert titles.split() == ["NAME", "HASH", "FOR", "SIZE", "STATE"]
    assert demo.split()[:3] == ["Demo", TREE_HASH[:7], "any"]
    assert demo.split()[-2] == "in"
    assert demo.endswith(f"{depot.name}/artifacts")
    assert here.split() == ["Here", "1111111", "any,", "lazy", "not", "installed"]
    assert there.split()[:3] == ["There", "2222222", "x86_64-w64-mingw32"]
    assert "wrong: Bad.git-tree-sha1: expected 40 hex digits" in bad


def test_list_lists_the_others_beside_a_bad_entry(toml: Path) -> None:
    text = "[Bad]\ngit-tree-sha1 = '12345'\n[[Worse]]\nos = 3\n"
    toml.write_text(toml.read_text() + text)
    result = run("list")
    assert result.exit_code == 1
    _, demo, bad, worse = result.stdout.splitlines()
    assert demo.split() == ["Demo", TREE_HASH, "not", "installed"]
    fault = "wrong: Bad.git-tree-sha1: expected 40 hex digits, found 5: '12345'"
    assert bad.endswith(f"  {fault}")
    assert worse.endswith("  wrong: Worse[1].os: expected a string, found 3")
    rows = json.loads(run("list", "--json").stdout)
    assert (rows[1]["name"], rows[1]["state"]) == ("Bad", fault)
    assert rows[1]["git_tree_sha1"] is None
    verified = run("verify")
    assert verified.exit_code == 1
    assert f"Bad: {fault}" in verified.stdout


def test_list_warns_of_a_hook_as_path_does(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-gnu")
    make_tree(toml.parent, {".pkg/select_artifacts.jl": ""})
    assert run("list").stderr == ""
    tags = "[[Demo]]\nos = 'linux'\narch = 'x86_64'\n"
    toml.write_text(toml.read_text().replace("[Demo]\n", tags, 1))
    assert "in Julia this script chooses" in run("list").stderr
    assert run("list", "--platform", "x86_64-linux-gnu").stderr == ""


def test_override_of_what_a_julia_package_binds_counts_for_its_file_alone(
    toml: Path, depot: Path, tmp_path: Path
) -> None:
    uuid = "d8e3a1f0-1111-4222-8333-444455556666"
    (tmp_path / "mine").mkdir()
    assert run("override", "--uuid", uuid, "Demo", "mine").exit_code == 0
    assert run("path", "Demo").stdout == f"{depot}/artifacts/{TREE_HASH}\n"
    (toml.parent / "Project.toml").write_text(f'uuid = "{uuid.upper()}"\n')
    assert run("path", "Demo").stdout == f"{tmp_path}/mine\n"
    assert f"{tmp_path}/mine" in run("list", "--json").stdout
    assert run("override", "--uuid", uuid, "--remove", "Demo").exit_code == 0
    assert run("path", "Demo").stdout == f"{depot}/artifacts/{TREE_HASH}\n"


def test_override_leaves_a_file_alone_that_it_does_not_understand(depot: Path) -> None:
    uuid = "d8e3a1f0-1111-4222-8333-444455556666"
    text = f'{uuid} = "/x"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    for arguments in (["Demo", "mine", "--force"], ["--remove", "Demo"]):
        result = run("override", "--uuid", uuid, *arguments)
        assert result.exit_code == 1
        assert "expected a table of names, found '/x'" in result.stderr
    assert (depot / "artifacts/Overrides.toml").read_text() == text


@pytest.mark.usefixtures("toml", "depot")
@pytest.mark.parametrize(
    "arguments", [[], ["Demo"], ["--remove", "Demo", "x"], ["--uuid", "x", "a", "b"]]
)
def test_override_without_its_arguments_is_wrong_usage(arguments: list[str]) -> None:
    assert run("override", *arguments).exit_code == 2


def test_version_and_help() -> None:
    assert run("--version").stdout == f"fetch-artifacts, version {__version__}\n"
    text = run("--help").stdout
    for command in ("demo", "hash", "install", "list", "path", "verify"):
        assert f"  {command} " in text


class Full(io.StringIO):
    """A stream to a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list", "-h"], ["list"]]
)
@pytest.mark.usefixtures("toml")
def test_what_can_not_be_printed_is_no_traceback(arguments: list[str]) -> None:
    result = run_on(Full(), io.StringIO(), arguments)
    assert result.exit_code == 1
    assert result.stderr == "fetch-artifacts: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that is in use")
@pytest.mark.parametrize("arguments", [["list"], ["create", "."], ["cache-key"]])
def test_a_working_directory_that_was_deleted_is_told(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the working directory is no longer there; change to" in result.stderr


def test_the_module_runs_as_the_command() -> None:
    command = [sys.executable, "-m", "fetch_artifacts", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fetch-artifacts, version ")


COLLECTS = """
import atexit, gc, sys
from fetch_artifacts.cli import main
before = gc.get_threshold()[0]
frozen = gc.get_freeze_count()
atexit.register(
    lambda: print(before, gc.get_threshold()[0], gc.get_freeze_count() > frozen)
)
main({arguments})
"""


@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="only CPython has such a collector"
)
def test_only_a_process_of_the_command_alone_looks_for_garbage_less_often() -> None:
    def printed(arguments: str) -> str:
        code = COLLECTS.format(arguments=arguments)
        command = [sys.executable, "-c", code, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    usual = gc.get_threshold()[0]
    assert printed("") == f"{usual} 20000 True"
    assert printed("['--version']") == f"{usual} {usual} False"


HOOK = """
import Pkg
print("[Demo]\\n", read(joinpath(@__DIR__, "..", "chosen.toml"), String))
"""


def with_hook(toml: Path) -> None:
    """Bind Demo for one odd platform, and let a hook choose it all the same."""
    text = toml.read_text()
    (toml.parent / ".pkg").mkdir()
    (toml.parent / ".pkg/select_artifacts.jl").write_text(HOOK)
    (toml.parent / "chosen.toml").write_text(text.partition("\n")[2])
    head = '[[Demo]]\nos = "linux"\narch = "x86_64"\ncuda = "99.0"\n'
    toml.write_text(text.replace("[Demo]\n", head, 1))


@pytest.mark.usefixtures("depot")
def test_a_hook_is_named_with_the_ways_out(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "x86_64-linux-gnu")
    with_hook(toml)
    result = run("path", "Demo")
    assert result.exit_code == 0
    assert "select_artifacts.jl" in result.stderr
    assert "--julia" in result.stderr
    platform = "x86_64-linux-gnu-cuda+99.0"
    assert "select_artifacts" not in run("path", "Demo", "--platform", platform).stderr


def test_a_julia_runs_the_hook_when_told_to(
    depot: Path, toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hook(toml)
    # Stands in for Julia: the live one runs a hook in the comparisons.
    julia = tmp_path / "julia"
    julia.write_text(f"#!/bin/sh\necho '[Demo]'\ncat {toml.parent}/chosen.toml\n")
    julia.chmod(0o755)
    monkeypatch.setenv("JULIA", str(julia))
    monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "aarch64-apple-darwin")
    assert run("install", "Demo").exit_code == 1
    result = run("install", "--julia")
    assert result.stdout == f"Demo\t{depot}/artifacts/{TREE_HASH}\n"
    (toml.parent / ".pkg/select_artifacts.jl").unlink()
    result = run("path", "--julia", "Demo")
    assert result.exit_code == 1
    assert "found none" in result.stderr


@pytest.mark.usefixtures("depot")
def test_whether_comments_are_kept_can_be_said(toml: Path) -> None:
    anew = toml.read_text()
    assert run("unbind", "Absent").exit_code == 1
    toml.write_text("# by hand\n" + anew)
    bind = ("bind", "Other", TREE_HASH)
    assert run(*bind).exit_code == 0
    assert toml.read_text().startswith("# by hand\n" + anew)
    assert run("unbind", "Other", "--no-keep-comments").exit_code == 0
    assert "#" not in toml.read_text()
    julias = toml.read_text()
    assert run(*bind, "--keep-comments").exit_code == 0
    assert toml.read_text().startswith(julias)
    assert run("unbind", "Other", "--keep-comments").exit_code == 0
    assert toml.read_text() == julias


def test_a_process_without_standard_streams_can_run_the_command(toml: Path) -> None:
    # As with `>&-` in a shell, and in programs of Windows without a console.
    program = (
        "import sys; sys.stdin = sys.stdout = sys.stderr = None; "
        "from fetch_artifacts.cli import main; main(['list', '--toml', sys.argv[1]])"
    )
    command = [sys.executable, "-c", program, str(toml)]
    assert subprocess.run(command, check=False).returncode == 0
