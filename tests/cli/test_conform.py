from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fetch_artifacts import install_artifacts, julia_toml
from support.commands import run
from support.mirror import make_mirror
from support.published import publish

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for Julia is a script"
)

A, B = "a" * 40, "b" * 40
TOML = f"""\
[Plain]
git-tree-sha1 = "{A}"

[[ByPlatform]]
arch = "x86_64"
git-tree-sha1 = "{B}"
libc = "glibc"
os = "linux"

[[ByPlatform]]
arch = "aarch64"
git-tree-sha1 = "{A}"
os = "macos"
"""
HOST = "x86_64-linux-gnu-libgfortran5-cxx11"


@pytest.fixture(autouse=True)
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depot: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "Artifacts.toml"
    path.write_text(TOML)
    return path


def conform(
    tmp_path: Path, *arguments: str | Path, **otherwise: list[str] | None
) -> tuple[object, str]:
    """The exit code, and what was printed, with a Julia that answers like this one."""
    julia = make_mirror(tmp_path / "bin" / "julia", otherwise)
    result = run("conform", "--julia", julia, *arguments)
    return result.exit_code, result.stdout


def test_without_a_difference_one_line_tells_what_was_compared(tmp_path: Path) -> None:
    code, said = conform(tmp_path)
    assert said == (
        "Julia 1.12.5 (process): 12 checks, 12 same, 0 different, 0 skipped\n"
    )
    assert code == 0


def test_which_julia_is_asked_and_why_is_told_on_standard_error(tmp_path: Path) -> None:
    julia = make_mirror(tmp_path / "bin" / "julia")
    result = run("conform", "--julia", julia)
    assert f"comparing with Julia 1.12.5: it was asked for; {julia}" in result.stderr


@pytest.mark.parametrize(
    ("verb", "answer", "said"),
    [
        (
            "artifact_names",
            ["Plain"],
            (
                "Artifacts.toml: names: they differ\n  --- Julia\n  +++ Python\n"
                "  +ByPlatform\n"
            ),
        ),
        (
            "artifact_hash",
            [A],
            (
                f"Artifacts.toml: hash of ByPlatform for {HOST}: Julia gives {A}; "
                f"Python gives {B}\n"
            ),
        ),
        (
            "artifact_hash",
            None,
            (
                f"Artifacts.toml: hash of Plain for {HOST}: Julia refuses it "
                f"(ArgumentError: refused); Python gives {A}\n"
            ),
        ),
        (
            "place",
            ["/elsewhere"],
            f"path of Plain for {HOST}: Julia gives /elsewhere; Python gives ",
        ),
        ("artifact_exists", ["true"], f"content of Plain for {HOST}: Julia gives "),
        ("select_downloadable_artifacts", ["Plain"], f"downloads for {HOST}: Julia "),
        ("print_toml", ["[Plain]\n"], "Artifacts.toml: text: they differ\n"),
        ("artifact_meta", ["x = 1\n"], f"entry of Plain for {HOST}: they differ\n"),
    ],
)
def test_each_difference_is_named(
    tmp_path: Path, verb: str, answer: list[str] | None, said: str
) -> None:
    code, printed = conform(tmp_path, **{verb: answer})
    assert said in printed
    assert code == 1


def test_what_both_refuse_is_the_same(tmp_path: Path, toml: Path) -> None:
    toml.write_text("[Plain\n")
    code, said = conform(tmp_path)
    assert "4 same (refused by both: 4), 0 different" in said
    assert code == 0


def test_an_old_entry_that_only_python_installs_is_a_difference(
    tmp_path: Path, toml: Path
) -> None:
    toml.write_text(
        f'[Data]\ngit-tree-sha1 = "{"c" * 64}"\n'
        f'[[Data.download]]\nurl = "file:///x"\nsha256 = "{"c" * 64}"\n'
    )
    code, said = conform(tmp_path)
    assert "hash of Data for" in said
    assert "Julia refuses it" in said
    assert code == 1


def test_platforms_are_added_to_the_one_of_julia(tmp_path: Path) -> None:
    def platforms(*arguments: str) -> set[str]:
        _, said = conform(tmp_path, "--json", *arguments)
        return {check["platform"] for check in json.loads(said)["checks"]}

    assert platforms() == {"", HOST}
    assert platforms("--platform", "i686-w64-mingw32") == {"", HOST, "i686-w64-mingw32"}
    assert platforms("--platform", "all") == {
        *("", HOST, "x86_64-linux-gnu", "aarch64-apple-darwin"),
    }
    julia = make_mirror(tmp_path / "bin" / "julia")
    assert run("conform", "--julia", julia, "--platform", "vax").exit_code == 2


def test_an_old_julia_is_not_asked_what_it_does_not_have(tmp_path: Path) -> None:
    code, said = conform(
        tmp_path,
        "--platform",
        "x86_64-linux-gnu-cuda+11",
        version=["1.5.3"],
        triplet=["unknown-unknown"],
    )
    assert "10 same, 0 different, 5 skipped" in said
    assert code == 0


def test_several_files_are_compared_one_after_the_other(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(TOML)
    _, said = conform(tmp_path, "Artifacts.toml", other)
    assert "24 checks, 24 same" in said


@pytest.fixture
def installable(tmp_path: Path, toml: Path, depot: Path) -> Iterator[Path]:
    publish(tmp_path / "served").toml.replace(toml)
    yield toml
    assert not depot.exists(), "installs are of depots that are thrown away"


@pytest.mark.usefixtures("installable")
def test_each_source_is_installed_by_both(tmp_path: Path) -> None:
    code, said = conform(tmp_path, "--install", "--json")
    (check,) = [
        each for each in json.loads(said)["checks"] if each["check"] == "install"
    ]
    assert check["outcome"] == "same"
    assert check["python"]["text"].startswith("git-tree-sha1 ")
    assert check["source"].startswith("file://")
    assert code == 0


def test_installs_are_named_by_all_that_tells_their_platforms_apart(
    tmp_path: Path, toml: Path
) -> None:
    linux = {"arch": "x86_64", "os": "linux"}
    tags: dict[str, dict[str, str]] = {
        "x86_64-linux-gnu": linux | {"libc": "glibc"},
        "x86_64-linux-musl": linux | {"libc": "musl"},
        "x86_64-linux-gnu-cxx11-cuda+12": linux
        | {"libc": "glibc", "cxxstring_abi": "cxx11", "cuda": "12"},
        "aarch64": {"arch": "aarch64"},
        "": {},
    }
    source = {"url": "file:///gone", "sha256": A + "a" * 24}
    entries = [
        {**each, "git-tree-sha1": B, "download": [source]} for each in tags.values()
    ]
    toml.write_text(julia_toml.dumps({"Data": entries}))
    _, said = conform(tmp_path, "--install", "--json", "--junitxml", "report.xml")
    checks = json.loads(said)["checks"]
    named = [each["platform"] for each in checks if each["check"] == "install"]
    assert named == list(tags)
    assert "x86_64-linux-musl" in Path("report.xml").read_text()


@pytest.mark.usefixtures("installable")
def test_another_tree_is_a_difference_that_names_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    (folder / "new").write_text("x")
    code, said = conform(tmp_path, "--install", ensure_artifact_installed=[str(folder)])
    assert "install of Demo from file://" in said
    assert "-rw-r--r-- new 2d711642b726b04401627ca9fbac32f5" in said
    assert code == 1


def test_an_installed_tree_that_was_changed_is_damaged_for_both(
    tmp_path: Path, toml: Path
) -> None:
    publish(tmp_path / "served").toml.replace(toml)
    (path,) = install_artifacts(toml).values()
    (path / "added").write_text("x")
    _, said = conform(tmp_path, "--json")
    (check,) = [
        each for each in json.loads(said)["checks"] if each["check"] == "content"
    ]
    assert (check["julia"]["text"], check["python"]["text"]) == ("damaged", "damaged")


def test_junit_has_a_case_for_each_check_and_the_differences(tmp_path: Path) -> None:
    conform(tmp_path, "--junitxml", "report.xml", place=["/else\x1bwhere"])
    suite = ET.parse(tmp_path / "report.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("12", "2")
    cases = {case.get("name"): case for case in suite}
    failure = cases[f"path of Plain for {HOST}"].find("failure")
    assert failure is not None
    assert "Julia gives /else\\x1bwhere" in str(failure.get("message"))
    assert cases[f"hash of Plain for {HOST}"].find("failure") is None


def test_a_terminal_gets_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fetch_artifacts.cli.commands.conform._is_terminal", lambda: True
    )
    _, said = conform(tmp_path, place=["/elsewhere"])
    assert "artifact    platform" in said
    assert f"Plain       {HOST}  entry, hash, path DIFFERENT, content" in said


def test_without_a_julia_the_exit_code_is_3_and_the_ways_to_one_are_told() -> None:
    result = run("conform", "--julia", "no-such-julia")
    assert result.exit_code == 3
    for way in ("PATH", "--julia", "pip install"):
        assert way in result.stderr


def test_a_julia_that_crashes_is_an_error_and_no_difference(tmp_path: Path) -> None:
    julia = make_mirror(tmp_path / "bin" / "julia", {"die": [""]})
    result = run("conform", "--julia", julia)
    assert result.exit_code == 1
    assert "ended with status 1; its last words" in result.stderr
    assert "signal 11" in result.stderr
    assert result.stdout == ""


def test_quiet_leaves_out_which_julia_it_is(tmp_path: Path) -> None:
    julia = make_mirror(tmp_path / "bin" / "julia")
    result = run("conform", "--julia", julia, "-q")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_report_that_can_not_be_written_is_shown_all_the_same(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.symlink_to("missing/report.xml")
    to = ("--junitxml", str(report))
    code, said = conform(tmp_path, *to, place=["/elsewhere"])
    assert code == 1
    assert "gives /elsewhere" in said


class TestCacheKey:
    @pytest.fixture(autouse=True)
    def _platform(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", HOST)

    def key(self, *files: str) -> str:
        result = run("cache-key", *files)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def test_it_is_short_and_stable(self) -> None:
        assert self.key() == "artifacts-04d25a78e94b8197\n"

    def test_order_comments_formatting_and_sources_do_not_change_it(
        self, toml: Path
    ) -> None:
        before = self.key()
        toml.write_text(
            f"# a comment\nPlain = {{git-tree-sha1 = '{A.upper()}', lazy = true}}\n"
            f"Z = {{git-tree-sha1 = '{B}'}}\n"
            f"[[Plain2]]\nos = 'windows'\narch = 'x86_64'\ngit-tree-sha1 = '{'9' * 40}'"
        )
        assert self.key() == before

    def test_another_tree_or_platform_changes_it(
        self, toml: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = self.key()
        monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", "aarch64-apple-darwin")
        assert self.key() != before
        toml.write_text(TOML.replace(A, "d" * 40))
        assert self.key() != before

    def test_several_files_have_one(self, tmp_path: Path, toml: Path) -> None:
        other = tmp_path / "other.toml"
        other.write_text(f'[X]\ngit-tree-sha1 = "{"e" * 40}"\n')
        both = self.key("Artifacts.toml", "other.toml")
        assert both == self.key("other.toml", "Artifacts.toml")
        assert both != self.key()

    def test_an_error_names_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "other.toml").write_text(f'[X]\ngit-tree-sha1 = "{"e" * 64}"\n')
        result = run("cache-key", "Artifacts.toml", "other.toml")
        assert result.exit_code == 1
        assert f"{tmp_path / 'other.toml'}: X.git-tree-sha1: expected" in result.stderr


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    julia = make_mirror(tmp_path / "bin" / "julia")
    result = run("conform", "--julia", julia, fifo)
    assert result.exit_code == 1
    assert f"{fifo}: expected a regular file, found a FIFO" in result.stderr
